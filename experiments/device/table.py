"""What has been measured, as Markdown."""

from collections.abc import Callable, Mapping, Sequence

from experiments.common import trained
from experiments.device import bars, stages
from experiments.device.case import Row
from experiments.device.results import FAILED, StageFile


def markdown(files: Mapping[str, StageFile]) -> str:
    """All stages' tables, what failed, and what it was measured on."""
    found = dict.fromkeys(stages.NAMES, ()) | {name: file.rows() for name, file in files.items()}
    parts = ["# What this device does", _machines(files)]
    parts += ["## Bars", grid(bars.table(found), bars.COLUMNS)]
    found["side_by_side"] = bars.over_peer(found["side_by_side"], found["speed"])
    for name, rows in found.items():
        if rows:
            parts += [f"## {name.replace('_', ' ').capitalize()}", TABLES[name](rows)]
    failed = [
        f"- {name}, {case}: {entry['why'].splitlines()[0]}"
        for name, file in files.items()
        for case, entry in file.cases.items()
        if entry["status"] == FAILED
    ]
    if failed:
        parts += ["## Failed", "\n".join(failed)]
    return "\n\n".join(parts)


def grid(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A Markdown table of those columns; numbers by four digits."""
    lines = [columns, ["---"] * len(columns)]
    lines += [[_shown(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/")


def _machines(files: Mapping[str, StageFile]) -> str:
    seen = {}
    for file in files.values():
        for machine in file.machines:
            versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
            driver = f", driver {machine['driver']}" if machine["driver"] else ""
            seen[f"{machine['card']}{driver}; {versions}; {machine['date']}"] = None
    return "\n".join(f"- {line}" for line in seen)


def _plain(*columns: str) -> Callable[[Sequence[Row]], str]:
    return lambda rows: grid(rows, ["card", *columns])


def _parity(rows: Sequence[Row]) -> str:
    drawn = [row for row in rows if "kind" in row]
    compared = sorted((row for row in rows if "config" in row), key=lambda row: row["config"])
    columns = ("config", "precision", "losses", "discriminator", "generator", "holds")
    return "\n\n".join(
        [
            "Errors relative to the CPU at the highest precision.",
            _plain("kind", "same_bits", "largest_gap", "holds")(drawn),
            _plain(*columns)(compared),
        ]
    )


def speed(rows: Sequence[Row]) -> str:
    """The project's rounds with their share of the peak, and over the peer's best of one type."""
    rates = {row["card"]: row for row in rows if "side" in row}
    peers = [row for row in rows if "peer" in row]
    shown = []
    for row in rows:
        if "dtype" not in row:
            continue
        if "failed" in row:
            shown.append(row)
            continue
        best = [
            peer["ms"]
            for peer in peers
            if "ms" in peer
            and peer["card"] == row["card"]
            and peer["work"] == row["work"]
            and ("bfloat16" in peer["peer"]) == (row["dtype"] == "bfloat16")
        ]
        made = dict(row)
        if best:
            made["over peer's best"] = row["ms"] / min(best)
        if row["flops"] and row["card"] in rates:
            made["TFLOP/s"] = row["flops"] / row["ms"] / 1e9
            made["share of peak"] = made["TFLOP/s"] / rates[row["card"]][row["dtype"]]
        shown.append(made)
    columns = ("work", "dtype", "rounds_per_dispatch", "ms", "host_ms", "TFLOP/s", "share of peak")
    parts = [
        _plain("device", "float32", "bfloat16", "float32, highest precision", "GB/s")(
            list(rates.values())
        ),
        _plain(*columns, "over peer's best", "first_call_s", "failed")(shown),
    ]
    if peers:
        parts.append(_plain("work", "peer", "ms", "examples_per_s", "gemm_tflops", "failed")(peers))
    return "\n\n".join(parts)


def convolutions(rows: Sequence[Row]) -> str:
    """Milliseconds by formulation, a line a layer and contraction, and which is the quickest."""
    lines: dict[tuple, Row] = {}
    keys = ("card", "pair", "trials", "layer", "contraction")
    names = list(dict.fromkeys(row["formulation"] for row in rows))
    for row in rows:
        line = lines.setdefault(tuple(row[key] for key in keys), {key: row[key] for key in keys})
        line[row["formulation"]] = row.get("ms", "failed")
    for line in lines.values():
        timed = {name: line[name] for name in names if isinstance(line.get(name), float | int)}
        line["quickest"] = min(timed, key=timed.get) if timed else ""
    sums: dict[tuple, Row] = {}
    for line in lines.values():
        key = (line["card"], line["pair"], line["trials"])
        total = sums.setdefault(key, dict(zip(("card", "pair", "trials"), key, strict=True)))
        for name in names:
            known = isinstance(line.get(name), float | int) and total.get(name, 0.0) is not None
            total[name] = total.get(name, 0.0) + line[name] if known else None
        if line["quickest"]:
            total["quickest of each"] = total.get("quickest of each", 0.0) + line[line["quickest"]]
    whole = _plain("pair", "trials", *names, "quickest of each")(list(sums.values()))
    each = grid(list(lines.values()), [*keys, *names, "quickest"])
    return f"All layers and contractions, ms:\n\n{whole}\n\nEach, ms:\n\n{each}"


SIDE = (
    *("work", "formulation", "trials", "rounds_per_dispatch", "ms", "host_ms"),
    *("trials_x_rounds_per_s", "over peer in turn", "peak_bytes", "first_call_s", "failed"),
)
RUN = (
    *("run", "seconds", "rounds", "mnist_cnn_10k/frechet"),
    *("mixture_2500/modes", "mixture_2500/high_quality"),
)
TABLES = {
    "parity": _parity,
    "speed": speed,
    "convolutions": convolutions,
    "side_by_side": _plain(*SIDE),
    "runs": _plain(*RUN),
    "published": _plain(*trained.COLUMNS, "minutes", "minutes_for_all"),
}
