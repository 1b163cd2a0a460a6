"""A live line about the run, for a person at a terminal."""

import errno
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressLine:
    """Rounds, images a second, time left, losses and accuracy; nothing where nobody watches.

    Args:
        step: The step that the run starts at.
        steps: The step that it ends at.
    """

    def __init__(self, step: int, steps: int):
        self._steps = steps
        self._progress = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=20),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("", total=steps, completed=step)
        self._progress.start()

    def update(self, step: int, images_per_second: float, latest: dict[str, float]) -> None:
        """Show the newest numbers known."""
        parts = [f"{images_per_second:,.0f} images/s"]
        for label, name in (
            ("D loss", "discriminator/loss"),
            ("G loss", "generator/loss"),
            ("D real", "discriminator/accuracy_real"),
            ("D fake", "discriminator/accuracy_fake"),
        ):
            if name in latest:
                parts.append(f"{label} {latest[name]:.2f}")
        self._progress.update(self._task, completed=step, description="  ".join(parts))

    def say(self, line: str) -> None:
        """Print a line that stays."""
        try:
            if self._progress.disable:
                print(line, flush=True)
            else:
                self._progress.console.print(line, highlight=False)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # A terminal that was closed: SIGHUP is on its way, and the run is to be saved.

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()
