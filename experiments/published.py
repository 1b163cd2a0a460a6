"""What do the published protocols of the mixtures give here, in the part that two cores can train?

    python -m gan_jax.sweep experiments/published.py

Claim P7, of PacGAN (Lin et al., 2018, arXiv:1712.04086) and of unrolled GANs (Metz et al., 2017,
arXiv:1611.02163): packing and unrolling cover more modes than the plain GAN of the same networks.

The set-ups are those of configs/ring_pacgan.py, grid_pacgan.py and ring_unrolled.py, ten trials
each, but only the first part of their rounds: `PARTS` says which. The report tells how much work is
left; `--config.train.steps` does not change it, a change of `PARTS` does. It would be refuted, for
that part, if packing and unrolling gained less than half a mode everywhere.
"""

import pandas as pd

from configs import grid_pacgan, ring_pacgan, ring_unrolled
from experiments.common import mixtures
from experiments.common.readings import last
from experiments.common.sentences import by, percent
from experiments.common.verdicts import compare, verdict_of
from gan_jax.config.fields import flatten
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import by_cell

SEEDS = range(10)
PACK, SCHEME = "model.discriminator.pack", "schedule.scheme"
PACKED = {"train.batch_size": 200, PACK: 2}
PLAIN = {"train.batch_size": 100, PACK: 1}
# The protocol, its whole config, the plain GAN and its rival.
PROTOCOLS = {
    "ring, PacGAN": (ring_pacgan, {"GAN": PLAIN, "PacGAN2": PACKED}),
    "grid, PacGAN": (grid_pacgan, {"GAN": PLAIN, "PacGAN2": PACKED}),
    "ring, unrolled": (
        ring_unrolled,
        {"GAN": {SCHEME: "simultaneous"}, "unrolled": {SCHEME: "unrolled"}},
    ),
}
PARTS = {"ring, PacGAN": 1 / 80, "grid, PacGAN": 1 / 400, "ring, unrolled": 1 / 10}
EVALUATIONS = 4
MARGIN = 0.5  # modes
# Modes, share within 3 sigma in percent and reverse KL after the whole protocol. Metz et al. show
# pictures only.
THEIRS = {
    ("ring, PacGAN", "GAN"): (6.3, 98.2, 0.45),
    ("ring, PacGAN", "PacGAN2"): (7.9, 95.6, 0.07),
    ("grid, PacGAN", "GAN"): (17.3, 94.8, 0.70),
    ("grid, PacGAN", "PacGAN2"): (23.8, 91.3, 0.13),
}
MEASURES = ("modes", "high_quality", "reverse_kl", "covariance_ratio")


def get_config():
    """PacGAN2 on the ring; each trial is then given its own protocol."""
    return ring_pacgan.get_config()


def sweep(add):
    """Each protocol with and without its idea, for a part of its rounds."""
    for protocol, (config, methods) in PROTOCOLS.items():
        whole = flatten(config.get_config())
        rounds = round(PARTS[protocol] * whole["train.steps"])
        part = {"train.steps": rounds, "eval.every": rounds // EVALUATIONS}
        for fields in methods.values():
            for seed in SEEDS:
                add(**whole | part | fields | {"seed": seed})


def report(results):
    """The modes found, beside the published ones."""
    rows = named(results)
    ends = last(rows)
    gains = {}
    for protocol, (_, methods) in PROTOCOLS.items():
        plain, rival = methods
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
        whole = PROTOCOLS[protocol][0].get_config().train.steps
        trained = int(cell.step.max())
        means = cell[list(MEASURES)].mean()
        theirs = THEIRS.get((protocol, method), (None, None, None))
        table.append(
            {
                "protocol": protocol,
                "method": method,
                "rounds": trained,
                "modes": means.modes,
                "% within 3 sigma": 100 * means.high_quality,
                "reverse KL": means.reverse_kl,
                "covariance ratio": means.covariance_ratio,
                "their rounds": whole,
                "their modes": theirs[0],
                "their %": theirs[1],
                "their KL": theirs[2],
                "rounds left": whole - trained,
                "times the work": whole / trained - 1,
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
