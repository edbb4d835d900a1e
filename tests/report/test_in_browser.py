"""The page in a real browser: no errors, no requests, the numbers of the result, light and dark, wide and narrow, keyboard."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@pytest.fixture(scope="module")
def result() -> tw.Result:
    return tw.minimize(himmelblau, np.array([0.5, 0.5]), method=tw.GradientDescent(0.01), stop=tw.MaxSteps(200))


@pytest.fixture(scope="module")
def path(result: tw.Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result.report(tmp_path_factory.mktemp("report") / "run.html")


class Opened:
    """A page, with all that it complained of or asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1200, theme: str = "light", **more: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **more)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_opens_without_errors_or_requests_and_fits(browser: Any, path: Path, width: int, theme: str) -> None:
    with Opened(browser, path, width, theme) as opened:
        opened.page.wait_for_selector(".uplot")
        assert opened.complaints == []
        assert opened.requests == [path.as_uri()]
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 300) == (theme == "dark")


def test_its_numbers_are_those_of_the_result(browser: Any, path: Path, result: tw.Result) -> None:
    with Opened(browser, path) as opened:
        page = opened.page
        figures = dict(
            zip(
                page.locator(".figures dt").all_inner_texts(),
                page.locator(".figures dd").all_inner_texts(),
                strict=True,
            )
        )
        assert float(figures["loss"]) == pytest.approx(result.loss, rel=1e-5)
        assert float(figures["gradient norm"]) == pytest.approx(result.gradient_norm, rel=1e-5)
        assert int(figures["steps"].replace(",", "")) == result.steps
        assert page.inner_text("#kind") == result.verdict.kind.value
        held = page.evaluate("JSON.parse(document.getElementById('data').textContent).curves.series")
        loss = next(series for series in held if series["label"] == "loss")
        assert loss["step"] == result.history.step.tolist()
        assert np.allclose(loss["value"], result.history.loss, rtol=1e-8)
        assert np.allclose(loss["seconds"], result.history.seconds, rtol=1e-5)
        assert 0 <= loss["seconds"][0] <= loss["seconds"][-1] <= result.seconds


def test_it_is_used_by_keyboard(browser: Any, path: Path) -> None:
    with Opened(browser, path) as opened:
        page = opened.page
        page.focus("#theme")
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.keyboard.press("Enter")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
        page.focus("[data-axis=time]")
        page.keyboard.press("Enter")
        assert page.get_attribute("[data-axis=time]", "aria-pressed") == "true"
        assert page.is_visible("#time-note")
        page.focus("#surface")
        seen = page.evaluate("document.getElementById('surface').toDataURL()")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.getElementById('surface').toDataURL()") != seen
        page.focus("#descent summary")
        page.keyboard.press("Enter")
        assert page.is_visible("#descent details table")
        assert opened.complaints == []


def test_everything_seen_is_said(browser: Any, path: Path) -> None:
    with Opened(browser, path) as opened:
        unnamed = "[role=img]:not([aria-label]), button:empty, table.numbers:not(:has(caption)), svg:not([aria-hidden])"
        assert opened.page.locator(unnamed).count() == 0
        levels = opened.page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_without_scripts_and_on_paper_pictures_stand_for_what_moves(browser: Any, path: Path) -> None:
    with Opened(browser, path, java_script_enabled=False) as opened:
        assert opened.page.is_visible("#descent .static svg")
        assert opened.page.is_visible("#picture-surface .static svg")
    with Opened(browser, path, theme="dark") as opened:
        opened.page.emulate_media(media="print")
        assert opened.page.is_visible("#descent .static svg")
        assert not opened.page.is_visible("#curves")
        ink = opened.page.evaluate("getComputedStyle(document.body).color")
        assert sum(map(int, ink[4:-1].split(","))) < 200


def test_a_million_steps_are_small_and_open_within_two_seconds(browser: Any, tmp_path: Path) -> None:
    long = tw.minimize(himmelblau, np.zeros(2), method=tw.GradientDescent(1e-7), stop=tw.MaxSteps(1_000_000))
    path = long.report(tmp_path / "long.html")
    assert long.steps == 1_000_000
    assert path.stat().st_size < 6e6
    begin = time.perf_counter()
    with Opened(browser, path) as opened:
        opened.page.wait_for_selector(".uplot")
        assert time.perf_counter() - begin < 2
        assert opened.complaints == []


def test_losses_below_every_float32_are_drawn(browser: Any, tmp_path: Path) -> None:
    tiny = tw.minimize(
        lambda x: np.sum(x**2) ** 2, np.ones(2), method=tw.Newton(), stop=tw.LossBelow(1e-40) | tw.MaxSteps(99)
    )
    assert tiny.loss < 1e-30
    with Opened(browser, tiny.report(tmp_path / "tiny.html")) as opened:
        opened.page.wait_for_selector(".uplot")
        assert opened.complaints == []
