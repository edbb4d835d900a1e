"""Tracing: from plain NumPy code to a graph, through NumPy's own protocols."""

from . import indexing, products, reductions, structure, ufuncs
from .source import current_source, derived_from
from .traced import Traced, as_traced, supported_dtype
from .tracing import trace

__all__ = [
    "Traced",
    "as_traced",
    "current_source",
    "derived_from",
    "indexing",
    "products",
    "reductions",
    "structure",
    "supported_dtype",
    "trace",
    "ufuncs",
]
