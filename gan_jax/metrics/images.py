"""What a digit classifier says of generated images, against images that no GAN trained on."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.special import entr, rel_entr

from gan_jax.examples import IMAGE
from gan_jax.metrics.classifier import CLASSES, embed, features, shipped_arrays
from gan_jax.metrics.frechet import Gaussian, frechet_distance

__all__ = [
    "HEADLINE",
    "ClassifierStatistics",
    "Reference",
    "features",
    "held_out",
    "incompatibility",
    "measure",
    "numbers",
    "reference",
    "statistics",
]

HEADLINE = ("frechet", "inception_score", "share_min", "share_max")
BETTER = {
    "frechet": "lower",
    "inception_score": "higher",
    "share_min": "higher",
    "share_max": "lower",
}


@dataclass(frozen=True, eq=False)
class ClassifierStatistics:
    """What the classifier says of images, in sums: its size does not grow with their number.

    Attributes:
        num: How many images.
        features: `[64]`, the sum of their features.
        products: `[64, 64]`, the sum of the features' outer products with themselves.
        counts: `[10]`, images by their most probable class.
        probabilities: `[10]`, the sum of the class probabilities.
        entropy: Sum of the entropies of the class probabilities, in nats.
        confidence: Sum of the largest probabilities.
    """

    num: int
    features: np.ndarray
    products: np.ndarray
    counts: np.ndarray
    probabilities: np.ndarray
    entropy: float
    confidence: float

    @classmethod
    def of(cls, features: np.ndarray, probabilities: np.ndarray) -> "ClassifierStatistics":
        """The tally of one batch: features `[N, F]`, probabilities `[N, 10]`."""
        features, probabilities = (np.asarray(x, np.float64) for x in (features, probabilities))
        return cls(
            num=len(features),
            features=features.sum(axis=0),
            products=features.T @ features,
            counts=np.bincount(probabilities.argmax(axis=1), minlength=CLASSES),
            probabilities=probabilities.sum(axis=0),
            entropy=float(entr(probabilities).sum()),
            confidence=float(probabilities.max(axis=1).sum()),
        )

    def __add__(self, other: "ClassifierStatistics") -> "ClassifierStatistics":
        """The tally of both."""
        return ClassifierStatistics(
            *(getattr(self, name) + getattr(other, name) for name in vars(self))
        )

    @classmethod
    def of_images(
        cls, batches: Iterable[np.ndarray], variables: dict | None = None
    ) -> "ClassifierStatistics":
        """The tally of batches `[N, H, W, 1]` uint8; `variables` as in `embed`."""
        return reduce(cls.__add__, (cls.of(*embed(batch, variables)) for batch in batches))

    @property
    def gaussian(self) -> Gaussian:
        """Mean and covariance of the features."""
        return Gaussian.of_sums(self.num, self.features, self.products)


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images as the classifier sees them.

    Attributes:
        gaussian: Mean and covariance of their features.
        counts: `[10]`, images of each class by the classifier's own word.
    """

    gaussian: Gaussian
    counts: np.ndarray

    @classmethod
    def fit(cls, images: np.ndarray, variables: dict | None = None) -> "Reference":
        """The reference that `[N, H, W, 1]` uint8 images make; `variables` as in `embed`."""
        statistics = ClassifierStatistics.of_images([images], variables)
        return cls(statistics.gaussian, statistics.counts)

    @classmethod
    def shipped(cls) -> "Reference":
        """The 10,000 MNIST test images, as stored beside the classifier."""
        arrays = shipped_arrays()
        gaussian = Gaussian(arrays["reference/mean"], arrays["reference/covariance"])
        return cls(gaussian, arrays["reference/counts"])


def bounds(density) -> dict[str, tuple[float, float]]:
    """Least and largest possible values of these measures."""
    del density
    return {
        "frechet": (0, np.inf),
        "inception_score": (1, CLASSES),
        "share_min": (0, 1),
        "share_max": (0, 1),
    }


def incompatibility(dataset) -> str:
    """Why these measurements can't be made on a data set, or an empty string."""
    if dataset.kind is IMAGE and dataset.shape[-1] == 1:
        return ""
    return (
        f"measures grey images, but {dataset.name} has {dataset.kind.plural} {list(dataset.shape)}"
    )


def reference(dataset) -> Reference:
    """The data's test images; for MNIST the shipped 10,000, whatever part of it the run loaded."""
    return Reference.shipped() if dataset.classifier else Reference.fit(dataset.test)


def held_out(dataset) -> np.ndarray:
    """Real images that the reference doesn't contain: the training images.

    MNIST's taught the classifier too, so a floor includes how differently it sees images it knows.
    """
    return dataset.train


statistics = ClassifierStatistics.of


def measure(batches: Iterable[np.ndarray], reference: Reference) -> dict[str, float]:
    """Distance, quality and diversity of generated images.

    The classifier knows MNIST's digits. On other grey images the distance still compares features,
    but a "digit" is only the class it finds most like the image.

    Args:
        batches: Generated images, `[N, H, W, 1]` uint8 each.
        reference: The real images to compare with.

    Returns:
        `frechet` (0 is equal; its unit is the classifier's, so read it beside the floor),
        `inception_score` (1 to 10), `confidence` (mean largest probability, 0.1 to 1), `digit_kl`
        (KL(generated || real shares) in nats, 0 is equal), `share_0` to `share_9` (the classes'
        shares, by the most probable class), `share_min` and `share_max` of these.
    """
    return numbers(ClassifierStatistics.of_images(batches), reference)


def numbers(statistics: ClassifierStatistics, reference: Reference) -> dict[str, float]:
    """The numbers of `measure`."""
    shares = statistics.counts / statistics.num
    return {
        "frechet": frechet_distance(real=reference.gaussian, generated=statistics.gaussian),
        "inception_score": inception_score(statistics),
        "confidence": statistics.confidence / statistics.num,
        "digit_kl": digit_kl(real=reference.counts, generated=statistics.counts),
        "share_min": float(shares.min()),
        "share_max": float(shares.max()),
        **{f"share_{digit}": float(share) for digit, share in enumerate(shares)},
    }


def inception_score(statistics: ClassifierStatistics) -> float:
    """`exp(mean KL(p(y|x) || p(y)))` over all images as one split, from 1 to the number of classes.

    Salimans et al., "Improved Techniques for Training GANs" (2016), section 4, which averages over
    ten splits instead; the classifier here is the digit classifier, so only scores of this protocol
    compare. The mean divergence is the entropy of the mean less the mean entropy.
    """
    of_mean = entr(statistics.probabilities / statistics.num).sum()
    return float(np.exp(of_mean - statistics.entropy / statistics.num))


def digit_kl(*, real: np.ndarray, generated: np.ndarray) -> float:
    """`KL(generated shares || real shares)` in nats, from `[10]` counts.

    The direction is the one that stays finite when the generator has dropped a class: dropping nine
    of ten equal classes gives log 10. The real counts get half an image each (Krichevsky and
    Trofimov), so that a class that the real images lack doesn't make it infinite either.
    """
    smoothed = real + 0.5
    return float(rel_entr(generated / generated.sum(), smoothed / smoothed.sum()).sum())
