"""Paths against closed forms, and what is shown of them."""

import jax.numpy as jnp
import numpy as np
import program
import pytest
from jax.tree_util import Partial
from PIL import Image
from scipy import stats

from gan_jax import latent
from gan_jax.core.errors import InputError, RunError
from gan_jax.core.streams import example_keys, root
from gan_jax.examples import IMAGE, POINT, pictures
from gan_jax.game.prior import Prior
from gan_jax.latent import film, render
from gan_jax.latent.anchors import anchors, classes, in_classes
from gan_jax.latent.paths import CLOSED, OPEN, PATHS

L = 5
PRIORS = {name: Prior(L, distribution=name) for name in ("normal", "uniform", "sphere")}


def drawn(prior, num, seed=0):
    return np.asarray(prior.draw(example_keys(root(seed), num)).z)


def of_latents(generate, kind=IMAGE):
    """A space of which no more than the generator is known."""
    return latent.Space(generate, None, kind, Prior(L), None, {}, 0, "raw", (1, 2, 1))


def of_images(examples, closed=False):
    return film.PathFrames(IMAGE, examples, closed, real=examples[0])


def steps(z, closed=False):
    """From frame to frame, and back to the first where the path is closed."""
    return np.diff(np.concatenate([z, z[:1]]) if closed else z, axis=0)


# Where paths lead


@pytest.mark.parametrize("distribution", PRIORS)
@pytest.mark.parametrize("name", sorted(PATHS.keys() - {"loop"}))
def test_a_path_goes_through_all_anchors_evenly(name, distribution):
    points = drawn(PRIORS[distribution], 4)
    frames = 40 if name in CLOSED else 31
    z = PATHS[name](points, frames, PRIORS[distribution])
    assert (z.shape, z.dtype) == ((frames, L), np.float32)
    np.testing.assert_allclose(z[:31:10], points, atol=1e-5)
    assert np.all(np.abs(steps(z)).max(axis=1) > 1e-3)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_two_anchors_are_enough_for_any_path(name):
    points = drawn(PRIORS["normal"], 2)
    z = PATHS[name](points, 6, PRIORS["normal"])
    np.testing.assert_allclose(z[0], points[0], atol=1e-5)
    if name in OPEN:
        np.testing.assert_allclose(z[-1], points[1], atol=1e-5)


def test_straight_pieces_are_straight():
    z = PATHS["linear"](np.array([[0, 0], [3, 0], [3, 6]], np.float32), 7, Prior(2))
    np.testing.assert_allclose(z, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 2], [3, 4], [3, 6]])


def test_great_circles_keep_the_norm_and_are_evenly_fast():
    points = drawn(PRIORS["sphere"], 3)
    z = PATHS["spherical"](points, 21, PRIORS["sphere"])
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.sqrt(L), rtol=1e-5)
    pieces = np.linalg.norm(steps(z), axis=1).reshape(2, 10)
    for piece, ends in zip(pieces, (points[:2], points[1:]), strict=True):
        angle = np.arccos(ends[0] @ ends[1] / L)
        np.testing.assert_allclose(piece, 2 * np.sqrt(L) * np.sin(angle / 20), rtol=1e-4)


def test_a_loop_is_a_whole_great_circle():
    points = drawn(PRIORS["sphere"], 2)
    z = PATHS["loop"](points, 12, PRIORS["sphere"])
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), np.sqrt(L), rtol=1e-6)
    speed = np.linalg.norm(steps(z, closed=True), axis=1)
    np.testing.assert_allclose(speed, 2 * np.sqrt(L) * np.sin(np.pi / 12), rtol=1e-5)
    np.testing.assert_allclose(z[6:], -z[:6], atol=1e-5)
    assert np.linalg.matrix_rank(np.concatenate([z, points]), tol=1e-4) == 2


def test_a_loop_meets_its_second_anchor_on_the_way_of_the_arc():
    points = np.array([[2, 0, 7], [2, 2 * np.sqrt(3), 1]], np.float32)  # 60 degrees, twice as long
    prior = Prior(2, continuous=1)
    z = PATHS["loop"](points, 12, prior)
    np.testing.assert_allclose(z[:3], PATHS["spherical"](points, 3, prior), atol=1e-5)
    np.testing.assert_allclose(z[7, 2], 4)  # halfway back, so are the codes
    np.testing.assert_allclose(z[7, :2], [-3 * np.sqrt(3) / 2, -1.5], atol=1e-5)


