"""The page of a latent space: whole, and honest about what it leaves out."""

import base64
import html
import io
import json
import re

import numpy as np
import program
import pytest
from jax.tree_util import Partial
from PIL import Image
from scipy.spatial.distance import cdist

from gan_jax import data, latent
from gan_jax.latent import page_sections
from gan_jax.latent.copies import nearest
from gan_jax.latent.page_sections import PAGE_SECTIONS, PageInputs, build_sections
from gan_jax.latent.space import InEvaluation


@pytest.fixture(scope="module")
def ring(start):
    """A space of points."""
    setup, _, _, _, state = start()
    generate = Partial(InEvaluation(setup.game.generator), state.generator.variables)
    kind, prior = setup.game.kind, setup.game.prior
    return latent.Space(generate, None, kind, prior, setup.config, {}, 0, "raw", (2,))


@pytest.fixture
def few(monkeypatch):
    """Sections of few latents: a page of all that it has by default takes ten times as long."""
    sizes = {
        "FRAMES": 6,
        "MAP_SIDE": 5,
        "DIRECTIONS": 4,
        "PLANES": 2,
        "PLANE_SIDE": 3,
        "COMPARED": 40,
        "RADII": np.array([0.0, 1.0, 2.0]),
    }
    for name, size in sizes.items():
        monkeypatch.setattr(page_sections, name, size)


@pytest.mark.usefixtures("few")
def test_a_page_has_all_sections_and_needs_nothing_beside_it(uninterrupted, tmp_path, capsys):
    out = tmp_path / "page.html"
    flags = (f"--workdir={uninterrupted}", f"--out={out}")
    with program.loaded("gan_jax.latent.page", *flags) as made:
        made.main()
    said, side = capsys.readouterr().out, page_sections.PLANE_SIDE
    assert said.startswith(f"{len(PAGE_SECTIONS)} sections, left out: nothing")
    page = out.read_text(encoding="utf-8")
    assert page.count("<section>") == len(PAGE_SECTIONS)
    links = re.findall(r'(?:src|href)="(.{12})', page)
    assert len(links) >= 6
    assert {link[:11] for link in links} == {"data:image/"}
    about = json.loads(html.unescape(re.search(r'data-about="([^"]*)"', page)[1]))
    assert len(about["planes"]) == page_sections.PLANES
    for plane in about["planes"]:
        atlas = Image.open(io.BytesIO(base64.b64decode(plane["atlas"].partition(",")[2])))
        assert atlas.size == (28 * side, 28 * side)
        assert len(plane["kind"]) == len(plane["confidence"]) == side**2
        assert 0.1 <= min(plane["confidence"]) <= max(plane["confidence"]) <= 1


def test_the_program_refuses_in_one_line(tmp_path):
    flags = (f"--workdir={tmp_path}", "--out=page.txt")
    ended = program.run("gan_jax.latent.page", *flags, code=2)
    assert ended.stderr == "error: --out=page.txt: the name must end in .html\n"


@pytest.mark.usefixtures("few")
def test_what_a_space_lacks_is_left_out_and_named(ring):
    shown, missing = build_sections(PageInputs(ring, data.load(ring.config.data), seed=0))
    assert [one.heading for one in shown] == ["Samples", "Walks", "A map", "By radius"]
    assert missing == [
        "planes: a map says it all of points",
        "neighbours: points are not copied",
    ]


def test_without_the_data_there_are_no_neighbours(uninterrupted):
    inputs = PageInputs(latent.load(uninterrupted), None, seed=0)
    assert build_sections(inputs, ["neighbours"]) == (
        [],
        ["neighbours: no training images at hand"],
    )


def test_classes_are_asked_for_where_there_are_any(ring):
    assert PageInputs(ring, None, 0).labels((2, 3)) is None
    known = PageInputs(ring._replace(prior=ring.prior._replace(classes=4)), None, 0)
    np.testing.assert_array_equal(known.labels((2, 1), kind=6), [[2], [2]])


def test_an_image_knows_its_like_among_those_trained_on():
    rng = np.random.default_rng(0)
    train, held_out, new = (
        rng.integers(0, 256, (num, 6, 6, 1), dtype=np.uint8) for num in (900, 400, 600)
    )
    copies = train[[7, 3, 899]]
    found = nearest(np.concatenate([copies, new]), train, held_out)
    np.testing.assert_array_equal(found.which[:3], [7, 3, 899])
    np.testing.assert_array_equal(found.distances[:3], 0)
    expected = cdist(new.reshape(600, -1), train.reshape(900, -1)).min(axis=1) / 6  # 36 pixels
    np.testing.assert_allclose(found.distances[3:], expected, rtol=1e-5)
    assert found._replace(distances=found.distances[:3]).copied == 1
    # Five standard deviations of the quantile and of the share.
    assert found._replace(distances=found.distances[3:]).copied == pytest.approx(
        0.01, abs=5 * 0.0064
    )


@pytest.mark.usefixtures("few")
def test_the_plane_that_is_moved_in_is_the_one_of_its_samples(uninterrupted, monkeypatch):
    """Each plane goes through three samples of its own, the first through the map's."""
    seen = []
    plane = page_sections.maps.plane
    monkeypatch.setattr(
        page_sections.maps, "plane", lambda three: seen.append(three) or plane(three)
    )
    space = latent.load(uninterrupted)
    build_sections(PageInputs(space, None, seed=5), ["map", "planes"])
    planes = page_sections.PLANES
    drawn = np.asarray(space.draw(3 * planes, 5).z).reshape(planes, 3, -1)
    np.testing.assert_allclose(seen, np.concatenate([drawn[:1], drawn]), rtol=1e-6)
