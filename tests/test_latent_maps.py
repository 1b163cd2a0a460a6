"""Maps of latent space: planes, radii, regions, what they mean, and how they are drawn."""

import jax.numpy as jnp
import numpy as np
import program
import pytest
from jax.tree_util import Partial
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import latent
from gan_jax.core.errors import InputError
from gan_jax.data.embedded import mnist_digits
from gan_jax.data.mixtures import RING
from gan_jax.examples import IMAGE, POINT
from gan_jax.game.prior import Prior
from gan_jax.latent import map_figure, maps, meaning
from gan_jax.latent.meaning import Meaning
from gan_jax.latent.render import render
from gan_jax.study.statistics import share

RNG = np.random.default_rng(0)
THREE = RNG.normal(size=(3, 5))
ITSELF = Partial(lambda z, labels: z)


def space_of(generate, kind, prior=None):
    """A space of which no more is known."""
    return latent.Space(generate, None, kind, prior, None, {}, 0, "raw", (3,))


def inside(points: np.ndarray) -> Meaning:
    """Points have the more confidence the farther out they are, and meaning from length 1 on."""
    length = np.linalg.norm(points, axis=1)
    kind = (points[:, 0] > 0).astype(int)
    return Meaning(kind, np.minimum(length / 2, 1), length, length > 1)


# Planes


def test_a_plane_has_an_orthonormal_frame_that_holds_the_three():
    plane = maps.plane(THREE)
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.origin + plane.points @ plane.axes, THREE, atol=1e-12)
    np.testing.assert_allclose(plane.points.sum(axis=0), 0, atol=1e-12)
    assert plane.points[1, 0] > plane.points[0, 0]
    assert plane.points[1, 1] == pytest.approx(plane.points[0, 1])
    assert plane.points[2, 1] > plane.points[0, 1]


def test_distances_in_the_plane_are_those_of_latent_space():
    plane = maps.plane(THREE)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        found = np.linalg.norm(plane.points[one] - plane.points[other])
        assert found == pytest.approx(np.linalg.norm(THREE[one] - THREE[other]))


@pytest.mark.parametrize(
    ("three", "why"),
    [
        (np.zeros((3, 4)), "one line"),
        (np.outer([0.0, 1.0, 3.0], np.ones(4)), "one line"),
        (np.outer([2.0, 2.0, 5.0], np.ones(4)), "one line"),
        (np.outer([0.0, 1.0, 3.0], np.ones(4)) + [[0, 0, 0, 1e-6]] * np.eye(3)[:, :1], "one line"),
        (np.array([[0.0], [1.0], [2.0]]), "one line"),
        (np.ones((2, 4)), "three latents"),
        (np.ones(4), "three latents"),
        (np.full((3, 4), np.nan), "not all .* finite"),
    ],
)
def test_three_that_span_no_plane_are_refused(three, why):
    with pytest.raises(InputError, match=f"--points=.*{why}"):
        maps.plane(three, "--points")


def test_a_grid_is_square_even_and_around_the_three():
    plane = maps.plane(THREE)
    grid = maps.grid(plane, 41)
    assert grid.z.shape == (41, 41, 5)
    # All of it lies in the plane.
    coordinates = (grid.z - plane.origin) @ plane.axes.T
    np.testing.assert_allclose(plane.origin + coordinates @ plane.axes, grid.z, atol=1e-12)
    across, down = np.diff(coordinates, axis=1)[..., 0], np.diff(coordinates, axis=0)[..., 1]
    np.testing.assert_allclose(across, across[0, 0])
    np.testing.assert_allclose(down, -across[0, 0])
    # Each of the three is within a cell of its nearest latent, and none at the edge.
    left, right, bottom, top = grid.extent
    assert right - left == pytest.approx(top - bottom) == pytest.approx(41 * across[0, 0])
    for point, z in zip(plane.points, THREE, strict=True):
        assert left < point[0] < right
        assert bottom < point[1] < top
        assert np.linalg.norm(grid.z - z, axis=-1).min() <= across[0, 0] / np.sqrt(2) + 1e-9


def test_a_grid_without_room_ends_at_the_three():
    corners = np.array([[0.0, 0, 1], [2.0, 0, 1], [2.0, 2, 1]])
    grid = maps.grid(maps.plane(corners), 3, room=1.0)
    np.testing.assert_allclose(grid.z[:, :, 2], 1, atol=1e-12)
    np.testing.assert_allclose(grid.z[:, :, 0], [[0, 1, 2]] * 3, atol=1e-12)
    np.testing.assert_allclose(grid.z[:, :, 1], np.transpose([[2, 1, 0]] * 3), atol=1e-12)


# Radii and regions


