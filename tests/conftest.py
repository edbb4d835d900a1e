"""What all tests share: a cache of compiled code of their own."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

collect_ignore_glob = ["**/conftest.py", "conftest.py"]  # two of one name cannot both be searched for doctests

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a job that a shell runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


_CHROMIUM = "/usr/bin/chromium"
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    if not shutil.which(_CHROMIUM):
        pytest.skip(f"{_CHROMIUM} is not there: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_QUIET))
        yield chromium
        chromium.close()
