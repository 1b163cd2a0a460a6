"""The training step as an accelerator would get it, read and not run: no GPU or TPU is at hand."""

import re
from collections import Counter

import flax.linen as nn
import jax
import numpy as np
import pytest
from jax import export

from gan_jax.config.hyperparameters import numbers
from gan_jax.core.devices import TrialDevices
from gan_jax.data.batches import Examples
from gan_jax.models import cnn
from gan_jax.models.conv import mapped
from gan_jax.sweep.trial_program import Program, SharedData

# No two sizes alike, so that a shape says which array it is.
N, G, D = 14, 6, 10  # examples, the generator's width, the discriminator's
PAIR = {
    "model.name": "cnn",
    "model.generator.width": G,
    "model.generator.norm": "none",
    "model.discriminator.width": D,
    "model.discriminator.norm": "none",
}
ACCELERATORS = ["cuda", "tpu"]

# The convolutions of the pair on 8x8 images: shapes of the larger images, the smaller ones and the
# kernel, and the step from one to the other. The first two are the discriminator's, then come two
# transposed ones, from the smaller to the larger images, and the one that gives the image.
LAYERS = {
    "D1": ((N, 8, 8, 1), (N, 4, 4, D), (5, 5, 1, D), 2),
    "D2": ((N, 4, 4, D), (N, 2, 2, 2 * D), (5, 5, D, 2 * D), 2),
    "T1": ((N, 4, 4, 2 * G), (N, 2, 2, 2 * G), (4, 4, 2 * G, 2 * G), 2),
    "T2": ((N, 8, 8, G), (N, 4, 4, 2 * G), (4, 4, G, 2 * G), 2),
    "image": ((N, 8, 8, G), (N, 8, 8, 1), (3, 3, G, 1), 1),
}
# How often each is computed into its larger images, its smaller ones and its kernel in a round of
# one update a player. The discriminator's turn: the generator forward; the discriminator forward
# on reals and on fakes, and of both the gradients of its kernels and of what D2 was given, not of
# the images. The generator's turn: both forward, back through the discriminator to the images
# without its kernels, and through the generator but not to its latents' dense layer, a product.
COUNTS = {
    "D1": (1, 3, 2),
    "D2": (3, 3, 2),
    "T1": (2, 1, 1),
    "T2": (2, 1, 1),
    "image": (1, 2, 1),
}

CONVOLUTION = re.compile(
    r"stablehlo\.convolution\(.* window = {(.*?)}.* : "
    r"\(tensor<([\dx]+)xf32>, tensor<([\dx]+)xf32>\) -> tensor<([\dx]+)xf32>"
)
PRODUCT = re.compile(r"stablehlo\.dot_general .*?, (\w+_dims = .*?) loc\(")


def contraction(operands, result):
    """What a convolution computes, however it is written.

    Which operand is called the kernel, the order of channels and who is flipped are ways to write
    it down. What remains is each array's size and dilation; a stride dilates the result.
    """
    return tuple(sorted(map(sized, operands))), sized(result)


def sized(array):
    shape, dilation = array
    return tuple(sorted(shape)), dilation


def convolutions(text):
    """The contractions in a StableHLO text, counted."""
    found = Counter()
    for window, *shapes in CONVOLUTION.findall(text):
        steps = dict(re.findall(r"(\w+) = \[(\d+), \2\]", window))
        steps = [int(steps.get(name, 1)) for name in ("lhs_dilate", "rhs_dilate", "stride")]
        left, right, result = zip(
            [tuple(map(int, shape.split("x"))) for shape in shapes], steps, strict=True
        )
        found[contraction((left, right), result)] += 1
    assert found.total() == text.count("stablehlo.convolution")
    return found


def needed():
    """The contractions of `COUNTS`. Of a layer's arrays it is the smaller images that dilate."""
    found = Counter()
    for name, (larger, smaller, kernel, step) in LAYERS.items():
        arrays = [(larger, 1), (smaller, step), (kernel, 1)]
        for place, count in enumerate(COUNTS[name]):
            operands = [array for other, array in enumerate(arrays) if other != place]
            found[contraction(operands, arrays[place])] += count
    return found


def products(text):
    """The products of matrices in a StableHLO text, counted."""
    found = Counter(PRODUCT.findall(text))
    assert found.total() == text.count("stablehlo.dot_general") > 0
    return found


def operations(text, *names):
    return {name: len(re.findall(rf"stablehlo\.{name}\b", text)) for name in names}


def exported(start, *platforms, devices=1):
    """The step as the platforms would get it, each device with N examples."""
    parts = start(
        PAIR | {"train.batch_size": devices * N}, devices=devices, shape=(8, 8, 1), num=32
    )
    (phase,) = parts.phases
    indices = parts.devices.split(parts.batches.indices(0, phase.batches))
    program = jax.jit(parts.devices.compile(phase.step))  # export takes nothing but a jit
    return export.export(program, platforms=platforms)(parts.state, parts.examples, indices)


@pytest.fixture(scope="module")
def texts(start):
    """The step on one device as StableHLO, by platform; "flax" is it of Flax's own layers."""
    found = {
        platform: exported(start, platform).mlir_module() for platform in ("cpu", *ACCELERATORS)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cnn, "Conv", nn.Conv)
        patch.setattr(cnn, "ConvTranspose", nn.ConvTranspose)
        found["flax"] = exported(start, "cuda").mlir_module()
    return found


