"""A scene: everything that a page asks for, checked. The page keeps it in its address, so that it can be shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..descent import (
    BFGS,
    LBFGS,
    Adagrad,
    Adam,
    BarzilaiBorwein,
    ConjugateGradient,
    GradientDescent,
    Method,
    Momentum,
    Nesterov,
    Newton,
    RMSProp,
)
from ..errors import ArgumentError
from ..pages import ListOf, Number, OneOf, Record, Text, Whole
from .formula import LONGEST

__all__ = [
    "METHODS",
    "MOST_RUNS",
    "MOST_STEPS",
    "RUN",
    "SCENE",
    "TOPIC",
    "WINDOW",
    "Run",
    "Scene",
    "Topic",
    "run_of",
    "scene_of",
    "topic_of",
]

MOST_STEPS = 2000
MOST_RUNS = 8
_MOST_PARAMETERS = 2000
_FAR = 1e12


@dataclass(frozen=True)
class _Kind:
    """How a method is made, and which of its numbers a page can set."""

    make: Callable[[float, float], Method]
    has_rate: bool = True
    has_momentum: bool = False
    takes_batches: bool = True


METHODS: Mapping[str, _Kind] = {
    "GradientDescent": _Kind(lambda rate, _: GradientDescent(rate)),
    "Momentum": _Kind(Momentum, has_momentum=True),
    "Nesterov": _Kind(Nesterov, has_momentum=True),
    "Adagrad": _Kind(lambda rate, _: Adagrad(rate)),
    "RMSProp": _Kind(lambda rate, _: RMSProp(rate)),
    "Adam": _Kind(lambda rate, _: Adam(rate)),
    "LBFGS": _Kind(lambda *_: LBFGS(), has_rate=False, takes_batches=False),
    "BFGS": _Kind(lambda *_: BFGS(), has_rate=False, takes_batches=False),
    "ConjugateGradient": _Kind(lambda *_: ConjugateGradient(), has_rate=False, takes_batches=False),
    "BarzilaiBorwein": _Kind(lambda *_: BarzilaiBorwein(), has_rate=False, takes_batches=False),
    "Newton": _Kind(lambda *_: Newton(), has_rate=False, takes_batches=False),
}


@dataclass(frozen=True)
class Topic:
    """What a scene is about. name: of the gallery, of a data set, "formula" or "table". number: of a gallery's function.
    formula: the text. table, target, model, hidden: of a table that was loaded; seed: of the weights that are drawn."""

    name: str
    number: float | None = None
    formula: str = ""
    table: str = ""
    target: str = ""
    model: str = "linear"
    hidden: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Run:
    """One descent of a scene. start: one number for each parameter, or () for where the subject begins. batch: examples of a
    mini-batch, 0 for all."""

    method: str
    rate: float
    momentum: float = 0.9
    batch: int = 0
    start: tuple[float, ...] = ()

    @property
    def descent_method(self) -> Method:
        """The method, with its numbers."""
        return METHODS[self.method].make(self.rate, self.momentum)

    @property
    def batch_size(self) -> int | None:
        """None for methods that compare losses along their way, and see all examples."""
        return self.batch or None if METHODS[self.method].takes_batches else None


@dataclass(frozen=True)
class Scene:
    """A topic, the runs on it, and the plane and window through which they are seen. aspect: width / height of the picture."""

    topic: Topic
    runs: tuple[Run, ...]
    steps: int
    aspect: float
    window: tuple[float, ...] = ()
    plane: str = "path"
    seed: int = 0


TOPIC = Record(
    {"name": Text(40)},
    {
        "number": Number(0, 1e6),
        "formula": Text(LONGEST + 1),
        "table": Text(64),
        "target": Text(200),
        "model": OneOf(("linear", "perceptron")),
        "hidden": ListOf(Whole(1, 32), 3),
        "seed": Whole(0, 1_000_000),
    },
)

RUN = Record(
    {"method": OneOf(tuple(METHODS)), "rate": Number(0, 1e3)},
    {
        "momentum": Number(0, 0.9999),
        "batch": Whole(0, 1_000_000),
        "start": ListOf(Number(-_FAR, _FAR), _MOST_PARAMETERS),
    },
)

WINDOW = ListOf(Number(-_FAR, _FAR), 4)

SCENE = Record(
    {"topic": TOPIC, "runs": ListOf(RUN, MOST_RUNS), "steps": Whole(1, MOST_STEPS), "aspect": Number(0.2, 5)},
    {"window": WINDOW, "plane": OneOf(("path", "random")), "seed": Whole(0, 1_000_000)},
)


def topic_of(plain: Mapping[str, Any]) -> Topic:
    """What a checked `TOPIC` says."""
    return Topic(**{**plain, "hidden": tuple(plain.get("hidden", ()))})


def run_of(plain: Mapping[str, Any]) -> Run:
    """What a checked run says. Raises ArgumentError for a rate that is no rate."""
    run = Run(**{**plain, "start": tuple(plain.get("start", ()))})
    if METHODS[run.method].has_rate and not run.rate > 0:
        raise ArgumentError(f"rate={run.rate:g}: expected a learning rate above 0")
    return run


def scene_of(plain: Mapping[str, Any]) -> Scene:
    """What a checked `SCENE` says. Raises ArgumentError for a window or a rate that is none."""
    window = tuple(plain.get("window", ()))
    if window and not (len(window) == 4 and window[0] < window[1] and window[2] <= window[3]):
        raise ArgumentError(f"window={list(window)}: expected x from, x to, y from, y to")
    runs = tuple(run_of(run) for run in plain["runs"])
    return Scene(**{**plain, "topic": topic_of(plain["topic"]), "runs": runs, "window": window})
