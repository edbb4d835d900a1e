"""Tracing: from plain NumPy code to a graph, through NumPy's own protocols."""

from . import (
    einsum,
    indexing,
    linear_algebra,
    products,
    rearranging,
    reductions,
    sampled,
    statistics,
    structure,
    ufuncs,
)
from .reads import reads
from .source import current_source, derived_from
from .traced import Traced, as_traced, supported_dtype
from .tracing import trace

__all__ = [
    "Traced",
    "as_traced",
    "current_source",
    "derived_from",
    "einsum",
    "indexing",
    "linear_algebra",
    "products",
    "reads",
    "rearranging",
    "reductions",
    "sampled",
    "statistics",
    "structure",
    "supported_dtype",
    "trace",
    "ufuncs",
]
