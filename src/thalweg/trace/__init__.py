"""Tracing: from plain NumPy code to a graph, through NumPy's own protocols."""

from . import (
    choosing,
    creating,
    einsum,
    elementwise,
    indexing,
    linear_algebra,
    products,
    rearranging,
    reductions,
    sampled,
    sorting,
    statistics,
    structure,
    ufuncs,
    writing,
)
from .local_arrays import LocalArray, holds_traced
from .reads import Reading, reads
from .source import current_source, derived_from
from .traced import Traced, as_traced
from .tracing import trace

__all__ = [
    "LocalArray",
    "Reading",
    "Traced",
    "as_traced",
    "choosing",
    "creating",
    "current_source",
    "derived_from",
    "einsum",
    "elementwise",
    "holds_traced",
    "indexing",
    "linear_algebra",
    "products",
    "reads",
    "rearranging",
    "reductions",
    "sampled",
    "sorting",
    "statistics",
    "structure",
    "trace",
    "ufuncs",
    "writing",
]
