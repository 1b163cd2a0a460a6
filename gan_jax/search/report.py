"""The report of a search: its best trial, what mattered, and all that were tried."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from optuna.trial import FrozenTrial

from gan_jax.run.workdir import versions
from gan_jax.search import evidence
from gan_jax.search.figures import by_field
from gan_jax.search.run_search import Found
from gan_jax.search.search import Options
from gan_jax.search.search_file import SearchFile
from gan_jax.search.space import Point
from gan_jax.search.trials import MEASURES, PARENT
from gan_jax.study import figures
from gan_jax.study.report import Claim, Report, Section
from gan_jax.study.statistics import Interval, paired
from gan_jax.study.text import text

_CURVES = 7  # as many as there are colours


def report(file: SearchFile, options: Options, found: Found) -> Report:
    """What was found; `found` has a best trial."""
    best, trials, space = found.best, found.trials.all, file.space
    finals = found.finals.all
    again = _compared(found, space.own)
    return Report(
        title=f"Search: {file.path.stem}",
        question=" ".join(file.question.split("\n\n")[0].split()),
        claim=Claim("of a search", "There are better values than the config's own."),
        refuted_by="The winner of the finals is no better than they are on the same seeds.",
        answer=_answer(trials, best, again),
        status=_status(again),
        details=_details(file, options, trials, best),
        sections=[
            Section(
                "The best values",
                f"Those of trial {best.number}; best.py is its config.",
                table=evidence.chosen(space, best.params),
            ),
            *_finals(finals, trials, space.own, options),
            *_what_mattered(trials, file),
            _best_curves(trials, len(file.seeds)),
            *_lineage(trials, best),
            Section(
                "All trials",
                "The value of a trial is that of its last evaluation.",
                table=evidence.table(trials).sort_values("value", ascending=False),
                caption=f"Means over seeds ({len(file.seeds)}).",
            ),
        ],
    )


def provenance(
    file: SearchFile, options: Options, found: Found, typed: str
) -> Mapping[str, object]:
    """How it was found."""
    trials, seeds = found.trials.all, len(file.seeds)
    rounds = evidence.rounds_trained(trials, seeds)
    again = evidence.rounds_trained(found.finals.all, options.confirm)
    return {
        "command": typed,
        "trials": f"{len(trials)} of {seeds} seeds, {rounds:,} rounds; {again:,} in the finals",
        "cost": f"{found.seconds:,.0f} device-seconds, compiling included",
        "database": "search.db, which optuna-dashboard opens",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "config": file.space.config.to_dict(),
    }


def _answer(trials: Sequence[FrozenTrial], best: FrozenTrial, again: list[FrozenTrial]) -> str:
    of = f"The best of {len(trials)} trials has a value of"
    if not again:
        return f"{of} {_value(best)} on the seeds that it was chosen by."
    if not np.isfinite(again[0].value):
        return f"{of} {text(best.value)}, but one of other seeds diverges with its values."
    on = f"{of} {text(again[0].value)} on {len(evidence.seed_values(again[0]))} other seeds"
    if len(again) == 1:
        return f"{on}: it is the config's own."
    gain = _gain(again)
    if gain is None:
        return f"{on}; with the config's own values one of them diverges."
    return (
        f"{on}, {text(abs(gain.estimate))} {'more' if gain.estimate >= 0 else 'less'} than the "
        f"config's own values ({text(gain.low)} to {text(gain.high)} more)."
    )


def _value(trial: FrozenTrial) -> str:
    """A trial's value, with its interval if it has several seeds."""
    value = evidence.mean_value(trial)
    return str(value) if value.num > 1 else text(value.estimate)


def _gain(again: list[FrozenTrial]) -> Interval | None:
    """By how much the best trial's values are better on other seeds; None where any diverged."""
    if all(np.isfinite(trial.value) for trial in again):
        return paired(*map(evidence.seed_values, again)).difference
    return None


def _status(again: list[FrozenTrial]) -> str:
    if len(again) < 2:
        return "refuted" if again else "undecided"
    gain = _gain(again)
    if gain is None:
        return "confirmed" if again[0].value > again[1].value else "refuted"
    return "confirmed" if gain.low > 0 else "refuted" if gain.high <= 0 else "undecided"


