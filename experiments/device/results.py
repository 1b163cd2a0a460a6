"""The files of a stage's results, and what they were measured on."""

import subprocess
from pathlib import Path

from experiments.device.case import Row
from experiments.speed.environment import environment
from gan_jax.core.errors import InputError
from gan_jax.core.files import Form, read_object, to_json, write_atomically

DONE, FAILED, BEGUN = "done", "failed", "begun"
FLAG = Form(lambda value: isinstance(value, bool), "true or false")
FIELDS = {"tiny": FLAG, "machines": list, "cases": dict}


class StageFile:
    """A stage's results on disk: DIR/STAGE.json, always whole.

    Args:
        folder: DIR.
        stage: Its name.
        protocol: How it measures.
        tiny: Whether at tiny sizes.

    Attributes:
        machines: What the cases were measured on.
        cases: By name, a case's status, seconds, machine (its place in `machines`), rows and, if
            it is not done, why.

    Raises:
        Damaged: If the file holds no results.
        InputError: If it is of the other sizes.
    """

    def __init__(self, folder: Path, stage: str, protocol: str, *, tiny: bool):
        self._path = folder / f"{stage}.json"
        self._head = {"stage": stage, "protocol": protocol, "tiny": tiny}
        self.machines, self.cases = [], {}
        if found := read_object(self._path, FIELDS):
            if found["tiny"] != tiny:
                kinds = {True: "tiny sizes", False: "whole sizes"}
                why = f"holds results at {kinds[found['tiny']]}, now {kinds[tiny]} are asked for"
                raise InputError("--out", folder, why)
            self.machines, self.cases = found["machines"], found["cases"]

    def is_done(self, name: str) -> bool:
        """Whether a case is done; one that failed is tried again, one that was begun goes on."""
        return self.cases.get(name, {}).get("status") == DONE

    def add(
        self,
        name: str,
        rows: list[Row],
        *,
        seconds: float,
        machine: dict,
        status: str = DONE,
        why: str | None = None,
    ) -> None:
        """Write down a case; `why` it is not done, or None."""
        if machine not in self.machines:
            self.machines.append(machine)
        self.cases[name] = {
            "status": status,
            "seconds": round(seconds, 1),
            "machine": self.machines.index(machine),
            **({"why": why} if why else {}),
            "rows": rows,
        }
        head = {**self._head, "machines": self.machines}
        write_atomically(self._path, to_json({**head, "cases": self.cases}, indent=1))

    def rows(self) -> list[Row]:
        """All rows, of cases that failed too, each with its case's name and machine."""
        return [
            {"case": name, "card": self.machines[case["machine"]]["card"], **row}
            for name, case in self.cases.items()
            for row in case["rows"]
        ]


def machine() -> dict[str, object]:
    """Card, driver, processor, versions, commit and date, without touching the card."""
    query = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    cards = _output(*query).splitlines()
    card, driver, memory = cards[0].split(", ") if cards else ("", "", "")
    found = environment()
    return {
        "card": card or found["machine"],
        "driver": driver,
        "memory": memory,
        "commit": _output("git", "rev-parse", "HEAD").strip(),
        **found,
    }


def _output(*command: str) -> str:
    """What a command prints, or nothing where there is no such command or it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
