"""Measure a saved step of a run again.

    python -m gan_jax.evaluate --workdir=DIR [--step=N] [--weights=ema|raw] [--protocol=NAME]

Prints one JSON line, and appends it to the run's evaluations.jsonl.
"""

from absl import flags

from gan_jax.core import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")
_PROTOCOL = flags.DEFINE_string("protocol", None, "A named protocol; default: the run's own.")


def main() -> None:
    """Load, measure, print."""
    from gan_jax import data
    from gan_jax.config.setup import with_protocol
    from gan_jax.run.evaluation import Evaluator
    from gan_jax.run.restore import restore
    from gan_jax.run.workdir import describe, to_json

    trained = restore(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    setup = with_protocol(trained.setup, _PROTOCOL.value) if _PROTOCOL.value else trained.setup
    dataset = data.load(setup.config.data)
    evaluator = Evaluator(setup, dataset)
    numbers, _ = evaluator(trained.state, trained.generator)
    row = {
        "step": trained.step,
        "weights": _WEIGHTS.value,
        **numbers,
        "protocol": evaluator.protocol.name,
        "noise_floor": evaluator.floor,
        **describe(setup.config, dataset),
    }
    print(to_json(row))
    with open(trained.workdir.evaluations, "a", encoding="utf-8") as file:
        file.write(to_json(row) + "\n")


if __name__ == "__main__":
    cli.run(main)
