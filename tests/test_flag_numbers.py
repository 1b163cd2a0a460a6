"""Numbers of a config on a command line are read as people write them."""

import pytest
from absl import flags
from ml_collections import config_flags

from configs import base
from gan_jax.config.fields import check
from gan_jax.core import flag_numbers


def read(*arguments):
    """The base config with arguments, as a program reads them."""
    values = flags.FlagValues()
    argv = ["program", *(f"--config.{argument}" for argument in arguments)]
    flag_numbers.register()
    config_flags.DEFINE_config_dict("config", base.get_config(), flag_values=values, sys_argv=argv)
    values(argv)
    return check(values.config)


WRITTEN = {
    "train.steps=1e4": 10_000,
    "train.steps=1_000": 1_000,
    "train.steps=50": 50,
    "train.steps=2.0": 2,
    "seed=+3": 3,
    "ema.half_life=1e3": 1_000.0,
    "optim.generator.learning_rate=1": 1.0,
    "optim.generator.learning_rate=2e-4": 2e-4,
    "eval.diagnostics=true": True,
    "eval.diagnostics=0": False,
}


@pytest.mark.parametrize("argument", WRITTEN)
def test_numbers_are_read_as_they_are_written(argument):
    value = read(argument)
    for name in argument.split("=")[0].split("."):
        value = value[name]
    assert value == WRITTEN[argument]
    assert type(value) is type(WRITTEN[argument])


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("train.steps=1.5", "must be a whole number"),
        ("train.steps=1e-3", "must be a whole number"),
        ("train.steps=nan", "must be a whole number"),
        ("train.steps=1e999", "must be a whole number"),
        ("train.steps=9" + 5000 * "0", "must be a whole number"),
        ("train.steps=9223372036854775808", "must be from 1 to 1,000,000,000"),
        ("train.steps=", "must be a whole number"),
        ("train.steps=ten", "must be a whole number"),
        ("smoothing=half", "must be a number"),
        ("eval.diagnostics=maybe", "must be true or false"),
    ],
)
def test_what_is_no_such_number_is_said_in_one_line(argument, words):
    with pytest.raises((flags.Error, ValueError), match=f"{words}$") as caught:
        read(argument)
    assert len(str(caught.value).splitlines()) == 1
