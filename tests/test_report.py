"""What a run writes: its lines and its pictures."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.core.errors import RunError
from gan_jax.examples import IMAGE, POINT, pictures
from gan_jax.report.recorder import Recorder, read_rows


def measured(value):
    return {"loss": jnp.float32(value)}


def steps(path):
    return [row["step"] for row in read_rows(path)]


@pytest.fixture
def recorder(tmp_path):
    recorders = []

    def start(step=0):
        recorders.append(Recorder(tmp_path / "metrics.jsonl", tmp_path / "events", step=step))
        return recorders[-1]

    yield start
    for one in recorders:
        one.close()


def test_only_logged_rounds_before_the_limit_are_written(recorder, tmp_path):
    lines = recorder()
    for step in range(1, 7):
        lines.add(step, measured(step), logged=step % 2 == 0)
    lines.settle(before=5)
    assert steps(tmp_path / "metrics.jsonl") == [2, 4]
    lines.settle(extra=lambda: {"frechet": 1.5})
    rows = read_rows(tmp_path / "metrics.jsonl")
    assert rows[-1] == {"step": 6, "loss": 6.0, "frechet": 1.5}
    assert "frechet" not in rows[-2]


def test_going_on_drops_later_lines_and_what_a_crash_left(recorder, tmp_path):
    first = recorder()
    for step in (1, 2, 3):
        first.add(step, measured(step), logged=True)
    first.settle()
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 4, "lo')
    second = recorder(step=2)
    second.add(3, measured(3), logged=True)
    second.settle()
    assert steps(tmp_path / "metrics.jsonl") == [1, 2, 3]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_first_step_that_is_not_finite_is_named_even_if_not_logged(recorder, tmp_path, bad):
    lines = recorder()
    for step, value in ((1, 0.0), (2, bad), (3, bad)):
        lines.add(step, measured(value), logged=step == 3)
    with pytest.raises(RunError, match="step 2: not finite: loss"):
        lines.settle(extra=lambda: pytest.fail("evaluated a state that is not finite"))
    assert steps(tmp_path / "metrics.jsonl") == []


def test_a_sheet_shows_each_image_once():
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) + np.zeros((5, 4, 6, 1), np.uint8)
    canvas = np.asarray(pictures.sheet(100 + images))
    values, counts = np.unique(canvas, return_counts=True)
    shown = dict(zip(values.tolist(), counts.tolist(), strict=True))
    for value in range(100, 105):
        assert shown[value] == 4 * 6 * 4  # each pixel is drawn as two by two


def test_a_sheet_of_colour_images_keeps_their_colours():
    colours = [(200, 10, 30), (5, 220, 40), (15, 25, 230)]
    images = np.array(colours, np.uint8).reshape(3, 1, 1, 3) + np.zeros((3, 4, 4, 3), np.uint8)
    sheet = IMAGE.picture(images, images)
    assert sheet.mode == "RGB"
    counts = {colour: count for count, colour in sheet.getcolors()}
    assert [counts[colour] for colour in colours] == [4 * 4 * 4] * 3


def test_a_cloud_puts_points_where_they_are_and_leaves_out_the_rest():
    points = np.array([[0.75, 0.75], [9.0, 0.0], [np.nan, 0.0]])
    rows, columns = np.nonzero(np.asarray(pictures.cloud(points, 1.0)) < 255)
    side = pictures.cloud(points, 1.0).width
    assert columns.mean() == pytest.approx(0.875 * side, abs=1)
    assert rows.mean() == pytest.approx(0.125 * side, abs=1)
    assert len(rows) == 9


def test_a_picture_shows_all_real_points_and_scales_with_them_alone():
    real = np.array([[-4.0, 4.0], [4.0, -4.0]])
    for points in (real, np.zeros((1, 2)), 100 * real):
        shown = np.asarray(POINT.picture(points, real)) < 255
        assert shown.sum() == (9 * len(points) if np.abs(points).max() < 5 else 0)
    corner = np.argwhere(np.asarray(POINT.picture(real, real)) < 255).min(axis=0)
    assert corner == pytest.approx((1 - 4 / 5) / 2 * 480, abs=2)


def test_an_animation_has_a_frame_a_picture_in_order(tmp_path):
    for number in (2, 1, 3):
        Image.new("L", (4, 4), 50 * number).save(tmp_path / f"{number:06d}.png")
    pictures.animate(tmp_path, tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as animation:
        shades = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            shades.append(animation.convert("L").getpixel((0, 0)))
    assert shades == [50, 100, 150]


def test_an_animation_keeps_colours(tmp_path):
    colours = [(200, 10, 30), (5, 220, 40)]
    for number, colour in enumerate(colours):
        Image.new("RGB", (4, 4), colour).save(tmp_path / f"{number:06d}.png")
    pictures.animate(tmp_path, tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as animation:
        for number, colour in enumerate(colours):
            animation.seek(number)
            assert animation.convert("RGB").getpixel((0, 0)) == pytest.approx(colour, abs=4)
