"""A report as Markdown, to be read where pages are not shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gan_jax.study.report import Report, Section
from gan_jax.study.tables import header, is_number, rows

# What would be markup; an underscore within a word is none.
_MARKUP = re.compile(
    r"[\\`*<>\[\]|~$&]|(?<!\w)_|_(?!\w)|^(?:#|[-+](?= )|\d+(?=[.)] ))", re.MULTILINE
)


def markdown(report: Report, provenance: Mapping[str, Any]) -> str:
    """The report with links to its figures.

    Args:
        report: What was found.
        provenance: How; only plain values are told.
    """
    lines = [
        f"# {_escape(report.title)}",
        f"**{_escape(report.headline)}**",
        *([_escape(report.details)] if report.details else []),
        f"- Question: {_escape(report.question)}\n"
        f"- Claim {_escape(report.claim.id)}: {_escape(report.claim.text)}\n"
        f"- Refuted by: {_escape(report.refuted_by)}",
    ]
    for path, section in zip(picture_paths(report), report.sections, strict=True):
        lines += _section(section, path)
    lines += ["## How this was made", "\n".join(_details(provenance))]
    return "\n\n".join(lines)


def picture_paths(report: Report) -> list[str]:
    """Where each section's figure is, if it has one, below the report's folder."""
    slugs = [re.sub(r"\W+", "-", one.heading.lower()).strip("-") for one in report.sections]
    return [f"figures/{number:02}-{slug}.png" for number, slug in enumerate(slugs, start=1)]


def _section(section: Section, path: str) -> Iterator[str]:
    yield f"## {_escape(section.heading)}"
    yield _escape(section.text)
    if section.figure:
        yield f"![{_escape(section.heading)}]({path})"
    if section.table is not None:
        yield "\n".join(_table(section.table))
    if section.caption:
        yield f"*{_escape(section.caption)}*"


def _table(table: pd.DataFrame) -> Iterator[str]:
    rule = ["---:" if number else "---" for number in is_number(table)]
    lines = ([_escape(cell) for cell in row] for row in rows(table))
    for line in ([_escape(name) for name in header(table)], rule, *lines):
        yield f"| {' | '.join(line)} |"


def _details(provenance: Mapping[str, Any]) -> Iterator[str]:
    for key, value in provenance.items():
        if not isinstance(value, Mapping):
            yield f"- {_escape(key)}: {_escape(str(value))}"


def _escape(text: str) -> str:
    return _MARKUP.sub(lambda found: f"\\{found[0]}", text)
