"""What makes a recipe for a mixture good, in one number."""

import math
from collections.abc import Mapping

_REAL_RATIO = 0.949  # of a perfect sampler in two dimensions, cut at three standard deviations
_LEAST_RATIO = 0.05  # so narrow, or without a mode, is as bad as it gets


def worth(row: Mapping[str, float]) -> float:
    """Modes found, plus the share of samples within 3 sigma, minus how far modes are from as wide
    as the real ones: |log(covariance ratio / that of real points)|.

    A lost mode is worse than whatever its absence may do for the others. A perfect sampler of eight
    modes has 8.99.

    Args:
        row: An evaluation by a protocol `mixture_2500`.
    """
    ratio = max(row["mixture_2500/covariance_ratio"], _LEAST_RATIO)
    width = abs(math.log(ratio / _REAL_RATIO))
    return row["mixture_2500/modes"] + row["mixture_2500/high_quality"] - width
