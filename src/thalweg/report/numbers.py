"""Numbers as the page writes them."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["shown"]


def shown(value: Any) -> str:
    """A number for a person, with six digits; thousands are set apart.

    >>> shown(1234567), shown(0.123456789), shown(-1e-9), shown(float("nan")), shown("text")
    ('1,234,567', '0.123457', '−1e-09', 'not a number', 'text')
    """
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, int) or (hasattr(value, "dtype") and value.dtype.kind in "iu"):
        return f"{int(value):,}".replace("-", "−")
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{float(value):.6g}"
    return f"−{text[1:]}" if text.startswith("-") else text
