"""What all tests share: a cache of compiled code of their own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

_folder = tempfile.TemporaryDirectory(prefix="thalweg-cache-")
os.environ["THALWEG_CACHE"] = _folder.name


@pytest.fixture
def x64() -> Iterator[None]:
    """JAX in float64, within one test."""
    import jax

    with jax.enable_x64(True):
        yield
