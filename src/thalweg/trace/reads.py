"""What a trace of a function depends on beside its arguments: the same code that reads the same values gives the same graph.

A loss may refer to anything, and what it refers to counts as it is at the time of the call. Most losses refer to little: NumPy's
functions, numbers, other functions like themselves. Of these it can be known from the byte code that nothing else has a say, and then
comparing what they read takes the place of tracing them once more. Whatever is not surely known here, such as an array, a list, an
object, a random number, a `try`, or an instruction of another Python, has to be traced.
"""

from __future__ import annotations

import dis
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

import numpy as np

from .traced import FUNCTIONS, UFUNCS, Traced

__all__ = ["reads"]

_INSTRUCTIONS = frozenset(
    {
        *("NOP", "CACHE", "RESUME", "PRECALL", "PUSH_NULL", "POP_TOP", "COPY", "SWAP", "EXTENDED_ARG", "NOT_TAKEN"),
        *("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "DELETE_FAST"),
        *("MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE", "LOAD_DEREF", "MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE"),
        *("BINARY_OP", "BINARY_SUBSCR", "BINARY_SLICE", "COMPARE_OP", "CONTAINS_OP", "IS_OP", "TO_BOOL"),
        *("UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "UNARY_POSITIVE", "STORE_SUBSCR", "STORE_SLICE"),
        *("BUILD_TUPLE", "BUILD_LIST", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "BUILD_SLICE", "BUILD_STRING"),
        *("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "LIST_APPEND", "LIST_EXTEND", "LIST_TO_TUPLE"),
        *("MAP_ADD", "DICT_UPDATE", "DICT_MERGE", "UNPACK_SEQUENCE", "UNPACK_EX"),
        *("CALL", "CALL_KW", "CALL_FUNCTION_EX", "KW_NAMES", "RETURN_VALUE", "RETURN_CONST", "RETURN_GENERATOR"),
        *("YIELD_VALUE", "GET_ITER", "FOR_ITER", "END_FOR", "POP_ITER", "RERAISE"),
    }
)
_FAMILIES = ("LOAD_FAST", "STORE_FAST", "JUMP_", "POP_JUMP_")
"""Instructions of the byte code that reach nothing but their operands. What outlives a call is reached by LOAD_GLOBAL and LOAD_DEREF alone,
which only read."""

_BUILTINS: tuple[object, ...] = (
    *(abs, bool, dict, enumerate, float, int, len, list, map, max, min, pow, range),
    *(reversed, round, sum, tuple, zip),
)
_CREATION = (np.arange, np.array, np.asarray, np.eye, np.full, np.identity, np.linspace, np.ones, np.zeros)
_OF_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_OF_CONTAINERS = ("append", "extend", "items", "keys", "values")


@dataclass(frozen=True)
class _Names:
    """What code reads from outside. globals: single names. of_modules: (global name, attribute)."""

    globals: tuple[str, ...]
    of_modules: tuple[tuple[str, str], ...]


def reads(function: Callable[..., Any]) -> Hashable | None:
    """All that a trace of the function depends on, if its arguments are traced values in tuples, lists and dicts; else None.

    Equal answers mean equal graphs, as long as the process lasts.

    >>> scale = 2.0
    >>> def loss(x):
    ...     return scale * np.sum(x**2)
    >>> before = reads(loss)
    >>> scale = 3.0
    >>> before == reads(loss)
    False
    """
    return _of_function(function, ())


def _of_function(function: Any, callers: tuple[CodeType, ...]) -> Hashable | None:
    if type(function) is not FunctionType or vars(function):  # attributes of its own may change
        return None
    code = function.__code__
    names = None if code in callers else _names(code)
    if names is None:
        return None
    callers = (*callers, code)
    try:
        captured = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a cell that is empty yet
        return None
    captured += [function.__defaults__ or (), tuple((function.__kwdefaults__ or {}).items())]
    spaces = function.__globals__, function.__builtins__  # type: ignore[attr-defined]  # not in the stubs
    if not all(type(space) is dict for space in spaces):  # others may look names up in their own way
        return None
    captured += [_found(spaces, name) for name in names.globals]
    forms: list[Hashable] = [_of_value(value, callers) for value in captured]
    forms += [_of_attribute(_found(spaces, name), attribute, callers) for name, attribute in names.of_modules]
    return None if None in forms else (code, code.co_filename, *forms)


_NOTHING = object()


def _found(spaces: tuple[Mapping[str, Any], Mapping[str, Any]], name: str) -> Any:
    globals, builtins = spaces
    return globals[name] if name in globals else builtins.get(name, _NOTHING)


def _of_value(value: Any, callers: tuple[CodeType, ...]) -> Hashable | None:
    """What tells a value that cannot change from others; the type counts, and 0.0 is not -0.0. None if it may change."""
    kind = type(value)
    if id(value) in _constant_functions():
        return (value,)
    if kind in (int, bool, str, type(None)):
        return kind, value
    if kind is float:
        return kind, repr(value)
    if kind is tuple:
        forms = tuple([_of_value(part, callers) for part in value])
        return None if None in forms else forms
    if kind is FunctionType:
        return _of_function(value, callers)
    if isinstance(value, np.generic) and value.dtype.kind in "fiub" and kind is value.dtype.type:
        return kind, value.tobytes()
    return (value,) if kind is np.ufunc and value.__name__ in UFUNCS else None


def _of_attribute(value: Any, attribute: str, callers: tuple[CodeType, ...]) -> Hashable | None:
    """What a module has under a name now, or a value whose attributes are as constant as itself."""
    if value is not np and value is not math:
        return _of_value(value, callers) if attribute in _attributes() else None
    found = getattr(value, attribute, _NOTHING)
    is_scalar_type = isinstance(found, type) and issubclass(found, np.generic)
    is_of_math = type(found) is BuiltinFunctionType and found.__module__ == "math"
    return (found,) if is_scalar_type or is_of_math else _of_value(found, callers)


@lru_cache(maxsize=1)
def _constant_functions() -> dict[int, Any]:
    """Functions that return the same for the same arguments: those of NumPy that are traced, and some of Python's, by id."""
    return {id(function): function for function in (*FUNCTIONS, *_CREATION, *_BUILTINS)}


@lru_cache(maxsize=1)
def _attributes() -> frozenset[str]:
    """What the values within a loss may be asked for: what traced values and containers have."""
    return frozenset(name for name in dir(Traced) if not name.startswith("_")) | frozenset(_OF_CONTAINERS)


@lru_cache(maxsize=512)
def _names(code: CodeType) -> _Names | None:
    """What code, and the functions written within it, read by name; None if one of its instructions is not known here."""
    singles: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    instructions = [found for found in dis.get_instructions(code) if found.opname not in ("CACHE", "EXTENDED_ARG")]
    for found, following in pairwise([*instructions, *instructions[-1:]]):
        is_own_cell = found.opname == "STORE_DEREF" and found.argval in code.co_cellvars
        if not (found.opname in _INSTRUCTIONS or found.opname.startswith(_FAMILIES) or is_own_cell):
            return None
        if found.opname == "LOAD_GLOBAL" and following.opname not in _OF_ATTRIBUTES:
            singles.add(found.argval)
        elif found.opname == "LOAD_GLOBAL":
            pairs.add((found.argval, following.argval))
        elif following.opname in _OF_ATTRIBUTES and following.argval not in _attributes():
            return None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = _names(constant)
            if inner is None:
                return None
            singles.update(inner.globals)
            pairs.update(inner.of_modules)
    return _Names(tuple(sorted(singles)), tuple(sorted(pairs)))