@pytest.mark.parametrize("platform", ACCELERATORS)
def test_an_accelerator_gets_every_convolution_as_the_native_one(texts, platform):
    assert convolutions(texts[platform]) == needed()


@pytest.mark.parametrize("platform", ACCELERATORS)
def test_strides_and_dilations_are_the_convolutions_own(texts, platform):
    """Into smaller images by strides, into larger ones and into kernels by dilation."""
    windows = [window for window, *_ in CONVOLUTION.findall(texts[platform])]
    written = Counter(" ".join(re.findall(r"(\w+) = \[2, 2\]", window)) for window in windows)
    stepping = [COUNTS[name] for name, (*_, step) in LAYERS.items() if step == 2]
    larger, smaller, kernel = map(sum, zip(*stepping, strict=True))
    assert written == {
        "stride": smaller,
        "lhs_dilate": larger,
        "rhs_dilate": kernel,
        "": sum(COUNTS["image"]),
    }


def test_the_convolutions_are_those_of_flax(texts):
    assert convolutions(texts["flax"]) == needed()


@pytest.mark.parametrize("platform", ACCELERATORS)
def test_an_accelerator_gets_nothing_of_the_cpus_formulation(texts, platform):
    """No convolution became a product, nothing is unfolded, cut or laid out anew."""
    updates = ("pad", "concatenate", "slice", "dynamic_slice", "gather", "scatter", "while")
    assert products(texts[platform]) == products(texts["flax"])
    assert operations(texts[platform], *updates) == operations(texts["flax"], *updates)


def test_a_cpu_gets_another_program(texts):
    """Transposed convolutions of cells, products for thin images: the tests above can fail."""
    assert convolutions(texts["cpu"]) - needed()
    assert needed() - convolutions(texts["cpu"])
    assert products(texts["cpu"]) - products(texts["flax"])
    moved = [operations(texts[name], "pad")["pad"] for name in ("cpu", "flax")]
    assert moved[0] > moved[1]


def test_one_export_for_all_platforms_holds_the_program_of_each(start, texts):
    together = exported(start, "cpu", *ACCELERATORS)
    assert together.platforms == ("cpu", *ACCELERATORS)
    each = set(convolutions(texts["cpu"])) | set(needed())
    assert set(convolutions(together.mlir_module())) == each


@pytest.mark.parametrize("platform", ACCELERATORS)
def test_of_two_accelerators_each_gets_the_program_of_its_share(start, texts, platform):
    pair = exported(start, platform, devices=2)
    assert pair.nr_devices == 2
    assert convolutions(pair.mlir_module()) == needed()
    assert products(pair.mlir_module()) == products(texts[platform])
    assert "stablehlo.all_reduce" in pair.mlir_module()
    assert "stablehlo.all_reduce" not in texts[platform]


def test_the_compiler_leaves_no_choice_of_a_formulation_to_the_run(start):
    """A conditional would be paid for in every convolution."""
    parts = start(PAIR, shape=(8, 8, 1))
    (phase,) = parts.phases
    program = parts.devices.compile(phase.step)
    lowered = program.lower(parts.state, parts.examples, parts.batches.indices(0, phase.batches))
    assert " conditional(" not in lowered.compile().as_text()


# Trials side by side: the same step, mapped over T of them with kernels of their own.

T = 3
GROUPS = re.compile(r"(?:feature|batch)_group_count = (\d+) : i64")


@pytest.fixture(scope="module")
def mapped_step(start):
    """A function of a platform to the mapped step as StableHLO."""
    setup = start(PAIR | {"train.batch_size": N}, shape=(8, 8, 1), num=32).setup
    program, devices = Program(setup, by_turns=False), TrialDevices(T, 1)
    own = {name: np.stack([value] * T) for name, value in numbers(setup.config).items()}
    trials = jax.eval_shape(devices.compile(program.start), own, None, None)
    images = Examples(jax.ShapeDtypeStruct((32, 8, 8, 1), np.uint8))
    (phase,) = setup.make_round(setup.updates)
    indices = np.stack([[setup.batches.indices(0, phase.batches)]] * T)
    step = devices.compile(program.step, donates=True)

    def text(platform):
        found = export.export(step, platforms=[platform])(
            trials, indices, SharedData(images, images, {})
        )
        return found.mlir_module()

    return text


def test_a_tpu_gets_every_convolution_of_many_trials_as_a_grouped_one(mapped_step):
    text = mapped_step("tpu")
    groups = [max(map(int, GROUPS.findall(line))) for line in text.split("\n") if ".convol" in line]
    assert groups == [T] * needed().total()


def products_over_trials(text):
    """How many products are batched over the trials; a generator's dense layers are too."""
    batched = [found for found in PRODUCT.findall(text) if "batching_dims = [0] x [0]" in found]
    return len(batched)


@pytest.mark.parametrize(("windows", "taps"), [(mapped.WINDOWS, False), (0, True)])
@pytest.mark.usefixtures("lowered_anew")
def test_a_gpu_gets_products_batched_over_trials(mapped_step, monkeypatch, windows, taps):
    """One a convolution, or one a tap where the windows would take too much memory."""
    monkeypatch.setattr(mapped, "WINDOWS", windows)
    text = mapped_step("cuda")
    of_layers = {
        name: (kernel[0] * kernel[1] if taps else 1) for name, (*_, kernel, _) in LAYERS.items()
    }
    expected = sum(sum(COUNTS[name]) * each for name, each in of_layers.items())
    dense = products_over_trials(mapped_step("tpu"))
    assert ".convolution" not in text
    assert products_over_trials(text) == dense + expected
