"""What do the published protocols of the mixtures give here, in the part that two cores can train?

    python -m gan_jax.sweep experiments/published.py
    python -m experiments.published FOLDER [FOLDER ...]

The second command prints what has been trained so far of these and of all other methods of
`experiments.common.protocols`, in the folders of this study and of `python -m experiments.device`
(which trains whole protocols): each row says which part of its protocol it is.

Claim P7, of PacGAN (Lin et al., 2018, arXiv:1712.04086) and of unrolled GANs (Metz et al., 2017,
arXiv:1611.02163): packing and unrolling cover more modes than the plain GAN of the same networks.

The set-ups are those of configs/ring_pacgan.py, grid_pacgan.py and ring_unrolled.py, ten trials
each, but only the first part of their rounds: `PARTS` says which. The report tells how much work is
left; `--config.train.steps` does not change it, a change of `PARTS` does. It would be refuted, for
that part, if packing and unrolling gained less than half a mode everywhere.
"""

import sys
from pathlib import Path

import pandas as pd

from configs import ring_pacgan
from experiments.common import mixtures, protocols, trained
from experiments.common.protocols import (
    PACK,
    PROTOCOLS,
    SCHEME,
    SEEDS,
    Figures,
    Trials,
)
from experiments.common.readings import last
from experiments.common.sentences import by, percent
from experiments.common.verdicts import compare, verdict_of
from experiments.device.table import grid
from gan_jax.config.fields import flatten
from gan_jax.core import cli
from gan_jax.core.errors import InputError
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell
from gan_jax.sweep import study

# Of each protocol the plain GAN and the rival that two cores are given.
STUDIED = {
    "ring, PacGAN": ("GAN", "PacGAN2"),
    "grid, PacGAN": ("GAN", "PacGAN2"),
    "ring, unrolled": ("GAN", "unrolled"),
}
PARTS = {"ring, PacGAN": 1 / 80, "grid, PacGAN": 1 / 400, "ring, unrolled": 1 / 10}
EVALUATIONS = 4
MARGIN = 0.5  # modes


def get_config():
    """PacGAN2 on the ring; each trial is then given its own protocol."""
    return ring_pacgan.get_config()


