"""What NumPy and SciPy do not dispatch, made to work while a loss is traced.

np.array([...]) and np.full(n, x) of traced values are what people write, and NumPy gives no way to answer them; scipy.special.logsumexp,
softmax and log_softmax are plain functions. np.zeros(n) and its kin make arrays that the loss may fill with traced values. Within the
context below, calls that hold traced values, and calls from the user's code that make arrays in the thread that traces, are answered
here; all other calls, from any thread, go where they always went. Leaving the context puts everything back.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from ..errors import TracingError, code_kind
from .local_arrays import LocalArray, holds_traced, in_order, local
from .products import matmul
from .shadows import begin, end, is_tracing
from .statistics import traced_log_softmax, traced_logsumexp, traced_softmax
from .traced import as_traced

__all__ = ["while_tracing"]

_lock = threading.Lock()
_depth = 0
_undo: list[Callable[[], None]] = []


def _joined(value: Any) -> Any:
    """Nested lists of traced values and numbers as one traced array."""
    if isinstance(value, list | tuple):
        return np.stack([_joined(part) for part in value]) if holds_traced(value) else np.asarray(value)
    return value


def _is_from_user() -> bool:
    """Whether the function that is called here was called by the user's code, in the thread that traces."""
    return is_tracing() and code_kind(sys._getframe(2).f_code.co_filename) == "user"


def _array_function(original: Callable[..., Any], copies: bool, order: str = "K", least: int = 0) -> Callable[..., Any]:
    """One of np.array's kin. copies, order and least, of dimensions: what it does without the options of these names."""

    def array(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        is_traced = type(value) is not np.ndarray and holds_traced(value)
        if is_traced or (type(value) is LocalArray and _is_from_user()):
            if type(value) is LocalArray and code_kind(sys._getframe(1).f_code.co_filename) == "library":
                as_traced(value).__array__()  # says that it cannot be
            joined = _joined(value)
            if dtype is not None and dtype != joined.dtype:
                joined = joined.astype(dtype)
            elif kwargs.get("copy", copies) is True:
                joined = joined.copy()
            else:
                joined = in_order(joined, (args[0] if args else kwargs.get("order")) or order)
            missing = kwargs.get("ndmin", least) - joined.ndim
            return joined.reshape((1,) * missing + joined.shape) if missing > 0 else joined
        made = original(value, dtype, *args, **kwargs)
        return local(made) if made is not value and made.base is None and _is_from_user() else made

    return array


def _full_function(original: Callable[..., Any]) -> Callable[..., Any]:
    def full(shape: Any, fill_value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if holds_traced(fill_value):
            filled = np.broadcast_to(_joined(fill_value), shape).copy()
            return filled if dtype is None else filled.astype(dtype)
        made = original(shape, fill_value, dtype, *args, **kwargs)
        return local(made) if _is_from_user() else made

    return full


def _making_function(original: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        return local(made) if _is_from_user() else made

    return make


def _empty_function(original: Callable[..., Any]) -> Callable[..., Any]:
    def empty(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        if not _is_from_user():
            return made
        if type(made) is np.ndarray:
            made.fill(np.nan if made.dtype.kind in "fc" else 0)  # the same each time
        return local(made)

    return empty


_ANSWERED: dict[str, Callable[..., Any]] = {
    "array": lambda original: _array_function(original, copies=True),
    **dict.fromkeys(
        ("asarray", "asanyarray", "asarray_chkfinite"),
        lambda original: _array_function(original, copies=False),
    ),
    "ascontiguousarray": lambda original: _array_function(original, copies=False, order="C", least=1),
    "full": _full_function,
    **dict.fromkeys(("empty", "empty_like"), _empty_function),
    **dict.fromkeys(
        ("zeros", "ones", "eye", "identity", "arange", "linspace", "logspace", "geomspace"), _making_function
    ),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "copy", "diag"), _making_function),
}


def _patch_numpy() -> None:
    for name, answered in _ANSWERED.items():
        original = getattr(np, name)
        setattr(np, name, answered(original))
        _undo.append(lambda name=name, original=original: setattr(np, name, original))  # type: ignore[misc]


# The bodies below replace those of SciPy's functions. Their globals are SciPy's, so each imports what it needs.
def _logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):  # type: ignore[no-untyped-def]
    from thalweg.trace.patches import answer_special

    return answer_special("logsumexp", a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)


def _softmax(x, axis=None):  # type: ignore[no-untyped-def]
    from thalweg.trace.patches import answer_special

    return answer_special("softmax", x, axis=axis)


def _log_softmax(x, axis=None):  # type: ignore[no-untyped-def]
    from thalweg.trace.patches import answer_special

    return answer_special("log_softmax", x, axis=axis)


_TRACED: dict[str, Callable[..., Any]] = {
    "logsumexp": traced_logsumexp,
    "softmax": traced_softmax,
    "log_softmax": traced_log_softmax,
}
_REPLACEMENTS: dict[str, CodeType] = {
    "logsumexp": _logsumexp.__code__,
    "softmax": _softmax.__code__,
    "log_softmax": _log_softmax.__code__,
}
_originals: dict[str, Callable[..., Any]] = {}


def answer_special(name: str, x: Any, **options: Any) -> Any:
    """A call of one of SciPy's functions, made while something is traced."""
    if holds_traced(x) or holds_traced(options.get("b")):
        if options.pop("return_sign", False):
            raise TracingError("scipy.special.logsumexp is traced without return_sign=True; leave it away")
        return _TRACED[name](x, **options)
    return _originals[name](x, **options)


def _patch_scipy() -> None:
    special = sys.modules.get("scipy.special")
    if special is None:
        return
    for name, code in _REPLACEMENTS.items():
        function = getattr(special, name)
        if not isinstance(function, FunctionType) or function.__code__.co_freevars:
            continue
        original = function.__code__
        _originals[name] = FunctionType(
            original, function.__globals__, name, function.__defaults__, function.__closure__
        )
        function.__code__ = code
        _undo.append(lambda f=function, c=original: setattr(f, "__code__", c))  # type: ignore[misc]


_PRODUCTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("scipy.sparse", ("csr_array", "coo_array"), ("__matmul__", "dot")),
    ("scipy.sparse", ("spmatrix",), ("__mul__",)),
    ("pandas", ("DataFrame", "Series"), ("dot",)),  # also @
)
"""Modules, classes that inherit from all that multiply, and their products with an array, which they do not leave to the array."""


def _product(original: Callable[..., Any]) -> Callable[..., Any]:
    def product(self: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        return matmul(self, as_traced(other)) if holds_traced(other) else original(self, other, *args, **kwargs)

    return product


def _patch_products() -> None:
    for module, classes, names in _PRODUCTS:
        for kind in [getattr(sys.modules.get(module), name, object) for name in classes]:
            for owner, name in [(owner, name) for owner in kind.__mro__ for name in names if name in vars(owner)]:
                original = vars(owner)[name]
                setattr(owner, name, _product(original))
                _undo.append(lambda o=owner, n=name, f=original: setattr(o, n, f))  # type: ignore[misc]


@contextmanager
def while_tracing() -> Iterator[None]:
    """A context within which np.array, np.full and scipy.special.logsumexp, softmax and log_softmax accept traced values.

    Arrays that the user's code makes in it may be filled with traced values; sparse matrices and tables may be multiplied with them.
    """
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            _patch_numpy()
            _patch_scipy()
            _patch_products()
    begin()
    try:
        yield
    finally:
        end()
        with _lock:
            _depth -= 1
            if _depth == 0:
                while _undo:  # the latest first, since some are replaced twice
                    _undo.pop()()
