"""What a trace of a function depends on beside its arguments: the same code that reads the same values gives the same graph.

A loss may refer to anything, and what it refers to counts as it is at the time of the call. Most losses refer to little: NumPy's
functions, numbers, other functions like themselves. Of these it can be known from the byte code that nothing else has a say, and then
comparing what they read takes the place of tracing them once more; small arrays by what they hold now. Whatever is not surely known
here, such as a list, an object, a random number, a `try`, or an instruction of another Python, has to be traced.
"""

from __future__ import annotations

import dis
import hashlib
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

import numpy as np

from .rules import FUNCTIONS, UFUNCS
from .traced import Traced

__all__ = ["Reading", "reads"]

_INSTRUCTIONS = frozenset(
    {
        *("NOP", "RESUME", "PRECALL", "PUSH_NULL", "POP_TOP", "COPY", "SWAP", "EXTENDED_ARG", "NOT_TAKEN"),
        *("LOAD_CONST", "LOAD_COMMON_CONSTANT", "LOAD_SMALL_INT", "LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD"),
        *("MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE", "LOAD_DEREF", "MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE"),
        *("BINARY_OP", "BINARY_SUBSCR", "BINARY_SLICE", "COMPARE_OP", "CONTAINS_OP", "TO_BOOL"),
        *("UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT", "UNARY_POSITIVE", "STORE_SUBSCR", "STORE_SLICE"),
        *("BUILD_TUPLE", "BUILD_LIST", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "BUILD_SLICE", "BUILD_STRING"),
        *("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "CONVERT_VALUE", "LIST_APPEND", "LIST_EXTEND"),
        *("DELETE_FAST", "LIST_TO_TUPLE", "MAP_ADD", "DICT_UPDATE", "DICT_MERGE", "UNPACK_SEQUENCE", "UNPACK_EX"),
        *("CALL", "CALL_KW", "CALL_FUNCTION_EX", "KW_NAMES", "RETURN_VALUE", "RETURN_CONST", "RETURN_GENERATOR"),
        *("YIELD_VALUE", "GET_ITER", "FOR_ITER", "END_FOR", "POP_ITER", "RERAISE"),
    }
)
_FAMILIES = ("LOAD_FAST", "STORE_FAST", "JUMP_", "POP_JUMP_")
"""Instructions of the byte code that reach nothing but their operands. What outlives a call is reached by LOAD_GLOBAL and LOAD_DEREF alone,
which only read."""
_INTRINSICS = ("INTRINSIC_STOPITERATION_ERROR", "INTRINSIC_UNARY_POSITIVE", "INTRINSIC_LIST_TO_TUPLE")  # so do these

_BUILTINS: tuple[object, ...] = (
    *(abs, bool, dict, enumerate, float, int, len, list, map, max, min, pow, range),
    *(reversed, round, sum, tuple, zip),
)
_CREATION = (np.arange, np.array, np.asarray, np.empty, np.eye, np.full, np.identity, np.linspace, np.ones, np.zeros)
_OF_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_OF_CONTAINERS = ("append", "extend", "items", "keys", "values")


@dataclass(frozen=True)
class _Names:
    """What code reads from outside. globals: single names. of_modules: (global name, attribute)."""

    globals: tuple[str, ...]
    of_modules: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading:
    """All that a trace depends on. has_arrays: among it arrays, which the function itself may write into."""

    forms: tuple[Hashable, ...]
    has_arrays: bool


_MOST_BYTES = 1 << 17
"""Of arrays that are compared. To look at larger ones takes long, and so does keeping what was made of them."""


@dataclass
class _Seen:
    """Functions and arrays (by id), each with its number, which stands for it wherever it is referred to. bytes: of the arrays."""

    functions: dict[FunctionType, int] = field(default_factory=dict)
    arrays: dict[int, int] = field(default_factory=dict)
    bytes: int = 0


def reads(function: Callable[..., Any]) -> Reading | None:
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
    if type(function) is not FunctionType:
        return None
    seen = _Seen({function: 0})
    forms: list[Hashable] = []
    while len(forms) < len(seen.functions):  # each is looked into once
        for found in list(seen.functions)[len(forms) :]:
            form = _of_function(found, seen)
            if form is None:
                return None
            forms.append(form)
    return Reading(tuple(forms), bool(seen.arrays))


def _of_function(function: FunctionType, seen: _Seen) -> Hashable | None:
    names = _names(function.__code__)
    if names is None or vars(function):  # attributes of its own may change
        return None
    try:
        captured = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a cell that is empty yet
        return None
    captured += [function.__defaults__ or (), tuple((function.__kwdefaults__ or {}).items())]
    spaces = function.__globals__, function.__builtins__  # type: ignore[attr-defined]  # not in the stubs
    if not all(type(space) is dict for space in spaces):  # others may look names up in their own way
        return None
    captured += [_found(spaces, name) for name in names.globals]
    forms: list[Hashable] = [_of_value(value, seen) for value in captured]
    forms += [_of_attribute(_found(spaces, name), attribute, seen) for name, attribute in names.of_modules]
    return None if None in forms else (function.__code__, function.__code__.co_filename, *forms)


_NOTHING = object()


def _found(spaces: tuple[Mapping[str, Any], Mapping[str, Any]], name: str) -> Any:
    globals, builtins = spaces
    return globals[name] if name in globals else builtins.get(name, _NOTHING)


def _of_value(value: Any, seen: _Seen) -> Hashable | None:
    """What tells a value from others; the type counts, and 0.0 is not -0.0. None if that cannot be known."""
    kind = type(value)
    if id(value) in _constant_functions():
        return (value,)
    if kind in (int, bool, str, type(None)):
        return kind, value
    if kind is float:
        return kind, repr(value)
    if kind is tuple:
        forms = tuple([_of_value(part, seen) for part in value])
        return None if None in forms else forms
    if kind is FunctionType:
        return kind, seen.functions.setdefault(value, len(seen.functions))
    if kind is np.ndarray:
        return _of_array(value, seen)
    if isinstance(value, np.generic) and value.dtype.kind in "fiub" and kind is value.dtype.type:
        return kind, value.tobytes()
    return (value,) if kind is np.ufunc and value.__name__ in UFUNCS else None


def _of_array(array: np.ndarray[Any, Any], seen: _Seen) -> Hashable | None:
    """What an array holds, how it lies in memory, which may change last digits, and where else it is referred to."""
    if id(array) in seen.arrays:
        return np.ndarray, seen.arrays[id(array)]
    number = seen.arrays[id(array)] = len(seen.arrays)
    seen.bytes += array.nbytes
    if array.dtype.kind not in "fiub" or seen.bytes > _MOST_BYTES:
        return None
    digest = hashlib.sha256(array.tobytes()).digest()
    return np.ndarray, number, array.dtype.str, array.shape, array.strides, digest


def _of_attribute(value: Any, attribute: str, seen: _Seen) -> Hashable | None:
    """What a module has under a name now, or a value whose attributes are as constant as itself."""
    if value is not np and value is not math:
        return _of_value(value, seen) if attribute in _attributes() else None
    found = getattr(value, attribute, _NOTHING)
    is_scalar_type = isinstance(found, type) and issubclass(found, np.generic)
    is_of_math = type(found) is BuiltinFunctionType and found.__module__ == "math"
    return (found,) if is_scalar_type or is_of_math else _of_value(found, seen)


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
    instructions = list(dis.get_instructions(code))
    for before, found in pairwise([*instructions[:1], *instructions]):
        is_attribute = found.opname in _OF_ATTRIBUTES
        is_of_global = before.opname == "LOAD_GLOBAL"
        if not _is_known(found, before, code):
            return None
        if is_of_global and is_attribute and not found.is_jump_target:
            pairs.add((before.argval, found.argval))
        elif is_attribute and found.argval not in _attributes():
            return None
        elif is_of_global:
            singles.add(before.argval)
    for constant in code.co_consts:
        if isinstance(constant, frozenset):  # equal ones may differ in their order
            return None
        if isinstance(constant, CodeType) and not _is_of_annotations(constant, code):
            inner = _names(constant)
            if inner is None:
                return None
            singles.update(inner.globals)
            pairs.update(inner.of_modules)
    return _Names(tuple(sorted(singles)), tuple(sorted(pairs)))


def _is_known(found: dis.Instruction, before: dis.Instruction, code: CodeType) -> bool:
    match found.opname:
        case "STORE_DEREF":  # a comprehension's own variable may have the name of one from outside
            return found.argval in code.co_cellvars and found.argval not in code.co_freevars
        case "IS_OP":  # equal values may be different objects, save for these
            is_unique = before.argrepr in ("None", "True", "False") or before.opname == "LOAD_COMMON_CONSTANT"
            return is_unique and not found.is_jump_target
        case "CALL_INTRINSIC_1":
            return found.argrepr in _INTRINSICS
        case name:
            return name in _INSTRUCTIONS or name.startswith(_FAMILIES)


def _is_of_annotations(inner: CodeType, code: CodeType) -> bool:
    """Whether it is Python's own function that says a function's annotations, which nothing within a loss asks for."""
    return inner.co_name == "__annotate__" and inner.co_name not in (*code.co_varnames, *code.co_cellvars)