def sweep(add):
    """Each protocol with and without its idea, for a part of its rounds."""
    for protocol, methods in STUDIED.items():
        whole = flatten(PROTOCOLS[protocol].config())
        rounds = round(PARTS[protocol] * whole["train.steps"])
        part = {"train.steps": rounds, "eval.every": rounds // EVALUATIONS}
        for method in methods:
            for seed in SEEDS:
                add(**whole | part | PROTOCOLS[protocol].methods[method] | {"seed": seed})


def report(results):
    """The modes found, beside the published ones."""
    rows = named(results)
    ends = last(rows)
    gains = {}
    for protocol, (plain, rival) in STUDIED.items():
        mine = ends[ends.protocol == protocol].assign(
            setting=f"{protocol}: {rival} instead of {plain}"
        )
        gains |= compare(mine, "modes", "method", (rival, plain), ["setting"])
    verdict = verdict_of(gains, margin=MARGIN)
    best = ends.groupby(["protocol", "method"]).high_quality.mean().max()
    parts = ", ".join(f"1/{1 / share:.0f} ({protocol})" for protocol, share in PARTS.items())
    return Report(
        title="Published protocols, in part",
        question="Do packing and unrolling cover more modes, under the protocols they were "
        "published with?",
        claim=Claim("P7", "PacGAN and unrolling find modes that the plain GAN misses."),
        refuted_by=f"After the part trained, no gain of {MARGIN} modes in any protocol.",
        answer=f"After at most {percent(max(PARTS.values()))} of the published training packing "
        f"and unrolling find more modes than the plain GAN {verdict.where}; in the median one the "
        f"number found is {by(verdict.median, 'higher', 'lower', 'modes')}.",
        status=verdict.status,
        details=f"Trained were these parts of the published rounds: {parts}. The claim is that "
        f"packing or unrolling finds more than {MARGIN} modes more by then. {verdict.rest} The "
        f"best of them has {percent(best)} of its samples within 3 sigma by then.",
        sections=[
            Section(
                "Ours after a part, theirs after the whole",
                f"{mixtures.SCORING}\n\nThe numbers are not to be compared as equals: theirs come "
                "from the whole protocol. What is left is told as rounds a trial, and as how many "
                "times the work done here.",
                table=_beside(ends),
                caption=f"Means over {ends.seed.nunique()} trials; theirs of 10. A perfect sampler "
                "has 98.89 % within 3 sigma, and a reverse KL of "
                f"{mixtures.FLOORS['ring']} (ring) or {mixtures.FLOORS['grid']} (grid).",
            ),
            verdict.section(
                "Gains in modes",
                "Of packing and unrolling over the plain GAN, in pairs of one seed.",
            ),
            *(curve for protocol in rows.protocol.unique() for curve in _curves(rows, protocol)),
            mixtures.published(),
        ],
    )


def named(results):
    """The scored rows with their `protocol` and `method`."""
    rows = mixtures.scored(results)
    metz = rows[SCHEME].eq("unrolled") | rows["model.latent"].eq(256)
    protocol = rows["data.name"] + metz.map({True: ", unrolled", False: ", PacGAN"})
    method = rows[SCHEME].where(rows[SCHEME] == "unrolled", "GAN")
    return rows.assign(protocol=protocol, method=method.where(rows[PACK] == 1, "PacGAN2"))


def _beside(ends):
    table = []
    for (protocol, method), cell in ends.groupby(["protocol", "method"], sort=False):
        whole = PROTOCOLS[protocol].config().train.steps
        rounds = int(cell.step.max())
        means = cell[list(trained.MEASURES)].mean()
        theirs = PROTOCOLS[protocol].theirs.get(method, Figures())
        table.append(
            {
                "protocol": protocol,
                "method": method,
                "rounds": rounds,
                "modes": means.modes,
                "% within 3 sigma": 100 * means.high_quality,
                "reverse KL": means.reverse_kl,
                "covariance ratio": means.covariance_ratio,
                "their rounds": whole,
                "their modes": theirs.modes,
                "their %": theirs.high_quality and 100 * theirs.high_quality,
                "their KL": theirs.reverse_kl,
                "rounds left": whole - rounds,
                "times the work": whole / rounds - 1,
            }
        )
    return pd.DataFrame(table)


def _curves(rows, protocol):
    mine = rows[rows.protocol == protocol].rename(columns={"step": "rounds"})
    most = float(mixtures.MODES[mine["data.name"].iloc[0]])
    for measure, largest, label, references in (
        ("modes", most, f"modes of {most:g}", {"all": most}),
        ("high_quality", 1, "share within 3 sigma", mixtures.CEILING),
    ):
        heading = f"{label.capitalize()} over the part trained: {protocol}"
        cells = by_cell(mine, ["method", "rounds"], measure, bounds=(0, largest))
        yield Section(
            heading,
            "",
            figures.curves(
                cells, "rounds", "method", title=heading, label=label, references=references
            ),
            caption="Means with intervals of 95 %.",
        )


def studied():
    """The trials of this study, by method: those of a part of each protocol."""
    trials = iter(study.load(Path(__file__), get_config()).trials)
    for protocol, methods in STUDIED.items():
        for method in methods:
            yield Trials(protocol, method, [next(trials) for _ in SEEDS])


def main() -> None:
    """Print the table of what the folders hold."""
    folders = [Path(argument).expanduser() for argument in sys.argv[1:]]
    jobs = [job for folder in folders for job in trained.places(folder)]
    rows = trained.beside(jobs, [*studied(), *protocols.whole()])
    if not rows:
        raise InputError("FOLDER", " ".join(sys.argv[1:]), "holds no trials of these protocols")
    print(grid(rows, trained.COLUMNS))


if __name__ == "__main__":
    cli.run(main)
