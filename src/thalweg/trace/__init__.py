"""Tracing: from plain NumPy code to a graph, through NumPy's own protocols.

`traced` is the value that stands for an array, and `rules` has the tables of what is traced, which the files from `choosing` to `writing`
below fill, a subject each. Of arrays that a loss fills, `local_arrays` has the arrays, `shadows` where traced values lie in them,
`assembled` how they are read, `views` which values change with them. `patches` answers what NumPy does not dispatch; `reads` tells when a
loss need not be traced again; `unknown`, `libraries` and `advice` say what to write instead of what cannot be traced.
"""

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
