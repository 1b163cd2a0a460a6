"""The bars that an accelerator is measured against, each with its figure, or that there is none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.device.case import Row
from experiments.device.side_by_side import PAIR, PEERS, RING

Found = Mapping[str, Sequence[Row]]
COLUMNS = ("card", "bar", "wanted", "measured", "holds")
NOT_MEASURED = "not measured yet"
DCGAN = "dcgan 128/64"
IN_FULL = {"ring, PacGAN": 4, "grid, PacGAN": 4, "ring, unrolled": 2}  # methods of each
FRECHET = "mnist_cnn_10k/frechet"
FRECHET_OF_TWO_CORES = 42.0  # `configs/mnist.py`, embedded digits: 41.8 and 42.2


class Bar(NamedTuple):
    """A bar.

    Attributes:
        name: What is measured, with its unit.
        wanted: Where it lies, in words.
        figure: From the rows of one card, by stage, to what was measured; None: nothing was.
        holds: Whether a figure will do.
    """

    name: str
    wanted: str
    figure: Callable[[Found], float | None]
    holds: Callable[[float], bool]


def table(found: Found) -> list[Row]:
    """A row a card and bar; `found` are the rows of all stages, by stage."""
    cards = list(dict.fromkeys(row["card"] for rows in found.values() for row in rows))
    return [_row(card, bar, found) for card in cards or [""] for bar in BARS]


def over_peer(rows: Sequence[Row], speed: Sequence[Row]) -> list[Row]:
    """Rows of trials side by side, with `over peer in turn`: how many times as many rounds a second
    as the peer's CUDA graph makes of the same work on the same card, one trial after the other."""
    made = []
    for row in rows:
        graph = _ms(speed, card=row["card"], work=PEERS.get(row["work"]), peer="graph, TF32")
        known = graph is not None and "trials_x_rounds_per_s" in row
        ratio = {"over peer in turn": row["trials_x_rounds_per_s"] * graph / 1e3} if known else {}
        made.append(row | ratio)
    return made


def _row(card: str, bar: Bar, found: Found) -> Row:
    own = {name: [row for row in rows if row["card"] == card] for name, rows in found.items()}
    figure = bar.figure(own)
    row = {"card": card, "bar": bar.name, "wanted": bar.wanted, "measured": NOT_MEASURED}
    return row if figure is None else row | {"measured": figure, "holds": bar.holds(figure)}


def _ms(rows: Iterable[Row], **wanted: object) -> float | None:
    """The least time of the rows that have these entries."""
    times = [
        row["ms"]
        for row in rows
        if "ms" in row and all(row.get(name) == value for name, value in wanted.items())
    ]
    return min(times, default=None)


def _round(found: Found) -> float | None:
    peers = [row for row in found["speed"] if "bfloat16" not in row.get("peer", "bfloat16")]
    own, peer = _ms(found["speed"], work=DCGAN, dtype="float32"), _ms(peers, work=DCGAN)
    return own / peer if own and peer else None


def _ring(found: Found) -> float | None:
    rings = [row for row in found["side_by_side"] if row["work"] == RING]
    rows = over_peer(rings, found["speed"])
    ratios = [row["over peer in turn"] for row in rows if "over peer in turn" in row]
    return max(ratios, default=None)


def _pair(found: Found) -> float | None:
    one, many = (_ms(found["side_by_side"], work=PAIR, trials=trials) for trials in (1, 64))
    return 64 * one / many if one and many else None


def _mnist(found: Found) -> float | None:
    runs = [row for row in found["runs"] if row["run"] == "mnist"]
    good = [row["seconds"] for row in runs if row[FRECHET] <= FRECHET_OF_TWO_CORES]
    return min(good, default=None)


def _in_full(found: Found) -> float | None:
    rows = [row for row in found["published"] if row["protocol"] in IN_FULL and row["minutes"]]
    whole = [row["minutes"] for row in rows if row["part"] == 1]
    return sum(whole) if len(whole) == sum(IN_FULL.values()) else None


BARS = (
    Bar("a round of dcgan 128/64, over PyTorch's best", "<= 0.7", _round, lambda x: x <= 0.7),
    Bar(
        "ring, best number of trials, rounds/s of all over PyTorch's CUDA graph in turn",
        ">= 50 (stretch 200)",
        _ring,
        lambda x: x >= 50,
    ),
    Bar("MNIST pair, rounds/s of 64 trials over those of one", ">= 15", _pair, lambda x: x >= 15),
    Bar(
        f"configs/mnist.py, seconds to a Frechet distance of {FRECHET_OF_TWO_CORES:g} or less",
        "<= 60",
        _mnist,
        lambda x: x <= 60,
    ),
    Bar(
        "PacGAN's ring and grid and unrolled's ring in full, ten trials a method, minutes",
        "<= 10",
        _in_full,
        lambda x: x <= 10,
    ),
)
