"""Which formulation of a convolution is the quickest where trials are mapped?

Each layer of the MNIST pair (`configs/mnist.py`) and of the DCGAN of `experiments.speed` (batch
128, width 64), read off the networks, and each of its three contractions: into the smaller images,
the larger ones and the kernel, which are its value and its gradients. All operands are random and
mapped, kernels too, over 1, 8 or 64 trials. Formulations: native (XLA's convolution, grouped by
vmap), unfolded (one product of matrices, batched over trials), taps (a product a tap of the
kernel), and native in turn (lax.map over trials). float32 at the default precision; the median of
five samples of at least 40 ms, compiling not counted.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from configs import mnist
from experiments.device.case import Case, Row, Settings
from experiments.device.timing import Started, at_once, first_call, measured, settled
from experiments.speed import works
from gan_jax.config.setup import build
from gan_jax.data import DataSpec
from gan_jax.examples import IMAGE
from gan_jax.models.conv import native, taps, unfolded
from gan_jax.models.conv.geometry import Geometry

SHAPE = (28, 28, 1)
CONFIGS = {"MNIST pair": mnist.get_config, "dcgan": lambda: works.WORKS["dcgan"].config(128, 64)}
TRIALS = (64, 8, 1)
CONTRACTIONS = {"to_y": ("x", "kernel"), "to_x": ("y", "kernel"), "to_kernel": ("x", "y")}
FORMULATIONS = {"unfolded": unfolded, "taps": taps, "native": native}
IN_TURN = "native in turn"
# Compiling convolutions of many groups may take very long: what is known before is then told.
GROUPS = (("unfolded", "taps", IN_TURN), ("native",))
TINY_TRIALS, TINY_BATCH, TINY_LAYERS = 2, 2, slice(1, 3)


class Layer(NamedTuple):
    """A convolution of a network.

    Attributes:
        shapes: Of one trial's x, y and kernel.
        geometry: The rest.
    """

    shapes: dict[str, tuple[int, ...]]
    geometry: Geometry

    @property
    def name(self) -> str:
        """Sides and channels of the larger and the smaller images, and the kernel's."""
        (_, side, _, channels), (_, half, _, features) = self.shapes["x"], self.shapes["y"]
        return f"{side}x{channels} {half}x{features} kernel {self.geometry.kernel[0]}"


def cases(settings: Settings) -> list[Case]:
    """Each pair with each number of trials."""
    if settings.tiny:
        return [Case(f"MNIST pair, {TINY_TRIALS} trials", 20)]
    return [
        Case(f"{pair}, {trials} trials", 40, late=trials != TRIALS[0])
        for trials in TRIALS
        for pair in CONFIGS
    ]


def measure(name: str, settings: Settings) -> Iterator[Row]:
    """A row a layer, contraction and formulation."""
    pair, trials = name.removesuffix(" trials").split(", ")
    config = CONFIGS[pair]()
    if settings.tiny:
        config.train.batch_size = TINY_BATCH
    found = layers(config)[TINY_LAYERS] if settings.tiny else layers(config)
    arrays = [_arrays(layer, int(trials)) for layer in found]
    head = {"pair": pair, "trials": int(trials)}
    for formulations in GROUPS:
        for row in _timed(formulations, found, arrays):
            yield head | row


def _timed(
    formulations: Sequence[str], found: Sequence[Layer], arrays: Sequence[dict[str, jax.Array]]
) -> Iterator[Row]:
    """A row a formulation, layer and contraction; all are compiled at once, then timed."""
    wanted = list(itertools.product(formulations, range(len(found)), CONTRACTIONS))
    given = {
        (number, contraction): [arrays[number][role] for role in roles]
        for number in range(len(found))
        for contraction, roles in CONTRACTIONS.items()
    }
    started = at_once(
        {
            (formulation, number, contraction): partial(
                _first,
                program(formulation, contraction, found[number].geometry),
                given[number, contraction],
            )
            for formulation, number, contraction in wanted
        }
    )
    for key, future in zip(wanted, settled(started.values()), strict=True):
        formulation, number, contraction = key
        row = {"layer": found[number].name, "contraction": contraction, "formulation": formulation}
        timed = measured(future)
        yield row | {key: timed[key] for key in ("ms", "failed") if key in timed}


def layers(config) -> list[Layer]:
    """The convolutions of both networks of a config on 28x28 images, in order."""
    batch = config.train.batch_size
    setup = build(config, DataSpec("made", IMAGE, SHAPE, batch))
    game, state = setup.game, jax.eval_shape(setup.initial)
    found = []
    for network, player, shape in (
        (game.discriminator, state.discriminator, (batch, *SHAPE)),
        (game.generator, state.generator, (batch, game.prior.dimensions)),
    ):
        apply = partial(network.apply, train=False)
        traced = jax.make_jaxpr(apply)(player.variables, jax.ShapeDtypeStruct(shape, jnp.float32))
        found += [_layer(equation) for equation in _convolutions(traced.jaxpr)]
    return found


def _convolutions(jaxpr) -> Iterator:
    """The equations of a jaxpr, and of those in it, that are of `gan_jax.models.conv`."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("conv_to_y", "conv_to_x"):
            yield equation
        for inner in equation.params.values():
            if hasattr(inner, "jaxpr"):
                yield from _convolutions(inner.jaxpr)


def _layer(equation) -> Layer:
    images, kernel = (variable.aval.shape[1:] for variable in equation.invars)
    result = equation.outvars[0].aval.shape[1:]
    x, y = (images, result) if equation.primitive.name == "conv_to_y" else (result, images)
    return Layer({"x": x, "y": y, "kernel": kernel}, equation.params["geometry"])


def _arrays(layer: Layer, trials: int) -> dict[str, jax.Array]:
    keys = jax.random.split(jax.random.key(0), len(layer.shapes))
    return {
        role: jax.random.normal(key, (trials, *shape))
        for key, (role, shape) in zip(keys, layer.shapes.items(), strict=True)
    }


def program(formulation: str, contraction: str, geometry: Geometry) -> Callable:
    """The contraction of operands [trials, ...]."""
    functions = {**FORMULATIONS, IN_TURN: native}
    one = partial(getattr(functions[formulation], contraction), geometry=geometry)
    if formulation == IN_TURN:
        return lambda *operands: lax.map(lambda each: one(*each), operands)
    return jax.vmap(one)


def _first(function: Callable, given: Sequence[jax.Array]) -> Started:
    return first_call(partial(jax.jit(function), *given), 1, time.perf_counter())
