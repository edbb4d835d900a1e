"""What the laboratory answers: against the lectures' numbers, against calculus by hand, and as `minimize` says it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import ArgumentError
from thalweg.laboratory import Laboratory
from thalweg.laboratory.data_sets import DATA_SETS
from thalweg.laboratory.gallery import GALLERY
from thalweg.laboratory.plane import axes_plane, path_plane, random_plane
from thalweg.laboratory.subject import Subject


def numbers(packed: Any) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["bytes"]), packed["type"]).reshape(packed["shape"])


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return Laboratory()


def asked(laboratory: Laboratory, path: str, question: Any) -> Any:
    action = laboratory.actions()[path]
    answer = action.act(action.schema.check(question))
    return json.loads(json.dumps(answer, allow_nan=False))


def scene(topic: dict[str, Any], *runs: dict[str, Any], steps: int = 50, **more: Any) -> dict[str, Any]:
    return {"topic": topic, "runs": list(runs), "steps": steps, "aspect": 1.5, **more}


def test_the_worked_example_is_exact(laboratory: Laboratory) -> None:
    run = {"method": "GradientDescent", "rate": 0.01, "start": [1, 1]}
    given = scene({"name": "worked_example"}, run, steps=3)
    found = asked(laboratory, "/scene", {"scene": given, "grid": False})["runs"][0]
    np.testing.assert_allclose(numbers(found["points"])[:2], [[1, 1], [1.04, 0.97]], rtol=1e-15)
    np.testing.assert_allclose(numbers(found["losses"])[:2], [9.5, 9.25405], rtol=1e-14)
    np.testing.assert_allclose(numbers(found["gradients"])[0], [-4, 3], rtol=1e-15)
    around = asked(laboratory, "/around", {"scene": given, "run": 0, "step": 0})
    assert around["gradient"] == [-4, 3]
    assert around["gradient_norm"] == 5
    np.testing.assert_allclose(around["hessian"], [[6, 1], [1, 1]])


@pytest.mark.parametrize("method", ["GradientDescent", "Momentum", "Adam", "LBFGS", "Newton"])
def test_a_way_is_that_of_minimize(laboratory: Laboratory, method: str) -> None:
    run = {"method": method, "rate": 0.001, "momentum": 0.8, "start": [-1.2, 1]}
    given = scene({"name": "rosenbrock", "number": 100}, run, steps=200)
    found = asked(laboratory, "/scene", {"scene": given, "grid": False})["runs"][0]
    own = {
        "GradientDescent": tw.GradientDescent(0.001),
        "Momentum": tw.Momentum(0.001, 0.8),
        "Adam": tw.Adam(0.001),
        "LBFGS": tw.LBFGS(),
        "Newton": tw.Newton(),
    }[method]
    result = tw.minimize(
        lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2,
        np.array([-1.2, 1.0]),
        method=own,
        stop=tw.GradientBelow(1e-8) | tw.MaxSteps(200),
    )
    points = numbers(found["points"])
    assert len(points) == result.steps + 1 == found["steps"] + 1
    np.testing.assert_allclose(points[-1], result.parameters, rtol=1e-12)
    (verdict,) = asked(laboratory, "/verdicts", given)["verdicts"]
    assert verdict["kind"] == result.verdict.kind.name.lower()
    assert verdict["loss"] == pytest.approx(result.loss, rel=1e-12, abs=1e-25)


def test_each_picture_of_the_lectures_ends_as_it_should(laboratory: Laboratory) -> None:
    def kinds(topic: dict[str, Any], *runs: dict[str, Any], steps: int = 200) -> list[str]:
        return [one["kind"] for one in asked(laboratory, "/verdicts", scene(topic, *runs, steps=steps))["verdicts"]]

    def down(start: list[float], rate: float = 0.1, method: str = "GradientDescent", **more: Any) -> dict[str, Any]:
        return {"method": method, "rate": rate, "start": start, **more}

    bowl = {"name": "bowl", "number": 10}
    assert kinds(bowl, down([-2.5, 1.5], 0.001), down([-2.5, 1.5], 0.21)) == ["still_descending", "overshooting"]
    saddle = {"name": "saddle_between_minima"}
    assert kinds(saddle, down([-2, 0]), down([-2, 0.001]), steps=500) == ["saddle_point", "local_minimum"]
    assert kinds({"name": "plateau"}, down([4.6, 3], 0.01)) in (["plateau"], ["still_descending"])
    valley = scene({"name": "double_valley"}, down([1.7]), down([-1.75]), down([1.75], 0.02, "Momentum", momentum=0.9))
    ends = [
        numbers(run["points"])[-1, 0] for run in asked(laboratory, "/scene", {"scene": valley, "grid": False})["runs"]
    ]
    deep, _, shallow = sorted(np.roots([1, 0, -1, 0.15]).real)  # where the slope vanishes
    assert ends[:2] == pytest.approx([shallow, deep], abs=1e-3)
    assert ends[2] == pytest.approx(deep, abs=0.1)  # momentum passed the shallow one


@pytest.mark.parametrize("name", sorted(GALLERY))
def test_every_function_of_the_gallery_is_shown_and_descended_on(laboratory: Laboratory, name: str) -> None:
    found = GALLERY[name]
    run = {"method": "GradientDescent", "rate": found.rate, "start": list(found.start)}
    answer = asked(laboratory, "/scene", {"scene": scene({"name": name}, run, steps=30), "grid": True})
    assert answer["dimension"] == found.dimension
    x0, x1, y0, y1 = answer["window"]
    assert (x1 - x0) / (y1 - y0) == pytest.approx(1.5)
    grid, losses = numbers(answer["grid"]), numbers(answer["runs"][0]["losses"])
    assert np.isfinite(grid).all()
    assert losses[-1] <= losses[0]
    loss = found.make(found.number)
    corner = loss(np.array([x0, y0])[: found.dimension])
    assert grid.flat[0] == pytest.approx(float(corner), rel=1e-5)


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_every_data_set_is_shown_with_its_model(laboratory: Laboratory, name: str) -> None:
    given = scene({"name": name}, {"method": "GradientDescent", "rate": 0.05}, steps=20)
    answer = asked(laboratory, "/scene", {"scene": given, "grid": True})
    assert answer["examples"]["count"] == len(numbers(answer["examples"]["y"]))
    assert np.isfinite(numbers(answer["grid"])).all()
    around = asked(laboratory, "/around", {"scene": given, "run": 0, "step": 20})
    assert np.isfinite(numbers(around["model"]["values"])).all()


def test_slices_tangents_and_curvatures_are_those_of_calculus(laboratory: Laboratory) -> None:
    run = {"method": "GradientDescent", "rate": 0.1, "start": [0.5, -0.25]}
    given = scene({"name": "formula", "formula": "sin(x)*exp(y) + x^2*y"}, run)
    around = asked(laboratory, "/around", {"scene": given, "run": 0, "step": 0})
    x, y = 0.5, -0.25
    gradient = np.array([np.cos(x) * np.exp(y) + 2 * x * y, np.sin(x) * np.exp(y) + x**2])
    mixed = np.cos(x) * np.exp(y) + 2 * x
    hessian = np.array([[-np.sin(x) * np.exp(y) + 2 * y, mixed], [mixed, np.sin(x) * np.exp(y)]])
    np.testing.assert_allclose(around["gradient"], gradient, rtol=1e-13)
    np.testing.assert_allclose(around["hessian"], hessian, rtol=1e-12)
    along, across, down = around["slices"]
    assert (along["slope"], across["curvature"]) == pytest.approx((gradient[0], hessian[1, 1]))
    assert down["slope"] == pytest.approx(-np.linalg.norm(gradient))
    t = numbers(along["t"])
    np.testing.assert_allclose(
        numbers(along["losses"]), np.sin(x + t) * np.exp(y) + (x + t) ** 2 * y, rtol=1e-5, atol=1e-5
    )
    angles, slopes = numbers(around["angles"]), numbers(around["slopes"])
    toward = np.arctan2(gradient[1], gradient[0])
    np.testing.assert_allclose(slopes, np.linalg.norm(gradient) * np.cos(angles - toward), atol=1e-4)


def test_basins_lead_where_a_descent_leads(laboratory: Laboratory) -> None:
    run = {"method": "GradientDescent", "rate": 0.01}
    answer = asked(laboratory, "/basins", {"topic": {"name": "himmelblau"}, "run": run, "window": [-5, 5, -5, 5]})
    labels, ends = numbers(answer["labels"]), np.array(answer["ends"])
    assert len(ends) == 4
    rows, columns = labels.shape
    for row, column in [(5, 5), (5, columns - 6), (rows - 6, 5), (rows - 6, columns - 6)]:
        start = [-5 + 10 * column / (columns - 1), -5 + 10 * row / (rows - 1)]
        given = scene({"name": "himmelblau"}, {**run, "start": start}, steps=1000)
        points = numbers(asked(laboratory, "/scene", {"scene": given, "grid": False})["runs"][0]["points"])
        np.testing.assert_allclose(ends[int(labels[row, column])], points[-1], atol=1e-3)


def test_planes_hold_what_they_say() -> None:
    subject = DATA_SETS["bend"]()
    generator = np.random.default_rng(0)
    within = subject.start + generator.standard_normal((30, 2)) @ generator.standard_normal((2, subject.size))
    plane = path_plane([within])
    assert plane.share == pytest.approx(1)
    np.testing.assert_allclose(plane.points(plane.coordinates(within)), within, atol=1e-9)
    drawn = random_plane(subject, [within], seed=3)
    np.testing.assert_allclose(drawn.directions @ drawn.directions.T, np.eye(2), atol=1e-12)
    assert 0 <= drawn.share <= 1
    simple = Subject(lambda p: p[0] ** 2 + p[1] ** 2, np.ones(2), ("x", "y"), 0.1)
    np.testing.assert_array_equal(axes_plane(simple).points(np.array([[3.0, 4.0]])), [[3, 4]])


TABLE = "size,kind,price\n" + "\n".join(f"{n % 7},{'ab'[n % 2]},{3 * (n % 7) + 5 * (n % 2) + n % 3}" for n in range(40))


@pytest.mark.parametrize(("target", "model"), [("price", "linear"), ("kind", "linear")])
def test_a_table_is_loaded_and_fitted(laboratory: Laboratory, target: str, model: str) -> None:
    loaded = asked(laboratory, "/table", {"text": TABLE})
    assert loaded["targets"] == ["size", "kind", "price"]
    topic = {"name": "table", "table": loaded["table"], "target": target, "model": model, "hidden": [3]}
    given = scene(topic, {"method": "GradientDescent", "rate": 0.1})
    answer = asked(laboratory, "/scene", {"scene": given, "grid": True})
    losses = numbers(answer["runs"][0]["losses"])
    assert losses[-1] < losses[0]
    assert answer["examples"]["classes"] == (["a", "b"] if target == "kind" else [])


def test_what_is_wrong_with_a_table_is_said(laboratory: Laboratory) -> None:
    problem = asked(laboratory, "/table", {"text": "a,b\n1,2\n3\n"})["problem"]
    assert "line 3" in problem["message"]
    assert "/" not in problem["message"]
    gone = scene({"name": "table", "table": "0" * 16, "target": "a"}, {"method": "Adam", "rate": 0.1})
    assert "load it again" in asked(laboratory, "/scene", {"scene": gone, "grid": True})["problem"]["message"]
    rows = "a,b\n" + "1,2\n" * 2001
    assert "2,000 at most" in asked(laboratory, "/table", {"text": rows})["problem"]["message"]


def test_a_formula_that_cannot_be_read_is_an_answer(laboratory: Laboratory) -> None:
    given = scene({"name": "formula", "formula": "x + foo"}, {"method": "Adam", "rate": 0.1})
    problem = asked(laboratory, "/scene", {"scene": given, "grid": True})["problem"]
    assert (problem["code"], problem["place"], problem["values"]) == ("name", [4, 7], {"name": "foo"})


@pytest.mark.parametrize(
    "change",
    [
        {"topic": {"name": "nonsense"}},
        {"window": [1, 0, 0, 1]},
        {"window": [0, 1]},
        {"runs": [{"method": "GradientDescent", "rate": 0}]},
    ],
)
def test_scenes_that_make_no_sense_are_answered_with_what_is_wrong(
    laboratory: Laboratory, change: dict[str, Any]
) -> None:
    given = {**scene({"name": "bowl"}, {"method": "GradientDescent", "rate": 0.1}), **change}
    assert "problem" in asked(laboratory, "/scene", {"scene": given, "grid": True})


@pytest.mark.parametrize(
    "change",
    [{"steps": 10**6}, {"runs": [{"method": "os.system", "rate": 1}]}, {"topic": {}}, {"aspect": 1e9}, {"more": 1}],
)
def test_what_is_no_scene_is_refused(laboratory: Laboratory, change: dict[str, Any]) -> None:
    given = {**scene({"name": "bowl"}, {"method": "GradientDescent", "rate": 0.1}), **change}
    with pytest.raises(ArgumentError):
        asked(laboratory, "/scene", {"scene": given, "grid": True})


def test_a_run_with_a_start_of_another_size_is_said_where_it_stands(laboratory: Laboratory) -> None:
    runs = [{"method": "Adam", "rate": 0.1, "start": [1, 2, 3]}, {"method": "Adam", "rate": 0.1, "start": [1, 2]}]
    wrong, right = asked(laboratory, "/scene", {"scene": scene({"name": "bowl"}, *runs), "grid": False})["runs"]
    assert "takes 2" in wrong["problem"]["message"]
    assert "points" in right


def test_another_rate_is_answered_at_once(laboratory: Laboratory) -> None:
    def at(rate: float) -> float:
        runs = [
            {"method": method, "rate": rate, "start": [-1.2, 1]} for method in ("GradientDescent", "Momentum", "Adam")
        ]
        given = scene({"name": "rosenbrock", "number": 100}, *runs, steps=200)
        begin = time.perf_counter()
        asked(laboratory, "/scene", {"scene": given, "grid": False})
        return time.perf_counter() - begin

    at(0.001)
    assert np.median([at(0.001 + 1e-6 * n) for n in range(1, 8)]) < 0.1
