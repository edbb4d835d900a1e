"""How NumPy's functions are traced: tables that the other files of this folder fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import TracingError
from .advice import advice_on
from .source import at_line

__all__ = ["FUNCTIONS", "UFUNCS", "begin_assigning", "current", "fillable", "without_rule"]

UFUNCS: dict[str, Callable[..., Any]] = {}
"""How each NumPy or SciPy ufunc is traced, by its name."""

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""How each NumPy function that dispatches is traced; likewise operator.getitem, np.ndarray.astype, and the three that follow."""


def begin_assigning() -> None:
    """Stands for a traced value's becoming an array that may be assigned to."""


def current() -> None:
    """Stands for what an array that may be assigned to holds now."""


def fillable() -> None:
    """Stands for an ordinary array's becoming one that may be assigned to."""


def without_rule(name: str, module: str = "np") -> TracingError:
    """The error of a function for which no rule stands in the tables: what to write instead, or the functions whose names are alike."""
    full = f"{module}.{name}"
    return TracingError(f"{at_line()}{full} cannot be differentiated by thalweg: it has no rule. {_instead(full)}")


def _instead(name: str) -> str:
    import difflib

    advice = advice_on(name)
    if advice is not None and name.startswith("np."):
        return advice
    known = sorted({key for key in UFUNCS if "." not in key} | {function.__name__ for function in FUNCTIONS})
    near = difflib.get_close_matches(name.rpartition(".")[2], known, 3, 0.8)
    hint = f"Similar functions that have one: {', '.join(near)}. " if near else ""
    return f"{hint}{f'{advice} ' if advice else ''}Express it with functions that have one; README lists them."
