"""The length of a vector, also where its square is not a floating-point number."""

from __future__ import annotations

import math

import numpy as np

from ..graph import Array

__all__ = ["norm"]


def norm(vector: Array) -> float:
    """‖v‖ in float64, without overflow or underflow on the way; inf or NaN if an element is.

    >>> f"{norm(np.array([3e200, 4e200])):.6g}"
    '5e+200'
    """
    wide = vector.astype(np.float64, copy=False)
    largest = float(np.max(np.abs(wide), initial=0.0))
    if not 0 < largest < np.inf:
        return largest
    # Not by BLAS: its threads wait for more work for milliseconds, on processors that the next descent needs.
    return largest * math.sqrt(np.sum(np.square(wide / largest)))
