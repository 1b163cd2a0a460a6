"""Write a page about a trained generator's latent space, which needs nothing beside it.

    python -m gan_jax.latent.page --workdir=DIR [--out=FILE.html] [--seed=0] [--step=N]
        [--weights=ema|raw]

It shows samples, walks, a map, what lies how far from 0, planes to move about in, and the training
images nearest to samples, where the run's data are at hand. Needs the extra `study`.
"""

import html
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from absl import flags, logging

from gan_jax.core import cli
from gan_jax.core.errors import InputError

_WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
_OUT = flags.DEFINE_string("out", None, "The .html file to write; default: DIR/latent.html.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
_STEP = flags.DEFINE_integer("step", None, "A saved step; default: the newest.")
_WEIGHTS = flags.DEFINE_string("weights", "ema", "The generator's average (ema), or raw.")


def main() -> None:
    """Load, make the sections, write."""
    out = cli.output("--out", _OUT.value or str(Path(_WORKDIR.value) / "latent.html"), (".html",))
    from gan_jax import latent
    from gan_jax.core.files import write_atomically
    from gan_jax.latent.page_sections import PageInputs, build_sections
    from gan_jax.run.workdir import versions

    started = time.monotonic()
    space = latent.load(_WORKDIR.value, _STEP.value, _WEIGHTS.value)
    sections, missing = build_sections(PageInputs(space, _data(space), _SEED.value))
    provenance = {
        "run": f"{space.origin}, weights {space.weights}, {space.record['data']['origin']}",
        "left out": "; ".join(missing) or "nothing",
        "cost": f"{time.monotonic() - started:.0f} s, compiling included",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "config": space.config.to_dict(),
    }
    write_atomically(out, _page(f"The latent space: {space.origin}", sections, provenance))
    print(f"{len(sections)} sections, left out: {provenance['left out']}; see {out}")


def _data(space):
    """What the run was trained on, if it is at hand."""
    from gan_jax import data

    try:
        found = data.load(space.config.data)
    except InputError as error:
        logging.warning("the run's data are not at hand: %s", error)
        return None
    if found.fingerprint != space.record["data"]["fingerprint"]:
        logging.warning("the data at hand are not those that the run was trained on")
        return None
    return found


def _page(title: str, sections, provenance: Mapping) -> str:
    from gan_jax.study.page import STYLE, details

    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(title),
        style=STYLE,
        sections="\n".join(line for one in sections for line in _section(one)),
        details="\n".join(details(provenance)),
    )


def _section(section) -> Iterator[str]:
    yield f"<section>\n<h2>{html.escape(section.heading)}</h2>"
    yield f"<p>{html.escape(section.text)}</p>"
    yield f"<figure>{section.body}</figure>\n</section>"


if __name__ == "__main__":
    cli.run(main)
