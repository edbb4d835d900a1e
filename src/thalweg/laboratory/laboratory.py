"""The laboratory: what the page asks for, answered by thalweg itself, and the server that carries it."""

from __future__ import annotations

import base64
import functools
import json
import math
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np

from ..errors import ArgumentError, FormulaError, ThalwegError
from ..graph import Array
from ..pages import Action, File, Flag, Record, Schema, Server, Text, Whole, asset, file_of
from .around import around, extent, field_of
from .basins import basins
from .data_sets import DATA_SETS
from .descents import Descent, descend
from .formula import FUNCTIONS, LONGEST, parse
from .gallery import GALLERY, Window, specimen
from .loaded import LARGEST_TEXT, LoadedTables, targets
from .plane import Plane, axes_plane, fitted, path_plane, random_plane
from .scene import (
    METHODS,
    MOST_RUNS,
    MOST_STEPS,
    RUN,
    SCENE,
    TOPIC,
    WINDOW,
    Run,
    Scene,
    Topic,
    run_of,
    scene_of,
    topic_of,
)
from .subject import Subject
from .token import kept_token

__all__ = ["PORT", "Laboratory", "serve"]

PORT = 8477
"""Always the same, so that addresses of scenes can be bookmarked."""

_COLUMNS = 181
_MOST_PLACED = 200
"""Starts with more numbers would not fit in an address."""


