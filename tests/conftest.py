"""What all tests share: a cache of compiled code of their own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

_folder = tempfile.TemporaryDirectory(prefix="thalweg-cache-")
os.environ["THALWEG_CACHE"] = _folder.name


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/descent --target jax` runs the same tests of descents on another target."""
    parser.addoption(
        "--target", default="native", choices=("native", "jax"), help="where `tw.minimize` runs by default"
    )


@pytest.fixture(autouse=True, scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[str]:
    """The target of descents that name none."""
    import thalweg

    chosen, own = pytestconfig.getoption("--target"), thalweg.minimize

    def minimize(*arguments: Any, **options: Any) -> Any:
        return own(*arguments, **{"target": chosen, **options})

    if chosen != "native":
        thalweg.minimize = minimize
    yield chosen
    thalweg.minimize = own


@pytest.fixture
def x64() -> Iterator[None]:
    """JAX in float64, within one test."""
    import jax

    with jax.enable_x64(True):
        yield
