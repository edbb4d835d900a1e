"""Differentiation, from graph to graph."""

from .batching import batched
from .forward import pushforward
from .reverse import adjoints, gradient, pullback

__all__ = ["adjoints", "batched", "gradient", "pullback", "pushforward"]
