"""Rewriting: equal graphs that are smaller, faster and numerically stable."""

from . import algebra, stability
from .expand import expand
from .simplify import simplify

__all__ = ["algebra", "expand", "simplify", "stability"]
