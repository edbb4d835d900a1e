"""What the live page costs a descent that somebody watches, and how smoothly it moves.

The viewer is a process of its own that reads all the page is told, as a browser does; a browser would also draw, which on a machine of two
cores takes from the descent what it needs for that, with any program. Pictures in a second are counted in headless Chromium, if Playwright
and Chromium are there, while 10 members of a population descend on all cores.
"""

from __future__ import annotations

import io
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import Any

import numpy as np

from ..harness import Goal, Report, missing

_VIEWER = """
import sys
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, build_opener

browser = build_opener(HTTPCookieProcessor(CookieJar()))
print("ready", flush=True)
address = sys.stdin.readline().strip()
browser.open(address).read()
stream = browser.open(address.split("?")[0] + "events")
while stream.read1(1 << 16):
    pass
"""


def measure(repeats: int) -> list[Report]:
    """One report for the cost, and one for the pictures in a second."""
    reports = [_cost(name, descend, repeats) for name, descend in _descents().items()]
    chromium = shutil.which("chromium")
    if chromium and not missing("playwright"):
        reports.append(_smoothness(chromium))
    return reports


def _descents() -> dict[str, Callable[..., Any]]:
    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((300_000, 100))
    y = X @ rng.standard_normal(100) + rng.standard_normal(300_000)
    Z = rng.standard_normal((100_000, 50))
    labels = (Z @ rng.standard_normal(50) > 0).astype(np.float64)

    def squares(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.mean((X @ w - y) ** 2)

    def logistic(w: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = X @ w
        return np.mean(np.logaddexp(0, z) - y * z)

    def least_squares(**watched: Any) -> Any:
        method, stop = tw.GradientDescent(1e-3), tw.MaxSteps(800)
        return tw.minimize(squares, np.zeros(100), data=(X, y), method=method, stop=stop, **watched)

    def mini_batches(**watched: Any) -> Any:
        method, stop = tw.GradientDescent(1e-3), tw.MaxSteps(3_000_000)
        return tw.minimize(logistic, np.zeros(50), data=(Z, labels), method=method, batch_size=32, stop=stop, **watched)

    def two_parameters(**watched: Any) -> Any:
        method, stop = tw.GradientDescent(1e-8), tw.MaxSteps(1_000_000_000)
        return tw.minimize(_rosenbrock, np.array([-1.2, 1.0]), method=method, stop=stop, **watched)

    def many_parameters(**watched: Any) -> Any:
        method, stop = tw.GradientDescent(1e-8), tw.MaxSteps(8_000_000)
        return tw.minimize(_rosenbrock, np.full(1000, -1.2), method=method, stop=stop, **watched)

    return {
        "least squares, 300,000 × 100": least_squares,
        "logistic regression, batches of 32": mini_batches,
        "Rosenbrock, 2 parameters": two_parameters,
        "Rosenbrock, 1,000 parameters": many_parameters,
    }


def _rosenbrock(x: np.ndarray) -> np.ndarray:
    return np.sum((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2)


def _cost(name: str, descend: Callable[..., Any], repeats: int) -> Report:
    import thalweg as tw

    def watched() -> float:
        viewer = subprocess.Popen(
            [sys.executable, "-c", _VIEWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert viewer.stdin is not None
        assert viewer.stdout is not None
        viewer.stdout.readline()  # its own start is not what is measured
        with redirect_stderr(_Address(lambda address: print(address, file=viewer.stdin, flush=True))):
            seconds = descend(live=tw.Live(open_browser=False)).seconds
        viewer.wait()
        return float(seconds)

    alone, with_viewer = [], []
    for _ in range(repeats + 1):
        time.sleep(0.2)
        alone.append(descend().seconds)
        time.sleep(0.2)
        with_viewer.append(watched())
    slowing = statistics.median(b / a - 1 for a, b in zip(alone[1:], with_viewer[1:], strict=True))
    seconds = {
        "thalweg alone": statistics.median(alone[1:]),
        "with a page that is watched": statistics.median(with_viewer[1:]),
    }
    return Report(f"The live page: {name}", "descent", seconds, [Goal("slowed by", max(slowing, 0.0), 0.02)])


class _Address(io.StringIO):
    """Stands for the terminal, and passes on the address that is printed there."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell

    def write(self, text: str) -> int:
        if found := re.search(r"http://\S+", text):
            self._tell(found.group())
        return len(text)


_COUNT = """() => new Promise((done) => {
  const times = [];
  const frame = (now) => {
    times.push(now);
    if (now - times[0] > 5000) done(times);
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def _smoothness(chromium: str) -> Report:
    from playwright.sync_api import sync_playwright

    import thalweg as tw

    controls, found, printed = tw.Controls(), list[str](), threading.Event()

    def descend() -> None:
        tw.minimize(
            _rosenbrock,
            np.array([-1.2, 1.0]),
            restarts=10,
            method=tw.GradientDescent(1e-8),
            stop=tw.MaxSteps(10**12),
            live=tw.Live(open_browser=False),
            controls=controls,
        )

    with redirect_stderr(_Address(lambda address: (found.append(address), printed.set()))):
        running = threading.Thread(target=descend)
        running.start()
        printed.wait()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(found[0])
        time.sleep(2)
        frames = np.diff(page.evaluate(_COUNT)) / 1e3
        controls.stop()
        browser.close()
    running.join()
    seconds = {"thalweg, one frame": float(frames.mean()), "the longest of them": float(frames.max())}
    return Report(
        "The live page with 10 members", "frame", seconds, [Goal("1/60 s a frame", float(frames.mean()) * 60, 1.01)]
    )
