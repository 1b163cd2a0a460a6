"""What one example of a data set is: the kinds, each in a file of its own.

Another kind is a file with an `ExampleKind` and a line in `EXAMPLE_KINDS`.
"""

from gan_jax.examples.image import IMAGE
from gan_jax.examples.kind import ExampleKind
from gan_jax.examples.point import POINT

__all__ = ["EXAMPLE_KINDS", "IMAGE", "POINT", "ExampleKind"]

EXAMPLE_KINDS = {kind.name: kind for kind in (IMAGE, POINT)}
