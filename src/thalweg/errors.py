"""Every error that thalweg raises, as a tree; each says what is wrong, where, and what to write instead.

ThalwegError
├── TracingError          the loss cannot be traced (also a TypeError)
├── ShapeError            shapes that do not go together (also a ValueError)
├── LossError             the traced function is no loss: not scalar, not float, ... (also a ValueError)
├── ArgumentError         an argument outside of its range (also a ValueError)
│   └── FormulaError      a typed formula that cannot be read; has the place in its text
├── DataError             arrays of data that cannot be used (also a ValueError)
├── TableError            a table that cannot be used; names row and column (also a ValueError)
├── DeviceError           a GPU, a TPU or JAX is asked for and not there (also a RuntimeError)
├── ModelFileError        a model file that cannot be read or written (also an OSError)
├── RunError              a run folder, or the record of a search, that cannot be used (also an OSError)
├── ClusterError          a cluster that cannot be reached, or that failed (also a ConnectionError)
└── GraphError            a graph that breaks its own rules: a defect of thalweg (also a RuntimeError)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "ArgumentError",
    "ClusterError",
    "DataError",
    "DeviceError",
    "FormulaError",
    "GraphError",
    "LossError",
    "ModelFileError",
    "RunError",
    "ShapeError",
    "SourceLine",
    "TableError",
    "ThalwegError",
    "TracingError",
    "code_kind",
    "user_line",
]


class ThalwegError(Exception):
    """The root of all errors that thalweg raises on purpose."""


class TracingError(ThalwegError, TypeError):
    """The loss does something with a traced value that cannot be traced."""


class ShapeError(ThalwegError, ValueError):
    """The shapes of two values do not go together."""


class LossError(ThalwegError, ValueError):
    """The traced function is no loss: not scalar, not float, or independent of its parameters."""


class ArgumentError(ThalwegError, ValueError):
    """An argument lies outside of its range or has the wrong kind."""


class FormulaError(ArgumentError):
    """A formula cannot be read. code, values: what is wrong, for a page in any language. place: (first, end) in the text."""

    def __init__(self, code: str, place: tuple[int, int], message: str, **values: str | int) -> None:
        super().__init__(message)
        self.code, self.place, self.values = code, place, values


class DataError(ThalwegError, ValueError):
    """Arrays of data cannot be used: NaN, infinity, or lengths that differ."""


class TableError(ThalwegError, ValueError):
    """A table cannot be used; the message names the file, the row and the column."""


class DeviceError(ThalwegError, RuntimeError):
    """A device, or the library that drives it, is asked for and not there; the message says what to install."""


class ModelFileError(ThalwegError, OSError):
    """A model file cannot be read or written."""


class RunError(ThalwegError, OSError):
    """A run folder, or the record of a search, cannot be used: another process uses it, it is of something else, or the disk is full."""


class ClusterError(ThalwegError, ConnectionError):
    """A cluster cannot be reached, or failed in a way that no replacement of workers can mend."""


class GraphError(ThalwegError, RuntimeError):
    """A graph breaks its own rules: a defect of thalweg, not of the user's loss."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the user's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} (in {self.function})"


_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_COMMANDS = _PACKAGE + "cli" + os.sep
_LIBRARIES = (
    *(
        os.sep + os.path.join(folder, name) + os.sep
        for folder in ("site-packages", "dist-packages")  # the second is Debian's
        for name in ("numpy", "scipy", "optree", "pandas", "polars", "xarray", "sklearn", "statsmodels", "torch", "jax")
    ),
    *(
        os.path.join(os.path.dirname(os.__file__), name)
        for name in ("statistics.py", "random.py", "fractions.py", "copy.py", "json")
    ),
)


_kinds: dict[str, str] = {}
_source_line = lru_cache(maxsize=4096)(SourceLine)
"""A line of which thousands of nodes are made is one object."""


def code_kind(file: str) -> str:
    """Whose code a file holds: "user", "library" (NumPy, SciPy and the like), "thalweg", or "command" (what the command line runs)."""
    kind = _kinds.get(file)
    if kind is None:
        if file.startswith(_PACKAGE):
            kind = "command" if file.startswith(_COMMANDS) else "thalweg"
        else:
            within = file.startswith("<__array_function__") or any(part in file for part in _LIBRARIES)
            kind = "library" if within else "user"
        _kinds[file] = kind
    return kind


def user_line() -> SourceLine | None:
    """The innermost line on the stack that belongs neither to thalweg nor to NumPy, SciPy or the like; None if a command of thalweg began it."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        kind = _kinds.get(file) or code_kind(file)
        if kind == "user":
            return _source_line(file, frame.f_lineno, frame.f_code.co_name)
        if kind == "command":
            return None
        frame = frame.f_back  # type: ignore[assignment]  # typeshed: f_back may be None, and the loop ends there
    return None
