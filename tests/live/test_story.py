"""What viewers are told, without a browser: by plain requests and plain calls."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent import Controls
from thalweg.live import page as live_page
from thalweg.live.story import Story


def rosenbrock(p: Any) -> Any:
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def told_of(story: Story, position: int = 0) -> tuple[dict[str, list[Any]], int]:
    events, position = story.since(position)
    found: dict[str, list[Any]] = {}
    for event in events:
        json.dumps(event.data, allow_nan=False)
        found.setdefault(event.name, []).append(event.data)
    return found, position


def test_parts_add_up_to_the_whole() -> None:
    """A viewer who was there all the time has every row, once; one who comes late has the ends and extremes."""
    story, steps, position = Story(Controls()), [], 0

    def on_progress(now: tw.Progress) -> None:
        nonlocal position
        story.update(now, is_watched=False)
        told, position = told_of(story, position)
        for rows in told.get("rows", []):
            steps.extend(rows["members"][0]["step"])

    result = tw.minimize(
        rosenbrock,
        np.array([-1.2, 1.0]),
        method=tw.GradientDescent(1e-5),
        stop=tw.MaxSteps(3_000_000),
        on_progress=on_progress,
    )
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    story.finish(result)
    late, position = told_of(story)
    rows = late["rows"][0]["members"][0]
    assert len(rows["step"]) <= 4000 < len(result.history)
    assert (rows["step"][0], rows["step"][-1]) == (0, 3_000_000)
    assert rows["loss"][-1] == pytest.approx(result.loss, rel=1e-6)
    assert late["result"][0]["loss"] == result.loss
    assert late["now"][0]["state"] == "ended"
    again, unchanged = told_of(story, position)
    assert (again, unchanged) == ({}, position)


def test_members_are_told_apart() -> None:
    story = Story(Controls())
    result = tw.minimize(
        rosenbrock,
        np.zeros(2),
        restarts=40,
        method=tw.GradientDescent(1e-4),
        stop=tw.MaxSteps(3000),
        on_progress=lambda now: story.update(now, is_watched=True),
    )
    assert isinstance(result, tw.Population)
    story.finish(result)
    told, _ = told_of(story)
    assert told["begin"][0]["members"] == 40
    assert [member["number"] for member in told["rows"][0]["members"]] == list(range(32))
    for member, own in zip(told["rows"][0]["members"], result.members, strict=False):
        assert member["point"][0] == pytest.approx(own.origin.start)
        assert member["step"][-1] == own.history.step[-1]
    for end, own in zip(told["rows"][1]["members"], result.members, strict=False):
        assert (end["step"], end["loss"]) == ([own.steps], [pytest.approx(own.loss, rel=1e-6)])


@pytest.mark.parametrize("start", [np.array([3.0, -1.0]), np.array([2.0])])
def test_the_picture_shows_the_loss_around_the_way(start: np.ndarray[Any, Any]) -> None:
    def loss(p: Any) -> Any:
        return np.sum((p - 1) ** 2)

    story = Story(Controls())
    result = tw.minimize(
        loss, start, method=tw.GradientDescent(0.1), on_progress=lambda now: story.update(now, is_watched=True)
    )
    story.look_around(result)
    picture = told_of(story)[0]["landscape"][0]
    frame, losses = np.array(picture["frame"]), np.array(picture["losses"])
    passed = result.history.parameters
    assert (frame[:, 0] < passed.min(axis=0)).all()
    assert (frame[:, 1] > passed.max(axis=0)).all()
    axes = [np.linspace(*ends, picture["width"]) for ends in frame]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))
    np.testing.assert_allclose(losses, [loss(point) for point in points], rtol=1e-5)


def orders(page: live_page.Page, *bodies: dict[str, Any]) -> list[int]:
    server = page._server
    headers = {
        "Cookie": f"thalweg-{server.port}={server.token}",
        "Origin": f"http://127.0.0.1:{server.port}",
        "Content-Type": "application/json",
    }
    found = []
    for body in bodies:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("POST", "/control", json.dumps(body), headers)
        found.append(connection.getresponse().status)
        connection.close()
    return found


def test_orders_are_checked_and_obeyed() -> None:
    controls = Controls()
    with live_page.Page(tw.Live(open_browser=False), controls) as page:
        bad = [{"action": "exec"}, {"action": "rate"}, {"action": "rate", "factor": 0}, {"action": "stop", "code": "1"}]
        assert orders(page, *bad) == [400] * 4
        assert not controls.is_stopped
        assert orders(page, {"action": "pause"}, {"action": "rate", "factor": 0.25}) == [200, 200]
        assert controls.is_paused
        assert controls.rate_factor == 0.25
        assert orders(page, {"action": "resume"}, {"action": "stop and keep best"}) == [200, 200]
        assert not controls.is_paused
        assert controls.keeps_best


def test_nobody_who_watches_keeps_nothing_alive(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    result = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), live=tw.Live(open_browser=False), progress=True)
    assert result.verdict.kind is tw.VerdictKind.LOCAL_MINIMUM
    assert "Live: http://127.0.0.1:" in capsys.readouterr().err
    until = time.perf_counter() + 2
    while set(threading.enumerate()) - before and time.perf_counter() < until:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


def test_a_loss_that_fails_closes_the_page() -> None:
    before = set(threading.enumerate())
    with pytest.raises(tw.TracingError):
        tw.minimize(lambda x: 1.0 if x[0] > 0 else x[0], np.ones(2), live=tw.Live(open_browser=False))
    until = time.perf_counter() + 2
    while set(threading.enumerate()) - before and time.perf_counter() < until:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("options", "message"),
    [({"live": "yes"}, "expected True, False or tw.Live"), ({"progress": 1}, "expected True or False")],
)
def test_other_wishes_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(tw.ArgumentError, match=message):
        tw.minimize(rosenbrock, np.zeros(2), **options)


@pytest.mark.parametrize("port", [-1, 70_000, "8000", True])
def test_other_ports_are_refused(port: Any) -> None:
    with pytest.raises(tw.ArgumentError, match="from 0 to 65535"):
        tw.Live(port=port)
