"""The laboratory: a page for teachers and students of gradient descent. It descends on functions, formulas and small tables."""

from .formula import parse
from .laboratory import PORT, Laboratory, serve

__all__ = ["PORT", "Laboratory", "parse", "serve"]
