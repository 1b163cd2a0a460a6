"""What is asked of an example, or known of it, beside its being real."""

from collections.abc import Mapping
from typing import Any

LABEL = "label"
"""The entry of a condition that is a class, int32 [N]."""

Condition = Mapping[str, Any]
"""Trees of arrays [N, ...] by name, one row an example: {"label": int32 [N]}."""