def test_codes_go_straight_where_the_noise_turns():
    prior = Prior(2, categories=2, continuous=1)
    points = np.array([[1, 0, 1, 0, -0.5], [0, 1, 0, 1, 0.5]], np.float32)
    middle = [np.sqrt(0.5), np.sqrt(0.5), 0.5, 0.5, 0]
    np.testing.assert_allclose(PATHS["spherical"](points, 3, prior)[1], middle, atol=1e-6)
    walked = PATHS["walk"](points, 3, prior)[1]
    np.testing.assert_allclose(walked, middle, atol=1e-6)


# Walks


@pytest.mark.parametrize("name", ["walk", "closed_walk"])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_every_frame_of_a_walk_is_distributed_like_the_prior(name, distribution):
    prior = Prior(4000, distribution=distribution)  # each number walks alone
    z = PATHS[name](drawn(prior, 5), 13, prior)
    cdf = stats.norm.cdf if distribution == "normal" else stats.uniform(-1, 2).cdf
    assert min(stats.kstest(frame, cdf).pvalue for frame in z) > 1e-3
    straight = PATHS["linear"](drawn(prior, 5), 13, prior)
    assert stats.kstest(straight[1], cdf).pvalue < 1e-12


@pytest.mark.parametrize("name", ["walk", "closed_walk"])
def test_walks_on_a_sphere_stay_there_with_all_directions_alike(name):
    prior = Prior(3, distribution="sphere")
    many = drawn(prior, 4000).reshape(1000, 4, 3)
    z = np.stack([PATHS[name](points, 6, prior) for points in many])
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), np.sqrt(3), rtol=1e-6)
    # Archimedes: each coordinate of a point on a sphere in space is uniform.
    cdf = stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)).cdf
    assert min(stats.kstest(z[:, 1, axis], cdf).pvalue for axis in range(3)) > 1e-3


@pytest.mark.parametrize("distribution", PRIORS)
@pytest.mark.parametrize("name", ["walk", "closed_walk"])
def test_walks_have_no_kinks(name, distribution):
    prior, closed = PRIORS[distribution], name in CLOSED
    points = drawn(prior, 5)

    def bend(frames):
        z = PATHS[name](points, frames + (not closed), prior).astype(np.float64)
        if closed:
            z = np.concatenate([z, z[:2]])  # over the seam
        return np.abs(np.diff(z, n=2, axis=0)).max()

    # Second differences fall with the square of the step; those of a kink with the step.
    assert bend(100) / bend(200) == pytest.approx(4, rel=0.15)


def test_uniform_walks_at_the_edge_are_finite_and_beyond_it_refused():
    points = np.array([[-1, 1], [1, 0], [0, -1]], np.float32)
    prior = Prior(2, distribution="uniform")
    z = PATHS["walk"](points, 9, prior)
    assert np.all(np.abs(z) <= 1)
    np.testing.assert_allclose(z[::4], points, atol=1e-6)
    with pytest.raises(InputError, match=r"--points=1\.5: uniform latents"):
        PATHS["walk"](1.5 * points, 9, prior)


@pytest.mark.parametrize(
    "points", [[[1, 0]] * 3, [[1, 0], [2, 0]], [[1, 0], [-1, 0]], [[0, 0], [1, 0]]]
)
def test_a_loop_without_a_great_circle_is_refused(points):
    with pytest.raises(InputError, match="great circle"):
        PATHS["loop"](np.array(points, np.float32), 8, Prior(2))


# What the user says


@pytest.fixture(scope="module")
def space(uninterrupted):
    return latent.load(uninterrupted)


def test_anchors_are_the_seeds_and_more_paths_leave_the_first_alone(space):
    found = anchors(space, "3", paths=2, seed=5)
    np.testing.assert_array_equal(found.reshape(6, 64), space.draw(6, seed=5).z)
    np.testing.assert_array_equal(found[:1], anchors(space, "3", paths=1, seed=5))
    assert (found != anchors(space, "3", paths=2, seed=6)).all()


def test_anchors_may_be_given(space, tmp_path):
    z = np.arange(3 * 64.0).reshape(3, 64)
    np.save(tmp_path / "z.npy", z)
    np.testing.assert_array_equal(anchors(space, str(tmp_path / "z.npy")), z[None])
    with pytest.raises(InputError, match="--paths=2: given points make one path"):
        anchors(space, str(tmp_path / "z.npy"), paths=2)


