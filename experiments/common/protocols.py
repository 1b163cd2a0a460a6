"""Published protocols, whole: set-ups, methods, and what their authors report of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ml_collections import ConfigDict

from configs import grid_pacgan, ring_pacgan, ring_unrolled, stacked_mnist_unrolled
from gan_jax.sweep.study import TrialConfig

SEEDS = range(10)
PACK, SCHEME, UNROLL = "model.discriminator.pack", "schedule.scheme", "schedule.unroll"


class Figures(NamedTuple):
    """What is reported of a method.

    Attributes:
        modes: Mean number of modes found; None where it isn't known, as the others.
        high_quality: Share of samples within 3 sigma.
        reverse_kl: In nats.
    """

    modes: float | None = None
    high_quality: float | None = None
    reverse_kl: float | None = None


class Published(NamedTuple):
    """A protocol.

    Attributes:
        config: Its whole config.
        modes: How many modes there are.
        methods: Each method's fields by flattened name.
        theirs: What is reported of a method after the whole protocol.
    """

    config: Callable[[], ConfigDict]
    modes: int
    methods: Mapping[str, Mapping[str, object]]
    theirs: Mapping[str, Figures]

    def trials(self, method: str) -> list[TrialConfig]:
        """Ten trials by one method that differ in their seeds."""
        return [TrialConfig(seed, self._config(method, seed)) for seed in SEEDS]

    def _config(self, method: str, seed: int) -> ConfigDict:
        made = self.config()
        made.update_from_flattened_dict({**self.methods[method], "seed": seed})
        return made


def _packed(batch: int, most: int = 4) -> dict[str, dict[str, int]]:
    """The plain GAN and PacGAN2 to PacGAN4; a batch is so many packs."""
    names = ["GAN", *(f"PacGAN{size}" for size in range(2, most + 1))]
    return {
        name: {"train.batch_size": size * batch, PACK: size} for size, name in enumerate(names, 1)
    }


def _stacked(width: int) -> Callable[[], ConfigDict]:
    def config() -> ConfigDict:
        made = stacked_mnist_unrolled.get_config()
        made.data.source = "embedded"  # the same digits on every machine, 4,500 of the 60,000
        made.model.discriminator.width = width
        return made

    return config


_UNROLLED = {f"unrolled {k}": {SCHEME: "unrolled", UNROLL: k} for k in (1, 5, 10)}
_STACKED = _packed(128) | _UNROLLED

# Of mixtures Lin et al. (2018), table 1, ten trials. Of stacked MNIST GAN and PacGAN by Lin et al.,
# table 3, fifty trials, unrolled by Metz et al. (2017), whose GAN has 30.6 modes and a KL of 5.99
# (a quarter), 628.0 and 2.58 (a half). Of the ring Metz et al. show pictures only.
PROTOCOLS = {
    "ring, PacGAN": Published(
        ring_pacgan.get_config,
        8,
        _packed(100),
        {
            "GAN": Figures(6.3, 0.982, 0.45),
            "PacGAN2": Figures(7.9, 0.956, 0.07),
            "PacGAN3": Figures(7.8, 0.977, 0.10),
            "PacGAN4": Figures(7.8, 0.959, 0.07),
        },
    ),
    "grid, PacGAN": Published(
        grid_pacgan.get_config,
        25,
        _packed(100),
        {
            "GAN": Figures(17.3, 0.948, 0.70),
            "PacGAN2": Figures(23.8, 0.913, 0.13),
            "PacGAN3": Figures(24.6, 0.942, 0.06),
            "PacGAN4": Figures(24.8, 0.936, 0.04),
        },
    ),
    "ring, unrolled": Published(
        ring_unrolled.get_config,
        8,
        {"GAN": {SCHEME: "simultaneous"}, "unrolled": {SCHEME: "unrolled"}},
        {},
    ),
    "stacked MNIST, D a quarter of G": Published(
        _stacked(2),
        1000,
        _STACKED,
        {
            "GAN": Figures(78.5, None, 5.21),
            "PacGAN2": Figures(484.5, None, 2.61),
            "PacGAN3": Figures(601.3, None, 2.00),
            "PacGAN4": Figures(667.4, None, 1.81),
            "unrolled 1": Figures(65.4, None, 5.91),
            "unrolled 5": Figures(236.4, None, 4.67),
            "unrolled 10": Figures(327.2, None, 4.66),
        },
    ),
    "stacked MNIST, D a half of G": Published(
        _stacked(4),
        1000,
        _STACKED,
        {
            "GAN": Figures(487.7, None, 2.24),
            "PacGAN2": Figures(840.7, None, 1.00),
            "PacGAN3": Figures(866.6, None, 0.90),
            "PacGAN4": Figures(820.2, None, 1.15),
            "unrolled 1": Figures(523.6, None, 2.44),
            "unrolled 5": Figures(732.0, None, 1.66),
            "unrolled 10": Figures(817.4, None, 1.43),
        },
    ),
}


class Trials(NamedTuple):
    """The trials of one method.

    Attributes:
        protocol: The protocol's name.
        method: The method's.
        configs: The trials, ten seeds.
    """

    protocol: str
    method: str
    configs: Sequence[TrialConfig]


def whole() -> Iterator[Trials]:
    """The trials of every method to the end of its protocol."""
    for name, protocol in PROTOCOLS.items():
        for method in protocol.methods:
            yield Trials(name, method, protocol.trials(method))
