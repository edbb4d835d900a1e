"""What is searched, and who takes which value: the method, the loss, the parameters, the score."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..descent import Method, Start, StoppingRule
from ..descent.data import data_of
from ..descent.member import Member
from ..descent.minimize import check_method, plan_of
from ..descent.parameters import layout_of
from ..descent.plan import Plan
from ..descent.problem import UNTRACED_HINT
from ..descent.stopping import ValidationStalls, leaves
from ..errors import ArgumentError, DataError, TracingError
from ..graph import Array
from .ranges import Range, plain
from .rounds import Drawn, Ranges

__all__ = ["Settled", "Task", "checked_ranges", "described"]

_OF_SEARCH = ("method", "batch_size")
"""Names of hyperparameters that the search itself takes."""


@dataclass(frozen=True, eq=False)
class Settled:
    """A trial whose values have found their places. numbers: of the loss, by name: inputs of the program. constants: what else
    the loss takes: part of the program."""

    drawn: Drawn
    method: Method
    parameters: Any
    batch_size: int | None
    numbers: Mapping[str, float]
    constants: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Task:
    """A search's loss, start, method and data. Fields are as the arguments of `search`, but checked ranges."""

    loss: Callable[..., Any]
    parameters: Any
    ranges: Ranges
    method: Any
    data: Any
    validation: Any
    score: Callable[..., Any] | None
    start: Start | None
    batch_size: int | None
    stop: StoppingRule | None
    seed: int
    threads: int | None

    def check(self) -> None:
        """Raises ArgumentError if a name has no taker, or a value at the end of a range is refused."""
        self._check_names()
        self._check_score()
        if self.stop is not None and any(isinstance(rule, ValidationStalls) for rule in leaves(self.stop)):
            raise ArgumentError(
                "ValidationStalls watches one descent, and the trials of a search run together: let halving=True stop weak trials"
            )
        first: dict[str, Any] = {name: range.ends()[0] for name, range in self.ranges.items()}
        for name, range in self.ranges.items():
            for value in range.ends():
                try:
                    self._method({**first, name: value})
                except ArgumentError as error:
                    raise ArgumentError(
                        f"the range of {name!r}, {range}, holds values that cannot be tried: {error}"
                    ) from None

    # Who takes what
    @cached_property
    def of_loss(self) -> tuple[str, ...]:
        """The names that the loss takes."""
        count = 1 + (len(self.data) if isinstance(self.data, tuple) else self.data is not None)
        named, takes_all = _named(self.loss, count)
        others = {*self._of_methods, *_OF_SEARCH, *self._of_parameters}
        return tuple(name for name in self.ranges if name in named or (takes_all and name not in others))

    @cached_property
    def of_score(self) -> tuple[str, ...]:
        """The names that the user's score takes."""
        if self.score is None:
            return ()
        named, _ = _named(self.score, 1)
        return tuple(name for name in self.ranges if name in named)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Of these, the numbers that each member of a population can have of its own."""
        return tuple(name for name in self.of_loss if self.ranges[name].is_number)

    @cached_property
    def _methods(self) -> tuple[Method, ...]:
        if "method" in self.ranges:
            return tuple(_instance(option, self.batch_size) for option in self.ranges["method"].ends())
        return (_instance(self.method, self.batch_size),)

    @cached_property
    def _of_methods(self) -> tuple[str, ...]:
        """The names of numbers that every method has."""
        names = [{field.name for field in fields(method)} - {"line_search"} for method in self._methods]
        return tuple(name for name in self.ranges if all(name in own for own in names))

    @cached_property
    def _of_parameters(self) -> tuple[str, ...]:
        if not callable(self.parameters):
            return ()
        named, _ = _named(self.parameters, 0)
        missing = [name for name, default in named.items() if default is _EMPTY and name not in self.ranges]
        if missing:
            raise ArgumentError(
                f"the function parameters({', '.join(named)}) takes {missing[0]!r}, for which there is no range: add one, or "
                "give it a default"
            )
        return tuple(name for name in self.ranges if name in named)

    def _check_names(self) -> None:
        taken = {*self._of_methods, *self.of_loss, *self._of_parameters, *self.of_score}
        own = [name for name in _OF_SEARCH if name != "batch_size" or self.data is not None]
        known = {field.name for method in self._methods for field in fields(method)} - {"line_search"}
        known |= _named(self.loss, 1)[0].keys() | set(own)
        for name in self.ranges:
            if name in taken or name in own:
                continue
            close = difflib.get_close_matches(name, sorted(known), 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            methods = " and ".join(
                f"{type(m).__name__} has {', '.join(f.name for f in fields(m) if f.name != 'line_search')}"
                for m in self._methods
            )
            raise ArgumentError(
                f"nothing takes the hyperparameter {name!r}: {methods}; the loss "
                f"{getattr(self.loss, '__name__', 'loss')} has no argument of this name.{hint} To let the loss take it, write "
                f"def loss(parameters, X, y, *, {name}=...)"
            )

    def _check_score(self) -> None:
        if self.score is not None and not callable(self.score):
            raise ArgumentError(f"score={self.score!r}: expected a function score(parameters, *validation) → a number")
        if self.score is None and self.data is not None and self.validation is None:
            raise ArgumentError(
                "a search compares trials on data that training has not seen: pass validation=(X, y), or a function "
                "score(parameters) that returns a number, smaller where better"
            )
        if self.score is None:
            self._check_validation()
        without = [name for name in self.numbers if name not in self.defaults] if self.score is None else []
        if without:
            name = without[0]
            raise ArgumentError(
                f"trials with different values of {name!r} cannot be compared by the loss that it changes. Give it the "
                f"default for which the loss is a score, such as def loss(..., {name}=0.0) for a penalty; or pass "
                f"score=lambda parameters, X, y: ..."
            )

    def _check_validation(self) -> None:
        """Whether the loss can be given the validation data where it is given the training data."""
        trained, kept = data_of(self.data), data_of(self.validation)
        shapes = [[array.shape[1:] for array in data.arrays] for data in (trained, kept)]
        if trained.structure != kept.structure or shapes[0] != shapes[1]:
            told = [", ".join(str(array.shape) for array in data.arrays) or "none" for data in (trained, kept)]
            raise DataError(
                f"the loss takes data of the shapes {told[0]}, and validation has {told[1]}: pass the same arrays with other "
                "rows, or a function score(parameters, *validation)"
            )

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What the loss has for its numbers by default, which is what trials are scored with."""
        named, _ = _named(self.loss, 1)
        return {name: named[name] for name in self.numbers if named.get(name, _EMPTY) is not _EMPTY}

    # A trial's places
    def settle(self, drawn: Drawn) -> Settled:
        """Puts a trial's values in their places."""
        values = drawn.values
        batch = values.get("batch_size", self.batch_size)
        parameters = self.parameters
        if callable(parameters):
            parameters = parameters(**{name: values[name] for name in self._of_parameters})
        if self.start is not None:
            layout = layout_of(parameters)
            generator = np.random.default_rng([drawn.seed, 1])
            parameters = layout.tree(self.start.vector(layout, layout.vector(parameters), generator))
        constants = {name: values[name] for name in self.of_loss if name not in self.numbers}
        numbers = {name: values[name] for name in self.numbers}
        return Settled(drawn, self._method(values), parameters, batch, numbers, constants)

    def _method(self, values: Mapping[str, Any]) -> Method:
        batch = values.get("batch_size", self.batch_size)
        method = _instance(values.get("method", self.method), batch)
        return replace(method, **{name: values[name] for name in self._of_methods})

    def form(self, settled: Settled) -> Any:
        """What trials that share a program have in common."""
        fixed = tuple(
            (name, repr(value)) for name, value in settled.drawn.values.items() if not self.ranges[name].is_number
        )
        return fixed, layout_of(settled.parameters)

    def plan(self, settled: Settled) -> Plan:
        """The plan for a trial, and for all of its form. Raises TracingError if the loss cannot be compiled."""
        try:
            plan, _ = plan_of(
                self.loss_with(settled.constants),
                settled.parameters,
                data=self.data,
                method=settled.method,
                batch_size=settled.batch_size,
                stop=self.stop,
                seed=self.seed,
                threads=self.threads,
                numbers=self.numbers,
            )
        except TracingError as error:
            hint = ""
            if self.numbers:
                hint = f" If it is {' or '.join(map(repr, self.numbers))} that Python looks at: make its range a tw.Choice."
            raise TracingError(str(error).removesuffix(UNTRACED_HINT).rstrip() + hint) from None
        return plan

    def member(self, settled: Settled, plan: Plan) -> Member:
        """The trial as a member of a population."""
        vector: Array = plan.problem.layout.vector(settled.parameters)
        seed, numbers = settled.drawn.seed, tuple(settled.numbers[name] for name in self.numbers)
        return Member(vector, settled.method, settled.drawn.values, seed, numbers)

    def loss_with(self, constants: Mapping[str, Any]) -> Callable[..., Any]:
        """The loss for given constants."""
        return functools.partial(self.loss, **constants) if constants else self.loss


_EMPTY = inspect.Parameter.empty


def _named(function: Callable[..., Any], skipped: int) -> tuple[dict[str, Any], bool]:
    """The arguments that can be given by name, after the first few, with their defaults; and whether all others can."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}, False
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = {
        p.name: p.default
        for number, p in enumerate(parameters)
        if p.kind in kinds and (number >= skipped or p.kind is inspect.Parameter.KEYWORD_ONLY)
    }
    return named, any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _instance(method: Any, batch: int | None) -> Method:
    """A method; a class of methods stands for one with its defaults."""
    return check_method(method() if isinstance(method, type) and issubclass(method, Method) else method, batch)


def checked_ranges(ranges: Any, check: Callable[[str, Any], Range]) -> Ranges:
    """The ranges by name. Raises ArgumentError if there is none."""
    if not isinstance(ranges, Mapping) or not ranges:
        raise ArgumentError(
            f"ranges={ranges!r}: there is nothing to search; give names and ranges, such as "
            '{"learning_rate": tw.LogUniform(1e-4, 1)}'
        )
    return {name: check(name, range) for name, range in ranges.items()}


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def described(value: Any) -> str:
    """A user's object as text that is the same in every process."""
    return _ADDRESS.sub("", str(plain(value)))
