"""The unrolled generator of random words against JAX's own: the same words, another program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from gan_jax.core.streams import restored_root, root

SEEDS = (0, 7, 2**31 - 1)


def words(key):
    return np.asarray(jax.random.key_data(key))


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_derive_as_jaxs_own_do(seed):
    ours, theirs = root(seed), jax.random.key(seed)
    np.testing.assert_array_equal(words(ours), words(theirs))
    for data in (0, 5, 2**32 - 1):
        data = np.uint32(data)
        folded = [jax.random.fold_in(key, data) for key in (ours, theirs)]
        np.testing.assert_array_equal(*map(words, folded))
    for shape in (2, (3, 5)):
        split = [jax.random.split(key, shape) for key in (ours, theirs)]
        np.testing.assert_array_equal(*map(words, split))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4, 5)])
def test_words_are_jaxs_own(seed, dtype, shape):
    ours, theirs = (
        jax.random.bits(key, shape, dtype) for key in (root(seed), jax.random.key(seed))
    )
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours, theirs)


def test_words_are_jaxs_own_for_many_keys_in_a_compiled_program():
    def draw(key):
        keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(9))
        return jax.vmap(lambda key: jax.random.bits(key, (6,)))(keys)

    np.testing.assert_array_equal(jax.jit(draw)(root(3)), draw(jax.random.key(3)))


def test_a_kept_key_goes_on_as_the_key_it_was():
    key = root(11)
    kept = jax.random.key_data(key)
    np.testing.assert_array_equal(jax.random.bits(restored_root(kept)), jax.random.bits(key))


def exported(platform, key, shape):
    data = jax.random.key_data(key)

    @jax.jit
    def draw(data):
        return jax.random.bits(jax.random.wrap_key_data(data, impl=jax.random.key_impl(key)), shape)

    return export.export(draw, platforms=[platform])(data).mlir_module()


def test_a_cpu_gets_no_loop():
    assert "stablehlo.while" in exported("cpu", jax.random.key(0), (6,))
    assert "stablehlo.while" not in exported("cpu", root(0), (6,))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_an_accelerator_gets_what_it_got_from_jax(platform):
    """As many steps of the hash, and nothing between the words and their use."""
    ours, theirs = (exported(platform, key, (6,)) for key in (root(0), jax.random.key(0)))
    for operation in ("xor", "shift_left", "while", "optimization_barrier"):
        counts = [text.count(f"stablehlo.{operation}") for text in (ours, theirs)]
        assert counts[0] == counts[1], operation
    assert "stablehlo.optimization_barrier" in exported("cpu", root(0), (6,))


def test_more_words_than_a_counter_has_are_left_to_jax():
    """A counter of 64 bits then: never run here, 16 GiB of words."""
    assert "stablehlo.while" in exported("cpu", root(0), (2**32,))
