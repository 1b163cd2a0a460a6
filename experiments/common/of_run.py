"""Studies of a run that is there: from its latent space to a report.

python -m experiments.latent.NAME --workdir=RUN [--step=N] [--weights=ema] --out=FOLDER
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from absl import flags

from gan_jax.core import cli


def study(report: Callable) -> None:
    """Load the latent space, study it, write the report, and end the program.

    Args:
        report: From a `gan_jax.latent.Space` to a `gan_jax.study.report.Report`.
    """
    # Not on import: another program's flags have the same names.
    workdir = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
    step = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
    weights = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")
    out = flags.DEFINE_string("out", None, "The folder of the report.", required=True)

    def main() -> None:
        from gan_jax import latent
        from gan_jax.run.workdir import versions
        from gan_jax.study import page

        started = time.monotonic()
        space = latent.load(workdir.value, step.value, weights.value)
        found = report(space)
        data = space.record["data"]
        provenance = {
            "command": f"python -m experiments.latent.{Path(sys.argv[0]).stem} "
            f"--workdir={workdir.value} --out={out.value}",
            "run": f"{space.origin}, weights {space.weights}, {data['origin']}",
            "cost": f"{time.monotonic() - started:,.0f} s, compiling included",
            "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
            "config": space.config.to_dict(),
        }
        page.write(found, out.value, provenance)
        print(f"{found.headline}\nsee {out.value}/report.html")

    cli.run(main)