def _details(
    file: SearchFile, options: Options, trials: Sequence[FrozenTrial], best: FrozenTrial
) -> str:
    states = evidence.table(trials).state.value_counts()
    counted = ", ".join(f"{count} {state}" for state, count in states.items())
    values = ", ".join(f"{name}={text(value)}" for name, value in best.params.items())
    told = (
        f"Its values: {values}. On the seeds that it was chosen by its value was "
        f"{_value(best)}, which flatters: the best of many is also the luckiest.\n\n"
        f"{counted}; sampler {options.sampler}, method {options.method}, seed {options.seed}."
    )
    at_edge = [
        name for name, value in best.params.items() if file.space.values[name].is_at_edge(value)
    ]
    if at_edge:
        told += "\n\nAt an edge of what was searched, so that better ones may lie beyond: "
        told += f"{', '.join(at_edge)}."
    if PARENT in best.user_attrs:
        told += (
            " The best trial had other values before, see its lineage; on other seeds, and in "
            "best.py, it has its last ones all the time."
        )
    return told


def _compared(found: Found, own: Point) -> list[FrozenTrial]:
    """The finals of the winner and of the config's own values; one if they are the same."""
    finals = found.finals.all
    if not finals:
        return []
    winner = found.winner or finals[0]  # where a seed of each diverged any will do
    return [winner, *(one for one in finals if own == one.params != winner.params)]


def _finals(
    finals: Sequence[FrozenTrial], trials: Sequence[FrozenTrial], own: Point, options: Options
) -> Iterator[Section]:
    if not finals:
        return
    rows = [_final(final, trials, own) for final in sorted(finals, key=lambda one: -one.value)]
    yield Section(
        "Finals",
        f"The best {options.finalists} trials and the config's own values, each trained from the "
        "start to the end on seeds that the search did not see. The first has won. Its value is "
        "the best of several, so it may still flatter a little.",
        table=pd.DataFrame(rows),
        caption=f"Means over {options.confirm} seeds, and the 95 % interval of the value's.",
    )


def _final(final: FrozenTrial, trials: Sequence[FrozenTrial], own: Point) -> dict[str, object]:
    same = [one for one in trials if evidence.is_complete(one) and one.params == final.params]
    name = f"{same[0].number}, the config's own" if final.params == own else f"{same[0].number}"
    return {"trial": name, **_measured(final), "in the search": same[0].value}


def _measured(trial: FrozenTrial) -> dict[str, object]:
    if not np.isfinite(trial.value):
        return {"value": trial.value, "interval": "a seed diverged"}
    value = evidence.mean_value(trial)
    ends = f"{text(value.low)} to {text(value.high)}"
    return {"value": value.estimate, "interval": ends, **trial.user_attrs[MEASURES]}


def _what_mattered(trials: Sequence[FrozenTrial], file: SearchFile) -> Iterator[Section]:
    space, every = file.space, file.space.config.eval.every
    round_, shares = evidence.importances(trials, space, every)
    if shares:
        yield Section(
            "What mattered",
            f"How differently each field's values are spread among the best tenth of the trials "
            f"and among all, by their values after round {round_:,}, which all have reached "
            "that did not diverge (PED-ANOVA); shares add up to 1.",
            table=pd.DataFrame({"field": shares.keys(), "share": shares.values()}),
        )
    table = evidence.table(trials)
    yield Section(
        "Values by field",
        "Each point is a trial: its value where it ended. Those at the lower edge diverged.",
        by_field(table, space.values, title="Values of trials"),
        caption=f"{len(table)} trials, means over seeds ({len(file.seeds)}).",
    )


def _best_curves(trials: Sequence[FrozenTrial], seeds: int) -> Section:
    complete = [one for one in trials if evidence.is_complete(one) and np.isfinite(one.value)]
    chosen = sorted(complete, key=lambda trial: -trial.value)[:_CURVES]
    cells = evidence.curves(chosen)
    return Section(
        "Curves of the best",
        "Trials that were trained to the end.",
        figures.curves(cells, "round", "trial", title="The best trials", label="value"),
        caption=f"Means over seeds ({seeds}); bands from the least to the largest value of a seed.",
    )


def _lineage(trials: Sequence[FrozenTrial], best: FrozenTrial) -> Iterator[Section]:
    line = evidence.lineage(trials, best.number)
    if len(line) > 1:
        yield Section(
            "Lineage of the best trial",
            "From whose state each went on, and with which values.",
            table=evidence.table(line)[["trial", "from_round", *best.params]],
        )
