"""Where a round's time goes: its parts, each compiled and timed on its own.

    python -m experiments.speed.parts WORK BATCH WIDTH

Prints one JSON line of medians in milliseconds. The parts overlap (a gradient has a forward pass in
it), and XLA fuses across their borders in the whole round, so they do not add up to it.
"""

import json
import statistics
import sys
import time

from gan_jax.core import process

REPEATS = 20


def measure(work: str, batch: int, width: int) -> dict[str, float]:
    """Median milliseconds by part."""
    import jax

    from experiments.speed import works
    from gan_jax.config.setup import build
    from gan_jax.core.streams import example_keys, root
    from gan_jax.data.batches import Examples
    from gan_jax.examples import IMAGE

    setup = build(works.WORKS[work].config(batch, width), works.data_spec(work))
    updates, game, key, state = setup.updates, setup.game, root(0), setup.first_state()
    z = game.prior.draw(example_keys(key, batch)).z
    reals = game.generator.apply(state.generator.variables, z, train=False)
    images = IMAGE.to_model(works.examples(work).x[:batch]) if game.kind is IMAGE else reals
    of_discriminator = jax.jit(updates.discriminator_gradient)(state, Examples(images))
    of_generator = jax.jit(updates.generator_gradient)(state, None)

    def discriminate(state, images):
        variables, rngs = state.discriminator.variables, {"dropout": key}
        return game.discriminator.apply(variables, images, train=True, rngs=rngs)

    parts = {
        "latents": (lambda: game.prior.draw(example_keys(key, batch)).z,),
        "generator forward": (lambda state: game.fakes(state.generator.variables, key)[0], state),
        "discriminator forward": (discriminate, state, images),
        "discriminator's gradient (generator forward in it)": (
            lambda state, images: updates.discriminator_gradient(state, Examples(images)).params,
            state,
            images,
        ),
        "generator's gradient": (
            lambda state: updates.generator_gradient(state, None).params,
            state,
        ),
        "discriminator's optimizer": (updates.update_discriminator, state, of_discriminator),
        "generator's optimizer and average": (updates.update_generator, state, of_generator),
    }
    return {name: _milliseconds(*part) for name, part in parts.items()}


def _milliseconds(function, *arguments) -> float:
    import jax

    compiled, times = jax.jit(function), []
    jax.block_until_ready(compiled(*arguments))
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 3)


if __name__ == "__main__":
    process.keep_memory()
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