def test_anchors_may_be_images_that_are_inverted(space, tmp_path):
    images = render.render(space, space.draw(3, seed=9).z)
    np.savez(tmp_path / "x.npz", images=images)
    (found,) = anchors(space, str(tmp_path / "x.npz"))
    assert (found.shape, found.dtype) == ((3, 64), np.float32)
    again = render.render(space, found).astype(float)
    assert np.mean((again - images) ** 2) < 0.1 * np.mean(np.var(images, axis=0))
    with pytest.raises(InputError, match=r"--points=.*can't be read"):
        anchors(space, str(tmp_path / "y.npz"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (np.zeros((2, 63)), "must be"),
        (np.zeros((1, 64)), "two or more"),
        (np.full((2, 64), np.inf), "finite"),
        (np.array(["a", "b"]), "no array of numbers"),
        (b"\x93NUMPY\x01", "no array of numbers"),
        (b"", "can't be read"),
        (None, "can't be read"),
    ],
)
def test_files_that_hold_no_anchors(space, tmp_path, content, why):
    path = tmp_path / "z.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(InputError, match=f"--points=.*{why}") as caught:
        anchors(space, str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("points", ["0", "1", "-2", "four", "z.csv", ""])
def test_points_that_are_none(space, points):
    with pytest.raises(InputError, match=f"--points={points}: "):
        anchors(space, points)


def test_classes_are_chosen_by_number():
    assert classes(None, 0) is None
    for chosen, found in (
        ("3", [3]),
        ("0,2,1", [0, 2, 1]),
        ("all", [0, 1, 2, 3]),
        (None, range(4)),
    ):
        np.testing.assert_array_equal(classes(chosen, 4), found)


@pytest.mark.parametrize(
    ("chosen", "count"), [("3", 0), ("4", 4), ("1,", 4), ("-1", 4), ("dog", 4), ("", 4)]
)
def test_classes_that_are_none(chosen, count):
    with pytest.raises(InputError, match=f"--classes={chosen}: "):
        classes(chosen, count)


# What is shown


def test_each_path_is_shown_in_each_class():
    generate = Partial(lambda scale, z, labels: scale * z + 10 * labels[:, None], 1.0)
    paths = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    z, labels = in_classes(paths, np.array([4, 7], np.int32))
    assert (z.shape, labels.dtype) == ((4, 3, 2), np.int32)
    points = render.render(of_latents(generate, POINT), z, labels)
    for row, (path, label) in enumerate([(0, 4), (0, 7), (1, 4), (1, 7)]):
        np.testing.assert_array_equal(points[row], paths[path] + 10 * label)
    assert in_classes(paths, None) == (paths, None)


def test_rendering_is_the_same_in_batches(monkeypatch):
    generate = Partial(lambda z, labels: jnp.tanh(z).reshape(-1, 1, 2, 1))
    z = np.linspace(-2, 2, 28, dtype=np.float32).reshape(2, 7, 2)
    space = of_latents(generate)
    images = render.render(space, z)
    assert (images.shape, images.dtype) == ((2, 7, 1, 2, 1), np.uint8)
    np.testing.assert_allclose(images[..., 0, :, 0], (np.tanh(z) + 1) * 127.5, atol=0.51)
    monkeypatch.setattr(render, "BATCH", 4)
    np.testing.assert_array_equal(render.render(space, z), images)


def test_what_is_not_finite_is_not_shown():
    generate = Partial(lambda z, labels: jnp.log(z).reshape(-1, 1, 1, 1))
    with pytest.raises(RunError, match="not finite"):
        render.render(of_latents(generate), np.array([[1.0], [-1.0]], np.float32))


def test_a_sheet_of_paths_has_a_row_a_path():
    shades = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * 40
    examples = np.broadcast_to(shades, (2, 3, 4, 4, 1))
    canvas = np.asarray(film.still(of_images(examples)))
    assert canvas.shape == (2 * (2 * 6 + 2), 2 * (3 * 6 + 2))
    np.testing.assert_array_equal(canvas[8::12, 8::12], shades[..., 0, 0, 0])


@pytest.mark.parametrize(("closed", "order"), [(False, [0, 1, 2, 3, 2, 1]), (True, [0, 1, 2, 3])])
def test_a_film_has_a_sheet_a_frame_and_no_jump(closed, order, tmp_path):
    shades = np.arange(4, dtype=np.uint8) * 60
    examples = np.broadcast_to(shades.reshape(1, 4, 1, 1, 1), (3, 4, 8, 8, 1))
    film.gif(of_images(examples, closed), tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as shown:
        found = []
        for number in range(shown.n_frames):
            shown.seek(number)
            assert shown.info["duration"] == pictures.BEAT
            side = shown.width // 2
            found.append(shown.convert("L").getpixel((side // 2, side // 2)))
    assert found == shades[order].tolist()


def test_lines_lead_where_the_points_are():
    real = np.array([[-4.0, 4.0], [4.0, -4.0]])
    across = np.array([[[-2.0, 2.0], [2.0, 2.0]]])
    shown = np.asarray(pictures.lines(across, real)).astype(int)
    coloured = np.ptp(shown, axis=-1) > 60
    rows, columns = np.nonzero(coloured)
    at = (1 - 2 / 5) / 2 * 480
    assert rows.mean() == pytest.approx(at, abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((at - 3, 480 - at + 6), abs=3)
    assert not coloured[:, 240].all()
    assert coloured[round(at), 240]
    # There and back is the same way: closing it adds nothing. A corner's third side is new.
    bent = np.array([[[-2.0, 2.0], [2.0, 2.0], [2.0, -2.0]]])
    for paths, more in ((across, False), (bent, True)):
        open_, closed = (pictures.lines(paths, real, closed=one) for one in (False, True))
        assert (np.asarray(open_) != np.asarray(closed)).any() == more


def test_points_far_outside_are_not_in_the_picture():
    real = np.array([[-1.0, 1.0], [1.0, -1.0]])
    shown = np.asarray(pictures.lines(np.full((1, 3, 2), 1e30), real))
    assert np.ptp(shown, axis=-1).max() == 0


def test_a_film_of_points_grows():
    path = np.stack([np.linspace(-1, 1, 4), np.zeros(4)], axis=1)[None]
    paths = film.PathFrames(POINT, path, closed=True, real=np.array([[1.0, 1.0]]))
    lengths = [(np.ptp(np.asarray(frame), axis=-1) > 60)[240].sum() for frame in film.frames(paths)]
    assert len(lengths) == 4
    assert np.diff(lengths).tolist() == pytest.approx([480 / 1.25 / 3] * 3, abs=4)


def test_a_video_without_its_extra_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(film, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--out=.*x\.mp4: needs the extra video"):
        film.film_format(tmp_path / "x.mp4")
    assert film.film_format(tmp_path / "x.gif") is film.KINDS[".gif"]


def test_a_video_shows_what_is_there(tmp_path):
    imageio = pytest.importorskip("imageio")
    pytest.importorskip("imageio_ffmpeg")
    shades = np.array([20, 120, 220], np.uint8)
    examples = np.broadcast_to(shades.reshape(1, 3, 1, 1, 1), (1, 3, 28, 28, 1))
    out = tmp_path / "x.mp4"
    film.KINDS[".mp4"].write(of_images(examples, closed=True), out)
    with imageio.get_reader(out) as video:
        assert video.get_meta_data()["fps"] == 25
        assert video.count_frames() == 3
        frames = [video.get_data(number) for number in range(3)]
    middles = [frame[frame.shape[0] // 2, frame.shape[1] // 2] for frame in frames]
    np.testing.assert_allclose(middles, np.repeat(shades[:, None], 3, axis=1), atol=4)


# The program


def test_the_program_shows_the_paths_of_the_seed(space, uninterrupted, tmp_path):
    """As in a process of its own, of which nothing is said on the side."""
    out = tmp_path / "walks.png"
    ended = program.run(
        "gan_jax.interpolate",
        f"--workdir={uninterrupted}",
        "--mode=closed_walk",
        "--points=3",
        "--paths=2",
        "--frames=5",
        "--seed=4",
        f"--out={out}",
        quickly=True,
    )
    assert ended.stdout == f"2 paths (closed_walk) of 5 frames, mnist, cnn, step 40, in {out}\n"
    assert ended.stderr == ""
    z = [PATHS["closed_walk"](points, 5, space.prior) for points in anchors(space, "3", 2, 4)]
    expected = np.asarray(film.still(of_images(render.render(space, np.stack(z)))))
    with Image.open(out) as shown:
        # Another program rounds differently, by no more than one of 256 shades.
        np.testing.assert_allclose(np.asarray(shown, int), expected, atol=1)
    assert expected.std() > 1


def test_the_program_films_given_latents(space, uninterrupted, tmp_path):
    np.save(tmp_path / "z.npy", space.draw(2, seed=1).z)
    flags = (f"--points={tmp_path / 'z.npy'}", "--frames=6", f"--out={tmp_path / 'x.gif'}")
    with program.loaded("gan_jax.interpolate", f"--workdir={uninterrupted}", *flags) as filming:
        filming.main()
    with Image.open(tmp_path / "x.gif") as shown:
        assert shown.n_frames == 10
        assert shown.size == (320, 320)
