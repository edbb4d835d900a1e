"""The live page in a real browser: it shows what happens, obeys, survives a reload, and tells the numbers of the result."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.live import page as live_page

sys.path.insert(0, str(Path(__file__).parent))
from browser import Visit, visit

LIVE = tw.Live(open_browser=False)
ENDLESS = tw.MaxSteps(10**12)


def rosenbrock(p: Any) -> Any:
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


class Run:
    """A descent in another thread, with a page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        opened: list[live_page.Page] = []
        is_open = threading.Event()

        def enter(page: live_page.Page) -> live_page.Page:
            opened.append(page)
            page._is_awaited = True  # as if a browser had been opened
            is_open.set()
            return page

        monkeypatch.setattr(live_page.Page, "__enter__", enter)
        self.result: Any = None
        self.thread = threading.Thread(target=self._descend, kwargs=options)
        self.thread.start()
        assert is_open.wait(20)
        self.page = opened[0]

    def _descend(self, **options: Any) -> None:
        self.result = tw.minimize(**{"live": LIVE, **options})

    def abandon(self) -> None:
        """Ends it, whatever has happened to the test."""
        self.page._controls.stop()
        self.thread.join(30)

    def ended(self) -> Any:
        self.thread.join(30)
        assert self.result is not None
        return self.result


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts runs, which end with the test."""
    runs: list[Run] = []

    def begin(**options: Any) -> Run:
        runs.append(Run(monkeypatch, **options))
        return runs[-1]

    yield begin
    for run in runs:
        run.abandon()


def slow_way(**more: Any) -> dict[str, Any]:
    return {
        "loss": rosenbrock,
        "parameters": np.array([-1.2, 1.0]),
        "method": tw.GradientDescent(1e-7),
        "stop": ENDLESS,
        **more,
    }


def test_a_descent_is_watched_changed_held_and_stopped(browser: Any, start: Any) -> None:
    run = start(**slow_way())
    first = visit(browser, run.page.address)
    second = visit(browser, run.page.address, viewport={"width": 390, "height": 800}, color_scheme="dark")
    for viewer in (first, second):
        viewer.state("running")
        assert "token" not in viewer.page.url
        viewer.until("Number(document.querySelector('#step').dataset.value) > 10000")
    # the rate, by keyboard; the other viewer sees it
    first.page.keyboard.press("[")
    for viewer in (first, second):
        viewer.until("document.querySelector('#times').dataset.value === '0.5'")
    # a pause
    first.page.click("#pause")
    second.state("paused")
    time.sleep(0.2)
    held = second.number("step")
    time.sleep(0.3)
    assert second.number("step") == held
    # a reload
    second.page.reload()
    second.state("paused")
    assert second.number("step") == held
    assert second.page.evaluate("document.querySelectorAll('.uplot').length") == 3
    second.page.click("#pause")
    first.state("running")
    # and the end
    begin = time.perf_counter()
    second.page.click("#keep")
    result = run.ended()
    assert time.perf_counter() - begin < 1.0 + live_page_allowance()
    for viewer in (first, second):
        viewer.state("ended")
        assert viewer.number("loss") == result.loss
        assert viewer.number("gradient_norm") == result.gradient_norm
        assert viewer.number("step") == result.steps
        # which follows, as soon as it is worked out
        viewer.until(f"document.querySelector('#verdict').innerText === {result.verdict.kind.value!r}")
        assert "by hand" in viewer.page.inner_text("#notes")
        viewer.check()
    (change,) = result.history.interventions
    assert change.rate_factor == 0.5
    assert result.stopped_by.reason == "interrupted"
    assert result.loss == result.history.loss.min() or result.loss < result.history.loss.min()


def live_page_allowance() -> float:
    """Seconds beyond the stop itself: the picture of the loss is completed before `minimize` returns."""
    from thalweg.live import landscape

    return landscape._AT_THE_END + 0.5


def test_a_descent_that_is_over_at_once_is_shown_all_the_same(browser: Any, start: Any) -> None:
    run = start(loss=rosenbrock, parameters=np.array([-1.2, 1.0]))
    result = run.ended()
    viewer = visit(browser, run.page.address)
    viewer.state("ended")
    assert viewer.number("loss") == result.loss
    viewer.until("document.querySelector('#verdict').innerText === 'local minimum'")
    assert viewer.page.is_visible("#valley")
    assert not viewer.page.is_visible("#rate")
    viewer.check()


def frames_of(viewer: Visit) -> int:
    """Pictures that a page draws in a second."""
    viewer.page.bring_to_front()
    count = viewer.page.evaluate(
        """() => new Promise((done) => {
          let frames = 0;
          const begin = performance.now();
          const frame = () => {
            frames += 1;
            if (performance.now() - begin > 1000) done(frames);
            else requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        })"""
    )
    return int(count)


def test_ten_members_move_smoothly(browser: Any, start: Any) -> None:
    run = start(**slow_way(restarts=10, method=tw.GradientDescent(1e-8)))
    viewer = visit(browser, run.page.address)
    viewer.state("running")
    empty = visit(browser, "about:blank")
    possible = frames_of(empty)  # 60, on a machine that has nothing else to do
    assert frames_of(viewer) >= 0.7 * possible
    viewer.page.click("#stop")
    result = run.ended()
    viewer.state("ended")
    assert viewer.number("loss") == result.loss
    assert f"member {result.ranking[0]}" in viewer.page.inner_text("#facts")
    viewer.check()


def test_validation_is_drawn_and_errors_are_told(browser: Any, start: Any) -> None:
    X = np.random.default_rng(0).normal(size=(500, 3))
    run = start(
        loss=lambda w, X: np.mean((X @ w - X[:, 0]) ** 2),
        parameters=np.zeros(3),
        data=X[:400],
        validation=X[400:],
        batch_size=8,
        method=tw.Adam(1e-5),
        stop=ENDLESS,
    )
    viewer: Visit = visit(browser, run.page.address)
    viewer.state("running")
    viewer.until("document.querySelector('#loss-curve').textContent.includes('validation')")
    assert "mini-batches" in viewer.page.inner_text("#more")
    viewer.page.click("#keep")
    result = run.ended()
    viewer.state("ended")
    assert viewer.number("loss") == result.loss
    assert result.stopped_by.reason == "interrupted"
    viewer.check()