@pytest.mark.parametrize(
    ("distribution", "dimensions", "expected"),
    [("normal", 9, 3.0), ("sphere", 9, 3.0), ("uniform", 27, 3.0)],
)
def test_the_typical_radius_is_the_root_mean_square_length(distribution, dimensions, expected):
    prior = Prior(dimensions, distribution=distribution)
    assert maps.typical_radius(prior) == pytest.approx(expected)
    z = np.asarray(space_of(ITSELF, POINT, prior).draw(4_000).z)
    assert np.sqrt(np.mean(np.sum(z**2, axis=1))) == pytest.approx(expected, rel=0.02)


def test_latents_with_codes_have_no_radius():
    with pytest.raises(InputError, match="codes"):
        maps.typical_radius(Prior(8, categories=10))


def test_a_profile_of_what_depends_on_the_radius_alone():
    prior, z = Prior(4), RNG.normal(size=(50, 4))
    found = maps.profile(inside, ITSELF, prior, z, (0, 0.25, 0.49, 0.51, 1, 2), kinds=3)
    np.testing.assert_allclose(found.meaningful, [0, 0, 0, 1, 1, 1])  # the typical radius is 2
    np.testing.assert_allclose(found.confidence, [0, 0.25, 0.49, 0.51, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(found.distance, [0, 0.5, 0.98, 1.02, 2, 4], rtol=1e-6)
    right = np.mean(z[:, 0] > 0)
    np.testing.assert_allclose(found.kinds[0], [1, 0, 0])
    np.testing.assert_allclose(found.kinds[1:], [[1 - right, right, 0]] * 5)
    assert found.num == 50


def test_a_ball_is_filled_evenly():
    z = maps.in_ball(4_000, 3, 2.0)
    length = np.linalg.norm(z, axis=1)
    assert length.max() <= 2
    for radius in (0.5, 1.0, 1.5):
        expected = (radius / 2) ** 3
        assert np.mean(length < radius) == pytest.approx(expected, abs=0.025)
    assert np.abs(z.mean(axis=0)).max() < 0.06
    assert (z != maps.in_ball(4_000, 3, 2.0, seed=1)).all()


def test_the_density_of_meaning_in_a_ball_and_in_a_plane():
    ball = maps.over(inside, ITSELF, maps.in_ball(4_000, 2, 2.0))
    low, high = share(int(ball.meaningful.sum()), 4_000, level=0.999)[1:3]
    assert low < 3 / 4 < high
    square = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0]])
    grid = maps.grid(maps.plane(square), 201, room=1.0)
    found = maps.over(inside, ITSELF, grid.z)
    assert found.meaningful.shape == found.kind.shape == (201, 201)
    assert found.meaningful.mean() == pytest.approx(1 - np.pi / 16, abs=0.01)
    np.testing.assert_array_equal(found.kind[:, :100], 0)
    np.testing.assert_array_equal(found.kind[:, 101:], 1)


def test_shares_have_exact_intervals():
    none = share(0, 1_000)
    assert (none.estimate, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 1_000))
    assert share(0, 100, level=0.9).high == pytest.approx(0.0295, abs=1e-4)  # the rule of three
    half = share(50, 100)
    assert half.low == pytest.approx(1 - half.high)


@pytest.mark.parametrize("num", [1, 256, 300])
def test_examples_are_made_in_batches_with_their_classes(num):
    asked = Partial(lambda z, labels: z * labels[:, None])
    z, labels = RNG.normal(size=(num, 3)), np.arange(num, dtype=np.int32)
    np.testing.assert_allclose(
        render(space_of(asked, POINT), z, labels),
        (z * labels[:, None]).astype(np.float32),
        rtol=1e-6,
    )


def test_images_are_shades():
    grey = Partial(lambda z, labels: jnp.broadcast_to(z[:, :1, None, None], (len(z), 2, 2, 1)))
    made = render(space_of(grey, IMAGE), np.array([[-1.0], [0.0], [1.0], [3.0]]))
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made[:, 0, 0, 0], [0, 128, 255, 255])


# Meaning


def test_real_digits_are_meaningful_and_what_fools_the_classifier_is_not():
    test = mnist_digits()
    real = meaning.read_digits(test.test)
    assert 0.7 < real.meaningful.mean() < 0.85
    assert np.mean(real.kind == test.test_conditions["label"]) > 0.98
    noise = meaning.read_digits(RNG.integers(256, size=(300, 28, 28, 1), dtype=np.uint8))
    assert np.mean(noise.confidence >= meaning.SURE) > 0.8
    assert not noise.meaningful.any()
    assert noise.distance.mean() > 1.5 * real.distance.mean()
    blank = meaning.read_digits(np.zeros((1, 28, 28, 1), np.uint8))
    assert not blank.meaningful.any()
    known = meaning.read_digits(test.train[:20])
    np.testing.assert_allclose(known.distance, 0, atol=1e-3)


