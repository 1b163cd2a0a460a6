"""How far a search is, on one line of the terminal."""

from typing import Self

from optuna.trial import TrialState
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gan_jax.search.trials import DIVERGED, Trials
from gan_jax.study.text import text


class Progress:
    """A bar of the trials that have ended; for use in a `with`.

    Args:
        name: What is trained, in words.
        trials: The trials.
        drawn: How many will be drawn.

    Attributes:
        text: How far it is, in words.
    """

    def __init__(self, name: str, trials: Trials, drawn: int):
        self._name, self._trials, self.text = name, trials, "compiling"
        self._bar = Bar(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._task = self._bar.add_task(self.text, total=drawn)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self) -> None:
        """Say how far it is now."""
        trials = self._trials.all
        ended = [trial for trial in trials if trial.state.is_finished()]
        complete = [trial for trial in ended if trial.state == TrialState.COMPLETE]
        diverged = sum(DIVERGED in trial.user_attrs for trial in ended)
        stopped = len(ended) - len(complete) - diverged
        self.text = (
            f"{self._name} {len(ended)} of {max(self._bar.tasks[0].total, len(trials))}: "
            f"{len(complete)} complete, {stopped} stopped, {diverged} diverged"
        )
        if best := self._trials.best:
            self.text += f", best {text(best.value, 4)} (trial {best.number})"
        self._bar.update(self._task, completed=len(ended), description=self.text)
