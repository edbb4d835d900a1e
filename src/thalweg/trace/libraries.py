"""Calls of libraries within a loss that ask for the numbers of traced values: which function it was, in which line of the user's.

SciPy's routines compare values, fill arrays, and call compiled code. What such code does with a traced value ends in an error far inside
the library, in its words or in ours; the user knows the function that they called. It is found on the way the error has come.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from types import FrameType, FunctionType, TracebackType
from typing import Any

import numpy

from ..errors import SourceLine, ThalwegError, TracingError, code_kind
from .advice import advice_on
from .local_arrays import LocalArray, holds_traced
from .traced import Traced

__all__ = ["explained"]

_COMPILED = (".pyx", ".pxd", ".pxi", "<stringsource>")
"""How the files end that tracebacks name for code that Cython has compiled."""

_PASSING_ON = ("<__array_function__ internals>", os.path.join("numpy", "lib", "mixins.py"))
"""NumPy's code that passes calls on to traced values."""

_CONVERTING = ("values", "numpy", "to_numpy", "detach", "array", "data", "value", "cpu", "eval")
"""Attributes by which other libraries give the array of a value."""

_SOLVERS = ("scipy.integrate.", "scipy.optimize.")
"""What calls functions of the user's, and cannot go on with what they return."""


def explained(error: Exception) -> TracingError | None:
    """The same error for who wrote the loss, if a library has met a traced value; else None."""
    if isinstance(error, ThalwegError) and not isinstance(error, TracingError):
        return None
    way = list(_way(error.__traceback__))
    own = [place for place, (_, frame) in enumerate(way) if not _is_of_library(frame)]
    calls = [place for place in own if place + 1 < len(way) and _is_of_library(way[place + 1][1])]
    solvers = [place for place in calls if (_called(way, place) or "").startswith(_SOLVERS)]
    if calls and (calls[-1] == own[-1] or solvers):
        place = calls[-1] if calls[-1] == own[-1] else solvers[0]
        if isinstance(error, TracingError) or any(_met_traced(frame) for _, frame in way[place + 1 : place + 12]):
            return _of_call(way, place)
    if isinstance(error, TracingError) or not own:
        return None
    return _of_line(error, _line(way[own[-1]]))


_Step = tuple[int, FrameType]


def _way(traceback: TracebackType | None) -> Iterator[_Step]:
    """The line and the frame of each call on the way, the outermost first; without thalweg's own."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if code_kind(file) != "thalweg" and not file.endswith(_PASSING_ON):
            yield traceback.tb_lineno, traceback.tb_frame
        traceback = traceback.tb_next


def _is_of_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return code_kind(file) == "library" or file.endswith(_COMPILED)


def _line(step: _Step) -> SourceLine:
    number, frame = step
    return SourceLine(frame.f_code.co_filename, number, frame.f_code.co_name)


def _of_call(way: list[_Step], place: int) -> TracingError:
    name = _called(way, place)
    module = _written(*_modules(way[place + 1][1].f_globals.get("__name__", ""))[-1:] or ["a library"])
    advice = advice_on(name or module) or "Write what it does with NumPy's functions."
    return TracingError(
        f"{_line(way[place])}: {name or f'a function of {module}'} cannot be traced: it needs numbers, and gets values that are only "
        f"traced here. {advice}"
    )


def _of_line(error: Exception, line: SourceLine) -> TracingError | None:
    """An error that Python or compiled code has raised about a traced value in the user's line."""
    if isinstance(error, AttributeError) and isinstance(error.obj, Traced) and error.name:
        if error.name in _CONVERTING:
            hint = "Use x itself."
        elif error.name == "norm":
            hint = "Write np.linalg.norm(x)."
        elif callable(getattr(numpy, error.name, None)):
            hint = f"Write np.{error.name}(x)."
        else:
            hint = "It has shape, dtype, ndim, size, T, and the methods of arrays that have no need to know its values."
        return TracingError(f"{line}: a traced value has no attribute {error.name!r}. {hint}")
    if isinstance(error, TypeError) and "Traced" in str(error):
        return TracingError(
            f"{line}: {error}. Here the arguments of the loss are traced values, which stand for arrays whose numbers are not known yet: "
            "NumPy's functions and operators take them."
        )
    return None


def _met_traced(frame: FrameType) -> bool:
    """Whether a call has a traced value at hand, or a function that refers to one."""
    return any(_refers_to_traced(value) for value in list(frame.f_locals.values()))


def _refers_to_traced(value: Any, depth: int = 2) -> bool:
    if isinstance(value, Traced | LocalArray):
        return holds_traced(value)
    if depth and isinstance(value, FunctionType):
        contents = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        return any(_refers_to_traced(part, depth - 1) for part in contents)
    if depth and isinstance(value, dict | list | tuple):
        parts = value.values() if isinstance(value, dict) else value
        return any(_refers_to_traced(part, depth - 1) for part in list(parts)[:64])
    return False


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _called(way: list[_Step], place: int) -> str | None:
    """What the user's line has called, by its public name: the first of the library's frames that has one."""
    for _, frame in way[place + 1 :]:
        if not _is_of_library(frame):
            return None
        name = _public_name(frame)
        if name is not None:
            return name
    return None


def _public_name(frame: FrameType) -> str | None:
    """The name by which users know the function, or the class of the method, that runs in a frame; None for a helper."""
    code = frame.f_code
    modules = _modules(frame.f_globals.get("__name__", ""))
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount and code.co_varnames else None
    if first is not None and code.co_varnames[0] == "self":
        return _name_of_method(first, code.co_name, modules)
    if code.co_name.startswith("_"):
        return None
    having = [module for module in modules if callable(_own(module, code.co_name))]
    same = [module for module in having if _code_of(_own(module, code.co_name)) is code]
    return _written((same or having[-1:])[0], code.co_name) if having else None


def _code_of(function: Any) -> Any:
    return getattr(inspect.unwrap(function), "__code__", None)


def _name_of_method(instance: Any, method: str, modules: list[str]) -> str | None:
    """Of a method: that of the object, if it has one, such as scipy.stats.norm; else that of its class."""
    further = "" if method.startswith("_") else f".{method}"
    instance = _attribute(instance, "dist") or instance  # a frozen distribution of SciPy's
    for module in modules:
        named = _attribute(instance, "name")
        if isinstance(named, str) and type(_own(module, named)) is type(instance):
            return _written(module, named) + further
        for name, value in list(vars(sys.modules[module]).items()):
            if value is instance and not name.startswith("_"):
                return _written(module, name) + further
    for kind in type(instance).__mro__:
        for module in _modules(kind.__module__):
            if _own(module, kind.__name__) is kind:
                return _written(module, kind.__name__) + further
    return None


def _attribute(instance: Any, name: str) -> Any:
    """An attribute that an object holds itself, found without running code of its class: it may be half made."""
    held = inspect.getattr_static(instance, "__dict__", None)
    return instance.__dict__.get(name) if inspect.isgetsetdescriptor(held) or type(held) is dict else None


def _modules(name: str) -> list[str]:
    """The public modules that lead to a module, the shortest first."""
    parts = name.split(".")
    public = next((place for place, part in enumerate(parts) if part.startswith("_")), len(parts))
    found = [".".join(parts[: place + 1]) for place in range(public)]
    return [module for module in found if module in sys.modules]


def _own(module: str, name: str) -> Any:
    return vars(sys.modules[module]).get(name)


def _written(*parts: str) -> str:
    """A full name, with NumPy as np."""
    head, dot, rest = ".".join(parts).partition(".")
    return f"{'np' if head == 'numpy' else head}{dot}{rest}"
