"""What a name that nothing has was meant to be: the nearest one, or what others call the thing."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

# Fields of a config by the names that other codebases and papers give them.
FIELD_ALIASES = MappingProxyType(
    {
        "lr": "learning_rate",
        "rate": "learning_rate",
        "beta1": "b1",
        "beta_1": "b1",
        "beta2": "b2",
        "beta_2": "b2",
        "optimizer": "name",
        "lr_schedule": "decay",
        "weight_clip": "clip_weights",
        "clip_value": "clip_weights",
        "grad_clip": "clip",
        "clip_norm": "clip",
        "batch": "batch_size",
        "bs": "batch_size",
        "iterations": "steps",
        "iters": "steps",
        "num_steps": "steps",
        "epochs": "steps",
        "z_dim": "latent",
        "latent_dim": "latent",
        "nz": "latent",
        "architecture": "name",
        "num_classes": "classes",
        "n_critic": "discriminator",
        "d_steps": "discriminator",
        "g_steps": "generator",
        "label_smoothing": "smoothing",
        "lambda": "weight",
        "gamma": "weight",
        "metric": "protocol",
        "metrics": "protocol",
        "resolution": "image_size",
        "dataset": "name",
    }
)

# Choices likewise. The same name may mean one in one table and another in the next.
CHOICE_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gan": ("non_saturating",),
        "bce": ("non_saturating",),
        "vanilla": ("non_saturating",),
        "saturating": ("minimax",),
        "wgan": ("wasserstein",),
        "mse": ("least_squares",),
        "lsgan": ("least_squares",),
        "gp": ("gradient",),
        "wgan_gp": ("gradient", "wasserstein"),
        "bn": ("batch",),
        "ln": ("layer",),
        "gn": ("group",),
        "in": ("instance",),
        "sn": ("spectral",),
        "gaussian": ("normal",),
        "bf16": ("bfloat16",),
        "half": ("bfloat16",),
        "fp32": ("float32",),
        "lrelu": ("leaky_relu",),
        "fid": ("random_cnn_10k", "mnist_cnn_10k"),
    }
)


def nearest_choice(name: str, choices: Collection[str]) -> str | None:
    """The choice that was meant by a name that is none of them, or None."""
    meant = (other for other in CHOICE_ALIASES.get(name, ()) if other in choices)
    return next(meant, None) or next(iter(difflib.get_close_matches(name, choices, n=1)), None)


def nearest_fields(key: str, fields: Collection[str]) -> list[str]:
    """The fields that were meant by a key ("train.lr") that is none of them.

    Args:
        key: By flattened name.
        fields: By flattened name.

    Returns:
        Those of that name, or of the name that an alias stands for, in the key's own group or else
        in others; without any the one whose spelling is nearest; [] where none is near.
    """
    group, _, last = key.rpartition(".")
    for name in filter(None, (last, FIELD_ALIASES.get(last))):
        found = list(_ending(name, fields))
        own = [field for field in found if field.rpartition(".")[0] == group]
        if found and len(own or found) <= 2:
            return own or found
    return difflib.get_close_matches(key, fields, n=1)


def _ending(name: str, fields: Collection[str]) -> Iterator[str]:
    return (field for field in fields if field.rpartition(".")[2] == name)


def did_you_mean(*names: str | None) -> str:
    """ "did you mean x or y? ", to stand before the rest of a line; "" for no name."""
    known = [name for name in names if name]
    return f"did you mean {' or '.join(known)}? " if known else ""
