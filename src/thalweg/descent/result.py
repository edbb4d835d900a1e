"""What a descent returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..arguments import RESULT, SaysWhatItHas
from ..errors import ArgumentError
from .history import History

__all__ = ["Ending", "Result", "Stopped", "duration"]


@dataclass(frozen=True)
class Stopped:
    """Why a descent ended.

    reason: `"rule"`, `"interrupted"`, `"not finite"`, or `"no smaller loss"` (a line search found none). rules: the stopping
    rules that fired, as text. sentence: for a person.
    """

    reason: str
    rules: tuple[str, ...]
    sentence: str

    @property
    def is_at_rest(self) -> bool:
        """Whether the descent came to rest, rather than running out of steps or time."""
        return self.reason == "no smaller loss" or any(
            rule.startswith(("GradientBelow", "NoChange")) for rule in self.rules
        )

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, eq=False)
class Ending:
    """Loss and gradient norm where a descent ended: known already, or found when they are first asked for. known: the loss, if that
    alone is known.

    >>> Ending.at(0.5, 1e-7).loss
    0.5
    """

    find: Callable[[], tuple[float, float]] = field(repr=False)
    known: float | None = None

    @classmethod
    def at(cls, loss: float, gradient_norm: float) -> Ending:
        """An end whose loss is known."""
        ending = cls(lambda: (loss, gradient_norm))
        _ = ending.numbers
        return ending

    @cached_property
    def numbers(self) -> tuple[float, float]:
        """Loss and gradient norm."""
        loss, gradient_norm = self.find()
        return (loss if self.known is None else self.known), gradient_norm

    @property
    def loss(self) -> float:
        """The loss over all data."""
        return self.numbers[0] if self.known is None else self.known

    @property
    def gradient_norm(self) -> float:
        """The norm of its gradient."""
        return self.numbers[1]

    def __reduce__(self) -> tuple[Any, ...]:
        """What is stored is what was found."""
        return Ending.at, self.numbers


@dataclass(frozen=True, eq=False)
class Result(SaysWhatItHas):
    """Where a descent ended, and how it got there.

    parameters: nested as they were given. end: loss and gradient norm at those parameters. steps: that were taken.
    evaluations: of the loss, with its gradient. seconds: of descent alone; compile_seconds: of tracing and compiling.
    stopped_by: why it ended. ascents: the steps whose direction did not point downhill. notes: what else is worth knowing,
    such as that the loss could not be divided into tiles. memory: the method's, at the end, for `minimize(..., memory=...)`.
    origin: loss, data, start and end, for whoever judges the result. presenter: what makes pages and pictures of it.
    With a penalty that has a kink, the gradient norm is that of (w − prox(w − μ∇f)) / μ.
    """

    _elsewhere: ClassVar = RESULT
    parameters: Any
    end: Ending
    steps: int
    seconds: float
    stopped_by: Stopped
    history: History
    compile_seconds: float = 0.0
    method: Any = None
    notes: tuple[str, ...] = field(default=())
    evaluations: int = 0
    ascents: int = 0
    origin: Any = field(default=None, repr=False)
    judge: Any = field(default=None, repr=False)
    memory: Any = field(default=None, repr=False)
    presenter: Any = field(default=None, repr=False)

    @property
    def loss(self) -> float:
        """The loss at the parameters, over all data.

        After mini-batches it is worked out when it, or the gradient norm, is first asked for, from the data as they are then.
        """
        return self.end.loss

    @property
    def gradient_norm(self) -> float:
        """The norm of the gradient at the parameters, over all data. It is found together with the loss; after mini-batches of a
        population, which is ranked by its losses alone, when it is first asked for, from the data as they are then.
        """
        return self.end.gradient_norm

    def __str__(self) -> str:
        verdict = self.verdict
        told = [] if verdict is None else [f"  verdict        {verdict.kind.value}: {verdict.sentence}"]
        if verdict is not None and not verdict.kind.is_minimum:
            told += [f"  advice         {advice}" for advice in verdict.advice]
        lines = [
            f"Stopped because {self.stopped_by.sentence}.",
            *told,
            f"  loss           {self.loss:.8g}",
            f"  gradient norm  {self.gradient_norm:.3g}",
            f"  steps          {self.steps:,}{self._trials()} in {duration(self.seconds)}"
            f" (and {duration(self.compile_seconds)} to compile)",
            f"  method         {self.method}",
            f"  parameters     {_short(self.parameters)}",
        ]
        lines += [f"  note           {note}" for note in self.notes]
        return "\n".join(lines)

    def __getstate__(self) -> dict[str, Any]:
        """Without loss and data: what was found out of them stays, a verdict that was not asked for does not."""
        return {**self.__dict__, "origin": None, "judge": None}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: loss {self.loss:.8g} after {self.steps:,} steps>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: all but the history. Parameters become nested lists, numbers that are not finite text."""
        return {
            "parameters": _plain(self.parameters),
            "loss": _plain(self.loss),
            "gradient_norm": _plain(self.gradient_norm),
            "steps": self.steps,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "method": str(self.method),
            "stopped_by": {"reason": self.stopped_by.reason, "rules": list(self.stopped_by.rules)},
            "notes": list(self.notes),
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
        }

    @cached_property
    def verdict(self) -> Any:
        """What was found, and how sure that is: a `Verdict`. It is worked out when it is first asked for, from the data as they are
        then. None for results that nothing can judge.
        """
        return None if self.judge is None else self.judge(self)

    def report(self, path: str | Path, **further: Any) -> Path:
        """Writes a page that can be sent to a colleague: verdict, curves, pictures, graph; one file, which loads nothing.

        path: of the page, such as "run.html". further: title; and fitted, a `thalweg.pictures.Fitted`, for a model's coefficients and
        predictions. Needs Matplotlib. Raises ArgumentError if that is not installed.
        """
        written: Path = self._presenter().write(self, path, **further)
        return written

    def picture(self, name: str, path: str | Path, **further: Any) -> tuple[Path, ...]:
        """Writes one of the report's pictures to a file, or with the name "all" every one that this result has.

        name: such as "contour", "curve", "surface", "landscape", "principal", "slices", "descent", "rates", "basins", "members" or
        "graph". path: its ending, .svg, .png or .pdf, says how. further: theme, "light" or "dark".
        Raises ArgumentError for a picture that this result does not have.
        """
        written: tuple[Path, ...] = self._presenter().pictures(self, name, path, **further)
        return written

    def _repr_html_(self) -> str | None:
        return None if self.presenter is None else str(self._presenter().html(self))

    def _presenter(self) -> Any:
        if self.presenter is None:
            raise ArgumentError("nothing draws this result: results of tw.minimize have reports and pictures")
        return self.presenter()

    def _trials(self) -> str:
        is_plain = self.evaluations in (0, self.steps, self.steps + 1)
        return "" if is_plain else f" ({self.evaluations:,} evaluations)"


def duration(seconds: float) -> str:
    """A time as a person writes it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _plain(value: Any) -> Any:
    """Arrays as lists, nestings kept, what is not finite as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else str(float(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value.item() if isinstance(value, np.generic) else value


def _short(parameters: Any) -> str:
    if isinstance(parameters, dict):
        return "{" + ", ".join(f"{key!r}: {_short(value)}" for key, value in parameters.items()) + "}"
    if type(parameters) in (list, tuple):
        return "[" + ", ".join(_short(value) for value in parameters) + "]"
    if isinstance(parameters, np.ndarray) and parameters.size > 8:
        return f"{parameters.dtype} array of the shape {parameters.shape}"
    return (
        np.array2string(np.asarray(parameters), precision=6) if isinstance(parameters, np.ndarray) else repr(parameters)
    )
