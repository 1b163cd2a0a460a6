"""A report as a page that needs nothing else, and as Markdown with its figures beside it."""

import base64
import html
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from gan_jax.core.errors import RunError
from gan_jax.core.files import write_atomically
from gan_jax.study.markdown import markdown, picture_paths
from gan_jax.study.report import Report, Section
from gan_jax.study.tables import header, is_number, rows

_DPI = 150
STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
"""How all pages look, as CSS."""
_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def write(report: Report, folder: str | os.PathLike, provenance: Mapping[str, Any]) -> None:
    """Write `report.html`, `report.md` and `figures/*.png`; the same bytes for the same report.

    Args:
        report: What was found.
        folder: Where to; made if it is not there.
        provenance: How it was found: command, versions, date, cost, config. A value that is itself
            a dict is folded away on the page and left out of the Markdown.

    Raises:
        RunError: If the folder can't be written to.
    """
    folder = Path(folder)
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for path, section in zip(picture_paths(report), report.sections, strict=True):
            if section.figure:
                _settle(section.figure)
                section.figure.savefig(folder / path, dpi=_DPI)
        write_atomically(folder / "report.md", markdown(report, provenance))
        write_atomically(folder / "report.html", page(report, provenance))
    except OSError as error:
        raise RunError(f"{folder}: the report can't be written: {error.strerror}") from error


def page(report: Report, provenance: Mapping[str, Any]) -> str:
    """The report as HTML, with style and figures inside."""
    words = {
        "title": report.title,
        "question": report.question,
        "claim_id": report.claim.id,
        "claim": report.claim.text,
        "refuted_by": report.refuted_by,
        "headline": report.headline,
    }
    return _PAGE.substitute(
        {key: html.escape(word) for key, word in words.items()},
        style=STYLE,
        status_class=report.status.replace(" ", "-"),
        details="\n".join(_paragraphs(report.details)),
        sections="\n".join(line for section in report.sections for line in _section(section)),
        provenance="\n".join(details(provenance)),
    )


def _section(section: Section) -> Iterator[str]:
    yield f"<section>\n<h2>{html.escape(section.heading)}</h2>"
    yield from _paragraphs(section.text)
    yield "<figure>"
    if section.figure:
        about = html.escape(section.caption or section.heading)
        yield f'<img alt="{about}" src="{svg(section.figure)}">'
    if section.table is not None:
        yield from _table(section.table)
    if section.caption:
        yield f"<figcaption>{html.escape(section.caption)}</figcaption>"
    yield "</figure>\n</section>"


def _paragraphs(text: str) -> Iterator[str]:
    return (f"<p>{html.escape(one)}</p>" for one in text.split("\n\n") if one)


def _settle(figure: Figure) -> None:
    """Lay a figure out for good: each drawing would move things by a hair, and change the bytes."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def svg(figure: Figure) -> str:
    """The figure as a link that holds it: an image of its own, its ids clash with no other's."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "gan_jax"}):  # else ids are drawn at random
        figure.savefig(buffer, format="svg", dpi=_DPI, metadata={"Date": None})
    return link(buffer.getvalue(), "svg+xml")


def link(data: bytes, kind: str) -> str:
    """A link that holds an image.

    Args:
        data: The file's bytes.
        kind: "svg+xml", "png" or "gif".
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _table(table: pd.DataFrame) -> Iterator[str]:
    kinds = [' class="number"' if number else "" for number in is_number(table)]

    def line(tag: str, cells: list[str]) -> str:
        pairs = zip(kinds, cells, strict=True)
        return f"<tr>{''.join(f'<{tag}{kind}>{html.escape(c)}</{tag}>' for kind, c in pairs)}</tr>"

    yield '<div class="wide"><table>'
    yield f"<thead>{line('th', header(table))}</thead>\n<tbody>"
    yield from (line("td", row) for row in rows(table))
    yield "</tbody></table></div>"


def details(provenance: Mapping[str, Any]) -> Iterator[str]:
    """Plain values as a table, then each dict folded away."""
    yield "<table>"
    for key, value in provenance.items():
        if not isinstance(value, Mapping):
            yield f"<tr><th>{html.escape(key)}</th><td>{html.escape(str(value))}</td></tr>"
    yield "</table>"
    for key, value in provenance.items():
        if isinstance(value, Mapping):
            inside = html.escape(json.dumps(value, indent=2, default=str))
            yield f"<details><summary>{html.escape(key)}</summary><pre>{inside}</pre></details>"
