"""Search of hyperparameters: ranges, rounds of random trials, successive halving, the record, and what was found."""

from .found import SearchProgress, SearchResult
from .halving import Halving
from .ranges import Choice, Integer, LogUniform, Range, Uniform
from .searching import search
from .trials import Status, Trial

__all__ = [
    "Choice",
    "Halving",
    "Integer",
    "LogUniform",
    "Range",
    "SearchProgress",
    "SearchResult",
    "Status",
    "Trial",
    "Uniform",
    "search",
]
