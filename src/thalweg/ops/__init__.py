"""The primitives: for each one its shape, value, derivative and batch rule, declared in one place."""

from . import contraction, elementwise, indexing, linear_algebra, reduction, structure
from .declare import PRIMITIVES

__all__ = [
    "PRIMITIVES",
    "contraction",
    "elementwise",
    "indexing",
    "linear_algebra",
    "reduction",
    "structure",
]
