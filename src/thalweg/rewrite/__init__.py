"""Rewriting: equal graphs that are smaller, faster and numerically stable."""

from . import algebra, stability
from .expand import expand
from .simplify import equal_everywhere, simplify

__all__ = ["algebra", "equal_everywhere", "expand", "simplify", "stability"]
