"""What a digit classifier says of generated images, against images that no GAN trained on."""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from gan_jax.metrics.classifier import CLASSES, embed, shipped_arrays
from gan_jax.metrics.frechet import Gaussian, frechet_distance

HEADLINE = ("frechet", "inception_score", "share_min", "share_max")


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
        features, probabilities = embed(images, variables)
        return cls(Gaussian.fit(features), class_counts(probabilities))

    @classmethod
    def shipped(cls) -> "Reference":
        """The 10,000 MNIST test images, as stored beside the classifier."""
        arrays = shipped_arrays()
        gaussian = Gaussian(arrays["reference/mean"], arrays["reference/covariance"])
        return cls(gaussian, arrays["reference/counts"])


def misfit(dataset) -> str:
    """Why these measurements can't be made on a data set, or an empty string."""
    if dataset.train.ndim == 4 and dataset.train.shape[-1] == 1:
        return ""
    return f"measures grey images, but {dataset.name} has points {list(dataset.train.shape[1:])}"


def reference(dataset) -> Reference:
    """The data's test images; for MNIST the shipped 10,000, whatever part of it the run loaded."""
    return Reference.shipped() if dataset.name == "mnist" else Reference.fit(dataset.test)


def held_out(dataset) -> np.ndarray:
    """Real images that the reference doesn't contain: the training images.

    MNIST's taught the classifier too, so a floor includes how differently it sees images it knows.
    """
    return dataset.train


def measure(generated: np.ndarray, reference: Reference) -> dict[str, float]:
    """Distance, quality and diversity of generated images.

    The classifier knows MNIST's digits. On other grey images the distance still compares features,
    but a "digit" is only the class it finds most like the image.

    Args:
        generated: `[N, H, W, 1]` uint8.
        reference: The real images to compare with.

    Returns:
        `frechet` (0 is equal; its unit is the classifier's, so read it beside the floor),
        `inception_score` (1 to 10), `confidence` (mean largest probability, 0.1 to 1), `digit_kl`
        (KL(generated || real shares) in nats, 0 is equal), `share_0` to `share_9` (the classes'
        shares, by the most probable class), `share_min` and `share_max` of these.
    """
    features, probabilities = embed(generated)
    counts = class_counts(probabilities)
    shares = counts / counts.sum()
    distance = frechet_distance(real=reference.gaussian, generated=Gaussian.fit(features))
    return {
        "frechet": distance,
        "inception_score": inception_score(probabilities),
        "confidence": float(probabilities.max(axis=1).mean(dtype=np.float64)),
        "digit_kl": digit_kl(real=reference.counts, generated=counts),
        "share_min": float(shares.min()),
        "share_max": float(shares.max()),
        **{f"share_{digit}": float(share) for digit, share in enumerate(shares)},
    }


def class_counts(probabilities: np.ndarray) -> np.ndarray:
    """How many rows of `[N, 10]` have their largest value in each column: `[10]`."""
    return np.bincount(probabilities.argmax(axis=1), minlength=CLASSES)


def inception_score(probabilities: np.ndarray) -> float:
    """`exp(mean KL(p(y|x) || p(y)))` over all images as one split, from 1 to the number of classes.

    Salimans et al., "Improved Techniques for Training GANs" (2016), section 4, which averages over
    ten splits instead; the classifier here is the digit classifier, so only scores of this protocol
    compare.

    Args:
        probabilities: `[N, 10]`, rows sum to one.
    """
    probabilities = np.asarray(probabilities, np.float64)
    divergences = rel_entr(probabilities, probabilities.mean(axis=0)).sum(axis=1)
    return float(np.exp(divergences.mean()))


def digit_kl(*, real: np.ndarray, generated: np.ndarray) -> float:
    """`KL(generated shares || real shares)` in nats, from `[10]` counts.

    The direction is the one that stays finite when the generator has dropped a class: dropping nine
    of ten equal classes gives log 10. The real counts get half an image each (Krichevsky and
    Trofimov), so that a class that the real images lack doesn't make it infinite either.
    """
    smoothed = real + 0.5
    return float(rel_entr(generated / generated.sum(), smoothed / smoothed.sum()).sum())
