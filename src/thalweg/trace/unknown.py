"""What needs to know a value that is only traced: refused, with what to write instead."""

from __future__ import annotations

import dis
import sys
from typing import Any, NoReturn

from ..errors import TracingError, code_kind
from .source import at_line

__all__ = ["Unknown"]

_OF_BRANCHES = (
    "Python's `if`, `while`, `assert`, `and`, `or` and `not` need to know a value that is only traced here. Write np.where(condition, a, b) for "
    "a choice between values, & | ~ between conditions, and (0 < x) & (x < 1) for 0 < x < 1. Leave checks of the values away: a loss that is "
    "not finite is reported."
)
_OF_CALLS = (
    "Python's max(), min(), sorted(), any() and all() compare values that are only traced here. Write np.maximum(a, b) for max(a, b), np.max(x) "
    "for max(x), np.minimum and np.min for min, np.sort(x) for sorted(x), and np.any(x) in np.where(np.any(x), a, b)."
)
_OF_CONTAINING = "Python's `in` compares values that are only traced here. Write np.any(x == value) for value in x, within np.where(..., a, b)."
_OF_PRINTING = (
    "a number is to be written as text, and its value is only traced here: the loss is run once, to be compiled. print(x) shows what x is. "
    "To follow the descent pass progress=True or on_progress=...; what the loss was at each step is in result.history.loss."
)


class Unknown:
    """A value of which nothing is known but what kind it is. Each method raises TracingError, save for its text without a format."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        said = {"CALL": _OF_CALLS, "CONTAINS_OP": _OF_CONTAINING}.get(_asking_instruction(), _OF_BRANCHES)
        raise TracingError(f"{at_line()}{said}")

    def __float__(self) -> NoReturn:
        _check_not_assigned()
        if _asking_instruction() == "BINARY_OP":  # "%.3f" % x
            raise TracingError(f"{at_line()}{_OF_PRINTING}")
        raise TracingError(
            f"{at_line()}float(x), or a function of the math module, needs to know a value that is only traced here. "
            "Write np.exp(x) for math.exp(x), and leave float(...) away. What the loss was at each step is in result.history.loss."
        )

    def __format__(self, form: str) -> str:
        if form:
            raise TracingError(f"{at_line()}{_OF_PRINTING}")
        return str(self)

    def __int__(self) -> NoReturn:
        raise TracingError(
            f"{at_line()}int(x) needs to know a value that is only traced here. Write np.floor(x), or pass the number "
            "as an ordinary Python argument instead of a parameter."
        )

    def __index__(self) -> NoReturn:
        raise TracingError(
            f"{at_line()}a traced value cannot be used where Python needs an integer (range, a shape, a list's index). "
            "Use the shape of an array, or a plain Python integer."
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        _check_not_assigned()
        raise TracingError(
            f"{at_line()}a traced value cannot be turned into an ordinary array here: by np.vectorize, or by a function of another library "
            "(such as scipy.stats). Write formulas with NumPy functions of traced values, and join them with np.stack([a, b]) or, called "
            "so, np.array([a, b])."
        )

    def item(self, *_: Any) -> NoReturn:
        raise TracingError(f"{at_line()}x.item() needs to know a value that is only traced here. Use x itself.")

    def tolist(self) -> NoReturn:
        raise TracingError(f"{at_line()}x.tolist() needs to know values that are only traced here. Use x, or list(x).")


def _asking_instruction() -> str:
    """The instruction of the code that has called a method of a traced value: within NumPy and SciPy as well as the user's."""
    frame = sys._getframe(2)
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def _check_not_assigned() -> None:
    """Raises TracingError if the user's code assigns a traced value to elements of an ordinary array."""
    frame = sys._getframe(2)
    instruction = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    if instruction in ("STORE_SUBSCR", "STORE_SLICE") and code_kind(frame.f_code.co_filename) == "user":
        raise TracingError(
            f"{at_line()}a traced value is assigned to elements of an array that was not made within the loss, or not by a function that is "
            "known to make one. First copy it there: y = np.array(y), not y.copy(). Or make it with np.zeros, called so, or its kin."
        )
