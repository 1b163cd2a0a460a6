"""Measure a saved step of a run again.

    python -m gan_jax.evaluate --workdir=DIR [--step=N] [--weights=ema|raw] [--protocol=NAME]
        [--diagnostics]

Prints one JSON line, and appends it to the run's evaluations.jsonl. With --diagnostics it says too
why training goes as it does: see gan_jax.diagnostics.
"""

from absl import flags

from gan_jax.core import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")
_PROTOCOL = flags.DEFINE_string("protocol", None, "A named protocol; default: the run's own.")

_DIAGNOSTICS = flags.DEFINE_bool(
    "diagnostics", False, "Measure gradients, saturation and accuracies too; runs may by default."
)


def main() -> None:
    """Load, measure, print."""
    row = measure(
        _WORKDIR.value, _STEP.value, _WEIGHTS.value, _PROTOCOL.value, diagnostics=_DIAGNOSTICS.value
    )
    print(row)


def measure(
    workdir: str,
    step: int | None = None,
    weights: str = "ema",
    protocol: str | None = None,
    *,
    diagnostics: bool = False,
) -> str:
    """Measure a saved step of a run, and append what was found to its evaluations.jsonl.

    Args:
        workdir: The run's folder.
        step: A saved step; None: the newest.
        weights: "ema" or "raw".
        protocol: A named protocol; None: the run's own.
        diagnostics: Whether to measure them even if the run did not.

    Returns:
        A line of JSON.

    Raises:
        InputError: See `gan_jax.run.restore.restore`; if the protocol does not fit the data; and if
            diagnostics are asked for of a run with a loss or other rules that are unknown here.
    """
    from gan_jax import data
    from gan_jax.config.checks import checked
    from gan_jax.config.setup import with_protocol
    from gan_jax.core.files import to_json
    from gan_jax.run.evaluation import Evaluator
    from gan_jax.run.restore import restore
    from gan_jax.run.workdir import describe

    trained = restore(workdir, step, weights)
    setup = with_protocol(trained.setup, protocol) if protocol else trained.setup
    dataset = data.load(setup.config.data)
    diagnostics |= setup.config.eval.diagnostics
    if diagnostics:
        checked(setup.config)  # those of a game whose rules are unknown here can't be measured
    evaluator = Evaluator(setup, dataset, diagnostics=diagnostics)
    numbers, _ = evaluator(trained.state, trained.generator)
    row = {
        "step": trained.step,
        "weights": weights,
        **numbers,
        "protocol": evaluator.protocol.name,
        "noise_floor": evaluator.floor,
        **describe(setup.config, dataset),
    }
    with open(trained.workdir.evaluations, "a", encoding="utf-8") as file:
        file.write(to_json(row) + "\n")
    return to_json(row)


if __name__ == "__main__":
    cli.run(main)