class Laboratory:
    """Answers what a page asks. Its answers are plain values for JSON; numbers in bulk are packed, see `packed`.

    One question is answered at a time; descents that were asked for lately are remembered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables = LoadedTables.none()
        self._subject = functools.lru_cache(maxsize=32)(self._make_subject)
        self._descent = functools.lru_cache(maxsize=64)(self._make_descent)

    # What is remembered
    def _make_subject(self, topic: Topic) -> Subject:
        if topic.name == "formula":
            formula = parse(topic.formula)
            start = np.array([1.5, 1.0][: formula.dimension])
            window: Window = (-4.0, 4.0, -3.0, 3.0)
            return Subject(formula.loss, start, ("x", "y")[: formula.dimension], 0.05, "", window)
        if topic.name == "table":
            return self._tables.subject(topic)
        if topic.name in DATA_SETS:
            return DATA_SETS[topic.name]()
        found = specimen(topic.name)
        number = found.number if topic.number is None else topic.number
        start, names = np.array(found.start, float), ("x", "y")[: found.dimension]
        return Subject(found.make(float(number)), start, names, found.rate, found.formula, found.window)

    def _make_descent(self, topic: Topic, run: Run, steps: int, seed: int) -> Descent:
        return descend(self._subject(topic), run, steps, seed)

    def _plane(self, scene: Scene, subject: Subject) -> tuple[Plane, Window]:
        if subject.size <= 2:
            plane, window = axes_plane(subject), scene.window or subject.window or (-4.0, 4.0, -3.0, 3.0)
        else:
            paths = []
            for run in scene.runs:
                try:
                    paths.append(self._descent(scene.topic, run, scene.steps, scene.seed).path)
                except ThalwegError:
                    continue  # what is wrong with it is said where the run is shown
            paths = paths or [subject.start[None]]
            is_random = scene.plane == "random"
            plane = random_plane(subject, paths, scene.seed) if is_random else path_plane(paths)
            window = scene.window or plane.window or (-1.0, 1.0, -1.0, 1.0)
        return plane, fitted(window, scene.aspect)

    # What the page asks for
    def scene(self, given: Any) -> Any:
        """The subject, the grid of its losses if that is wanted, and the way of every run."""
        scene = scene_of(given["scene"])
        subject = self._subject(scene.topic)
        runs = [self._shown_run(scene, run) for run in scene.runs]
        plane, window = self._plane(scene, subject)
        shown = [run if isinstance(run, dict) else self._shown_descent(run, plane, subject.size <= 2) for run in runs]
        answer = {
            "dimension": min(subject.size, 2),
            "size": subject.size,
            "names": list(subject.names),
            "formula": subject.formula,
            "rate": subject.rate,
            "start": subject.start.tolist(),
            "window": list(window),
            "share": plane.share,
            "runs": shown,
        }
        if 2 < subject.size <= _MOST_PLACED:
            answer["plane"] = {"origin": plane.origin.tolist(), "directions": plane.directions.tolist()}
        if given["grid"]:
            answer["grid"] = _grid(subject, plane, window)
            answer["examples"] = _shown_examples(subject)
        return answer

    def _shown_run(self, scene: Scene, run: Run) -> Descent | dict[str, Any]:
        try:
            return self._descent(scene.topic, run, scene.steps, scene.seed)
        except ThalwegError as error:
            return _problem(error)

    def _shown_descent(self, descent: Descent, plane: Plane, is_whole: bool) -> dict[str, Any]:
        norms = np.linalg.norm(descent.gradients, axis=1)
        in_plane = descent.gradients @ plane.directions.T
        return {
            "points": packed(plane.coordinates(descent.path) if not is_whole else descent.path, np.float64),
            "losses": packed(descent.losses, np.float64),
            "gradient_norms": packed(norms, np.float64),
            "gradients": packed(in_plane, np.float64),
            "steps": int(descent.result.steps),
            "evaluations": int(descent.result.evaluations),
            "has_diverged": descent.result.stopped_by.reason == "not finite",
        }

    def verdicts(self, given: Any) -> Any:
        """What each run found, as `minimize` says it; None for one that could not run."""
        scene = scene_of(given)
        found: list[Any] = []
        for run in scene.runs:
            descent = self._shown_run(scene, run)
            found.append(None if isinstance(descent, dict) else self._shown_verdict(descent))
        return {"verdicts": found}

    def _shown_verdict(self, descent: Descent) -> dict[str, Any]:
        verdict = descent.verdict
        stopped = descent.result.stopped_by.sentence
        return {**verdict.to_dict(), "stopped": stopped, "loss": _number(descent.result.loss)}

    def around(self, given: Any) -> Any:
        """What there is to see at one step of one run."""
        scene = scene_of(given["scene"])
        subject = self._subject(scene.topic)
        if given["run"] >= len(scene.runs):
            raise ArgumentError(f"run={given['run']}: there are {len(scene.runs)} runs")
        descent = self._descent(scene.topic, scene.runs[given["run"]], scene.steps, scene.seed)
        plane, window = self._plane(scene, subject)
        point = descent.path[min(given["step"], len(descent.path) - 1)]
        found = around(subject, plane, window, point)
        answer = {
            "point": plane.coordinates(point[None])[0].tolist(),
            "loss": _number(found.loss),
            "gradient": [_number(value) for value in found.gradient],
            "gradient_norm": _number(found.gradient_norm),
            "hessian": [[_number(value) for value in row] for row in found.hessian],
            "slices": [
                {
                    "name": slice.name,
                    "t": packed(slice.t),
                    "losses": packed(slice.losses),
                    "slope": _number(slice.slope),
                    "curvature": _number(slice.curvature),
                }
                for slice in found.slices
            ],
            "angles": packed(found.angles),
            "slopes": packed(found.slopes),
        }
        if subject.examples is not None:
            kind, values = field_of(subject.examples, subject.nested(point))
            answer["model"] = {"kind": kind, "values": packed(values)}
        return answer

    def basins(self, given: Any) -> Any:
        """Where a descent from every point of the window ends."""
        subject, run = self._subject(topic_of(given["topic"])), run_of(given["run"])
        if subject.size > 2:
            raise ArgumentError(f"basins are shown for one or two parameters; this loss has {subject.size}")
        x0, x1, y0, y1 = given["window"] if len(given["window"]) == 4 else (0.0, 0.0, 0.0, 0.0)
        if not (x0 < x1 and y0 < y1):
            raise ArgumentError("window: expected x from, x to, y from, y to")
        found = basins(subject, run, (x0, x1, y0, y1))
        return {"labels": packed(found.labels), "ends": found.ends.tolist(), "losses": found.losses.tolist()}

    def table(self, given: Any) -> Any:
        """Loads a table."""
        digest, table = self._tables.load(given["text"])
        usable = targets(table)
        if not usable:
            raise ArgumentError("no column of this table can be predicted: it needs numbers or two classes")
        return {"table": digest, "columns": table.names(), "targets": usable, "rows": table.row_count}

    def _answering(self, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """What is wrong with a scene is an answer as well: the page shows it where it belongs."""

        def answered(given: Any) -> Any:
            with self._lock, np.errstate(all="ignore"):  # what overflows is shown as such
                try:
                    return answer(given)
                except ThalwegError as error:
                    return _problem(error)

        return answered

    def actions(self) -> dict[str, Action]:
        """What a server carries, by path."""
        largest = LARGEST_TEXT * 2 + 1024
        asked: list[tuple[str, dict[str, Schema], Callable[[Any], Any]]] = [
            ("/scene", {"scene": SCENE, "grid": Flag()}, self.scene),
            ("/around", {"scene": SCENE, "run": Whole(0, MOST_RUNS), "step": Whole(0, MOST_STEPS)}, self.around),
            ("/basins", {"topic": TOPIC, "run": RUN, "window": WINDOW}, self.basins),
            ("/table", {"text": Text(LARGEST_TEXT)}, self.table),
        ]
        found = {path: Action(Record(names), self._answering(act), largest) for path, names, act in asked}
        return {**found, "/verdicts": Action(SCENE, self._answering(self.verdicts), largest)}


def packed(array: Array, dtype: Any = np.float32) -> dict[str, Any]:
    """An array as base64 of its bytes: a page reads ten thousand numbers so in no time, infinity and NaN among them."""
    plain = np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<"))
    return {
        "shape": list(plain.shape),
        "type": np.dtype(dtype).name,
        "bytes": base64.b64encode(plain.tobytes()).decode(),
    }


def _grid(subject: Subject, plane: Plane, window: Window) -> dict[str, Any]:
    x0, x1, y0, y1 = window
    if subject.size == 1:
        coordinates = np.linspace(x0, x1, 4 * _COLUMNS)[:, None]
        shape: tuple[int, ...] = (4 * _COLUMNS,)
    else:
        columns = _COLUMNS if subject.size == 2 else _COLUMNS // 2
        rows = max(2, math.ceil(columns * (y1 - y0) / (x1 - x0)))
        x, y = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
        coordinates, shape = np.stack([x.ravel(), y.ravel()], axis=1), x.shape
    return packed(subject.losses(plane.points(coordinates)).reshape(shape))


def _shown_examples(subject: Subject) -> Any:
    examples = subject.examples
    if examples is None:
        return None
    low, high = extent(examples.X)
    return {
        "X": packed(examples.X[:, :2]),
        "y": packed(examples.y),
        "count": len(examples.y),
        "features": list(examples.features),
        "target": examples.target,
        "classes": list(examples.classes),
        "low": low[:2].tolist(),
        "high": high[:2].tolist(),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _problem(error: ThalwegError) -> dict[str, Any]:
    found: dict[str, Any] = {"message": str(error)}
    if isinstance(error, FormulaError):
        found |= {"code": error.code, "place": list(error.place), "values": error.values}
    return {"problem": found}


def catalogue() -> dict[str, Any]:
    """What there is to choose from."""
    return {
        "functions": {
            name: {
                "dimension": found.dimension,
                "formula": found.formula,
                "number": found.number,
                "numbers": list(found.numbers),
            }
            for name, found in GALLERY.items()
        },
        "data_sets": list(DATA_SETS),
        "methods": {
            name: {"has_rate": kind.has_rate, "has_momentum": kind.has_momentum, "takes_batches": kind.takes_batches}
            for name, kind in METHODS.items()
        },
        "known": list(FUNCTIONS),
        "most_runs": MOST_RUNS,
        "most_steps": MOST_STEPS,
        "longest_formula": LONGEST,
        "largest_table": LARGEST_TEXT,
    }


def page_files() -> dict[str, File]:
    """The files of the page, by path."""
    package = __package__ or ""
    own = sorted(entry.name for entry in files(package).joinpath("page").iterdir())
    found = {
        f"/{name}": file_of(package, f"page/{name}") for name in own if name.endswith((".html", ".css", ".js", ".json"))
    }
    shared = {
        f"/{name}": asset(name) for name in ("theme.css", "theme.js", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css")
    }
    choices = File("application/json", json.dumps(catalogue(), ensure_ascii=False).encode())
    return {**found, **shared, "/": found["/index.html"], "/catalogue.json": choices}


def serve(port: int = PORT) -> Server:
    """Serves the laboratory until the server is closed. Its token stays the same from one time to the next.

    Raises ArgumentError if the port is taken.
    """
    return Server(page_files(), Laboratory().actions(), port=port, token=kept_token())