def test_points_mean_their_nearest_mode_within_three_sigma():
    offsets = np.array([[0, 0], [2.9, 0], [0, 3.1], [40, 0]]) * RING.sigma
    found = meaning.read_points(RING, RING.centres[3] + offsets)
    np.testing.assert_array_equal(found.kind[:3], 3)
    np.testing.assert_allclose(found.distance[:3], [0, 2.9, 3.1], atol=1e-6)
    np.testing.assert_array_equal(found.meaningful, [True, True, False, False])
    np.testing.assert_array_equal(found.confidence, found.meaningful)


def test_what_nobody_can_read_is_refused(uninterrupted):
    space = latent.load(uninterrupted)
    assert meaning.reader(space) is meaning.read_digits
    config = ConfigDict(space.config.to_dict())
    config.data.name = "cifar10"
    with pytest.raises(InputError, match=r"data\.name=cifar10"):
        meaning.reader(space._replace(config=config))


# Drawing


def test_hue_says_the_kind_and_lightness_the_confidence():
    kind, confidence = np.array([[0, 0, 0], [1, 1, 11]]), np.array([[0.1, 0.5, 1.0], [1, 0, 1]])
    shown = map_figure.colours(Meaning(kind, confidence, confidence, confidence > 0.9))
    assert shown.shape == (2, 3, 3)
    np.testing.assert_allclose(shown[0, 2], map_figure.HUES[0])
    np.testing.assert_allclose(shown[1, 0], map_figure.HUES[1])
    np.testing.assert_allclose(shown[1, 0], shown[1, 2])  # hues return
    assert (shown[0, 0] > shown[0, 1]).all()
    assert (shown[0, 1] > shown[0, 2]).all()
    assert (shown[1, 1] > 0.85).all()
    assert (shown[1, 1] < 1).any()


def test_a_map_shows_its_regions_and_points():
    square = np.array([[-2.0, -2.0], [2.0, -2.0], [0.5, 2.0]])
    plane = maps.plane(square)
    grid = maps.grid(plane, 60)
    found = maps.over(inside, ITSELF, grid.z)
    figure = map_figure.draw(found, grid, plane, title="a map", kinds="side", sure="confidence")
    axes = figure.axes[0]
    names = {text.get_text(): text for text in axes.texts}
    assert set(names) == {"0", "1", "A", "B", "C"}
    marks = np.array([line.get_xydata()[0] for line in axes.lines])
    np.testing.assert_allclose(marks, plane.points)
    # Each region's name stands in it.
    for kind, text in ((0, names["0"]), (1, names["1"])):
        z = plane.origin + np.array(text.xy) @ plane.axes
        assert inside(z[None]).kind[0] == kind
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["0", "1"]


def test_the_program_draws_a_map_and_its_images(uninterrupted, tmp_path, capsys):
    out, images = tmp_path / "map.png", tmp_path / "images.png"
    points = tmp_path / "points.npy"
    np.save(points, np.eye(3, 64))
    flags = (f"--workdir={uninterrupted}", "--side=8", "--images_side=4")
    flags += (f"--out={out}", f"--images={images}", f"--points={points}")
    with program.loaded("gan_jax.latent.map", *flags) as drawing:
        drawing.main()
    assert "of 64 latents are meaningful" in capsys.readouterr().out
    with Image.open(out) as shown, Image.open(images) as sheet:
        assert shown.width > 500
        assert sheet.size == (2 * (4 * 30 + 2),) * 2


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--label=3"], "--label=3: the run knows no classes"),
        (["--points={line}"], "one line and span no plane"),
    ],
)
def test_the_program_refuses(uninterrupted, tmp_path, flags, why):
    line = tmp_path / "line.npy"
    np.save(line, np.outer([0.0, 1.0, 2.0], np.ones(64)))
    flags = [flag.format(line=line) for flag in flags]
    given = [f"--workdir={uninterrupted}", f"--out={tmp_path / 'map.png'}", *flags]
    refused = pytest.raises(InputError, match=why)
    with program.loaded("gan_jax.latent.map", *given) as drawing, refused as caught:
        drawing.main()
    assert "\n" not in str(caught.value)


def test_the_program_refuses_in_one_line(tmp_path):
    ended = program.run("gan_jax.latent.map", f"--workdir={tmp_path}", "--out=map.jpg", code=2)
    assert ended.stderr == "error: --out=map.jpg: the name must end in .png\n"
