"""The standard report of a study: what it takes from protocols, and from what trials have saved."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gan_jax.config.fields import RULES, flatten
from gan_jax.data import DATASETS
from gan_jax.metrics import PROTOCOLS
from gan_jax.run.workdir import Workdir
from gan_jax.study import standard
from gan_jax.study.ranking import Measure, Ranking, rank
from gan_jax.study.report import Report, Section
from gan_jax.study.sheets import picture_sheet, scatter_sheet
from gan_jax.sweep.jobs import Job
from gan_jax.sweep.plan import Plan
from gan_jax.sweep.study import Study, TrialConfig

_PARTS = 2  # of a field's name, at least, that are shown: "generator.width"


def report(study: Study, plan: Plan, table: pd.DataFrame) -> Report:
    """What the trials of a study say, all of which have one protocol.

    Args:
        study: The study.
        plan: Its jobs, all of them finished.
        table: As `results.collect` gives it.
    """
    flat = [flatten(trial.config) for trial in study.trials]
    fields = [key for key in flat[0] if key != "seed" and len({one[key] for one in flat}) > 1]
    ranking = rank(table, {key: _short(key) for key in fields}, _measures(study.trials))
    return standard.report(ranking, study.path.stem, list(_samples(plan, ranking)))


def _short(key: str) -> str:
    """A field's name by its last parts, as many as it takes to be no other field's."""
    parts = key.split(".")
    for count in range(_PARTS, len(parts)):
        name = ".".join(parts[-count:])
        if sum(other.endswith(f".{name}") for other in RULES) == 1:
            return name
    return key


def _measures(trials: Sequence[TrialConfig]) -> list[Measure]:
    """The protocol's, with bounds that hold for the data of all trials."""
    protocol = PROTOCOLS[trials[0].config.eval.protocol]
    kind, data = protocol.kind, {trial.config.data.name for trial in trials}
    bounds = [kind.bounds(DATASETS[name].density) for name in data]
    found = []
    for name in kind.HEADLINE:
        lows, highs = zip(*(one[name] for one in bounds), strict=True)
        ends = (min(lows), max(highs))
        found.append(Measure(f"{protocol.name}/{name}", name, kind.BETTER[name], ends))
    return found


def _samples(plan: Plan, ranking: Ranking) -> Iterator[Section]:
    """What the median and the worst trials generated in the end, a section a data set."""
    by_number = {trial.number: (job, trial) for job in plan.jobs for trial in job.trials}
    found: dict[str, dict[str, np.ndarray | None]] = {}
    for number, name in _named(ranking).items():
        job, trial = by_number[number]
        found.setdefault(trial.config.data.name, {})[name] = _of_trial(plan, job, trial)
    for data, samples in found.items():
        yield _section(data, samples)


def _named(ranking: Ranking) -> dict[int, str]:
    """Trials whose samples are shown, by number, each with what it is."""
    groups = {"of the best setting": ranking.settings[:1], "of all": ranking.settings}
    if len(ranking.settings) == 1:
        del groups["of the best setting"]
    named: dict[int, list[str]] = {}
    for of, settings in groups.items():
        trials = ranking.median_and_worst(settings)
        for trial, which in zip(trials, ("median", "worst"), strict=True):
            named.setdefault(trial, []).append(f"{which} {of}")
    return {trial: f"trial {trial}:\n" + ",\n".join(of) for trial, of in named.items()}


def _of_trial(plan: Plan, job: Job, trial: TrialConfig) -> np.ndarray | None:
    """A trial's points [N, D] where their density is known, else a picture; None: there is none."""
    place = plan.place(job)
    if not job.vmapped:
        pictures = sorted(Workdir(place.run).samples.glob("*.png"))
        return _read(pictures[-1]) if pictures else None
    source, samples = DATASETS[trial.config.data.name], place.read_samples(trial)
    if samples is None or source.density is not None:
        return samples
    return np.asarray(source.kind.picture(samples, samples))


def _read(path: Path) -> np.ndarray | None:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError):  # Pillow's own: what it says of a broken PNG
        return None


def _section(data: str, found: dict[str, np.ndarray | None]) -> Section:
    density, heading = DATASETS[data].density, f"Samples: {data}"
    said = "In the end, or of a run the last before it diverged."
    saved = {name: samples for name, samples in found.items() if samples is not None}
    lacking = [name.replace("\n", " ") for name in found if name not in saved]
    if lacking:
        said += f" None is saved of {'; '.join(lacking)}."
    if not saved:
        return Section(heading, said)
    if density is None:
        return Section(heading, said, picture_sheet(saved, title=heading))
    return Section(heading, said, scatter_sheet(saved, density.centres, title=heading))
