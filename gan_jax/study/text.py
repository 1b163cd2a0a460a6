"""Values as people read them."""

import numpy as np


def text(value: object, digits: int = 3) -> str:
    """A float in so many significant digits and all before the point, NaN as a dash.

    Anything else is left as it is.
    """
    if not isinstance(value, (float, np.floating)):
        return str(value)
    if np.isnan(value):
        return "-"
    if 10**digits - 0.5 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
