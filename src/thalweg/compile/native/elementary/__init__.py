"""Elementary functions as LLVM functions without branches, so that they work on vectors of any width.

Each is emitted once per module and type. To add one, write its formula on `Number` and enter it below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from llvmlite import ir

from ..arithmetic import Number
from . import error_function, exponential, inverse, special, trigonometric
from .power import power

__all__ = ["ELEMENTARY", "call"]

ELEMENTARY: Mapping[str, Callable[..., Number]] = {
    **{
        name: getattr(exponential, name)
        for name in (
            *("exp", "expm1", "log", "log1p", "expit", "softplus"),
            *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
        )
    },
    **{name: getattr(trigonometric, name) for name in ("sin", "cos", "tan")},
    **{name: getattr(inverse, name) for name in ("arcsin", "arccos", "arctan", "arctan2")},
    **{name: getattr(error_function, name) for name in ("erf", "erfc")},
    "gammaln": special.gammaln,
    "power": power,
}
"""The functions by name. `polygamma0`, `polygamma1`, ... are made as they are asked for."""


def call(builder: ir.IRBuilder, name: str, *arguments: ir.Value) -> ir.Value:
    """Calls an elementary function on values of one type: float, double, or a vector of them."""
    kind = arguments[0].type
    suffix = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
    element = str(kind.element if suffix else kind)
    full = f"{name}.{suffix}{element}"
    function = builder.module.globals.get(full)
    if function is None:
        function = _define(builder.module, full, name, kind, len(arguments))
    return builder.call(function, arguments)


def _define(module: ir.Module, full: str, name: str, kind: ir.Type, count: int) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(kind, [kind] * count), full)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    function.attributes.add("readnone")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    result = _formula(name)(*(Number(builder, argument) for argument in function.args))
    builder.ret(result.value)
    return function


def _formula(name: str) -> Callable[..., Number]:
    if name.startswith("polygamma"):
        return partial(special.polygamma, order=int(name.removeprefix("polygamma")))
    return ELEMENTARY[name]
