"""One line per elementwise primitive: how it is computed on values in registers, scalars or vectors alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from .arrays import value_type
from .constants import element_of, filled
from .elementary import call

__all__ = ["FAST", "FORMULAS", "combine", "constant", "identity", "intrinsic"]

FAST = ("reassoc", "contract", "nsz")
"""What the compiler may do with sums and products. Never `nnan` or `ninf`: divergence must be seen."""

Formula = Callable[..., ir.Value]


def constant(kind: ir.Type, value: Any) -> ir.Constant:
    """A number, in every element of a vector."""
    return filled(kind, _number(element_of(kind), value))


def _number(kind: ir.Type, value: Any) -> Any:
    return float(value) if isinstance(kind, ir.FloatType | ir.DoubleType) else int(value)


def is_float(value: ir.Value) -> bool:
    return isinstance(element_of(value.type), ir.FloatType | ir.DoubleType)


def _suffix(kind: ir.Type) -> str:
    scalar = {"float": "f32", "double": "f64", "i64": "i64", "i1": "i1"}[str(element_of(kind))]
    return f"v{kind.count}{scalar}" if isinstance(kind, ir.VectorType) else scalar


def intrinsic(builder: ir.IRBuilder, name: str, *arguments: ir.Value) -> ir.Value:
    """A call of an LLVM intrinsic whose arguments and result have one type."""
    kind = arguments[0].type
    full = f"llvm.{name}.{_suffix(kind)}"
    known = builder.module.globals.get(full)
    if known is None:
        known = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(arguments)), full)
    return builder.call(known, arguments)


def _either(on_floats: str, on_integers: str) -> Formula:
    def formula(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
        return getattr(b, on_floats)(x, y, flags=FAST) if is_float(x) else getattr(b, on_integers)(x, y)

    return formula


def _compare(operator: str) -> Formula:
    def formula(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
        if is_float(x):
            compare = b.fcmp_unordered if operator == "!=" else b.fcmp_ordered
            return compare(operator, x, y)
        compare = b.icmp_unsigned if element_of(x.type) == ir.IntType(1) else b.icmp_signed
        return compare(operator, x, y)

    return formula


def _elementary(name: str) -> Formula:
    return lambda b, *xs: call(b, name, *xs)


def _intrinsic(name: str) -> Formula:
    def formula(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
        return intrinsic(b, name, x) if is_float(x) else x

    return formula


def _negative(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return b.fneg(x) if is_float(x) else b.sub(constant(x.type, 0), x)


def _absolute(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    if is_float(x):
        return intrinsic(b, "fabs", x)
    return b.select(b.icmp_signed("<", x, constant(x.type, 0)), _negative(b, x), x)


def _sign(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    zero, one = constant(x.type, 0), constant(x.type, 1)
    if not is_float(x):
        below = b.select(b.icmp_signed("<", x, zero), constant(x.type, -1), zero)
        return b.select(b.icmp_signed(">", x, zero), one, below)
    is_special = b.fcmp_unordered("==", x, zero)  # zero or NaN: passed through
    return b.select(is_special, x, b.select(b.fcmp_ordered("<", x, zero), constant(x.type, -1), one))


def _extremum(float_operator: str) -> Formula:
    """NaN wins, as in NumPy."""

    def formula(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
        if not is_float(x):
            return b.select(b.icmp_signed(float_operator, x, y), x, y)
        larger = b.select(b.fcmp_ordered(float_operator, x, y), x, y)
        return b.select(b.fcmp_unordered("uno", x, x), x, larger)

    return formula


def _divide(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    return b.fdiv(x, y, flags=("nsz",))


def _remainder(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """With the sign of the divisor, as in Python."""
    if not is_float(x):
        rest = b.srem(x, y)
        zero = constant(x.type, 0)
        differs = b.icmp_signed("<", b.xor(rest, y), zero)
        return b.select(b.and_(b.icmp_signed("!=", rest, zero), differs), b.add(rest, y), rest)
    rest = b.frem(x, y)
    zero = constant(x.type, 0)
    nonzero = b.fcmp_ordered("!=", rest, zero)
    differs = b.xor(b.fcmp_ordered("<", rest, zero), b.fcmp_ordered("<", y, zero))
    return b.select(b.and_(nonzero, differs), b.fadd(rest, y), rest)


def _power(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    if is_float(x):
        return call(b, "power", x, y)
    one, zero = constant(x.type, 1), constant(x.type, 0)
    result, base, rest = one, x, y
    for _ in range(6):  # exponents up to 63; larger ones overflow for every base but 0 and ±1
        is_odd = b.icmp_signed("!=", b.and_(rest, one), zero)
        result = b.select(is_odd, b.mul(result, base), result)
        base, rest = b.mul(base, base), b.ashr(rest, one)
    return result


def _isfinite(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    if not is_float(x):
        return constant(ir.VectorType(ir.IntType(1), x.type.count) if _is_vector(x) else ir.IntType(1), 1)
    return b.fcmp_ordered("<", intrinsic(b, "fabs", x), constant(x.type, float("inf")))


def _is_vector(x: ir.Value) -> bool:
    return isinstance(x.type, ir.VectorType)


def _logical_not(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return b.xor(_truth(b, x), constant(_boolean_like(x), 1))


def _boolean_like(x: ir.Value) -> ir.Type:
    bit = ir.IntType(1)
    return ir.VectorType(bit, x.type.count) if _is_vector(x) else bit


def _truth(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    if element_of(x.type) == ir.IntType(1):
        return x
    zero = constant(x.type, 0)
    return b.fcmp_unordered("!=", x, zero) if is_float(x) else b.icmp_signed("!=", x, zero)


def _logical(operation: str) -> Formula:
    return lambda b, x, y: getattr(b, operation)(_truth(b, x), _truth(b, y))


def convert(b: ir.IRBuilder, x: ir.Value, dtype: np.dtype[Any]) -> ir.Value:
    """x as another dtype."""
    target = value_type(dtype, x.type.count if _is_vector(x) else 1)
    source = element_of(x.type)
    if target == x.type:
        return x
    if dtype.kind == "b":
        return _truth(b, x)
    if dtype.kind == "i":
        return b.fptosi(x, target) if is_float(x) else b.zext(x, target)
    if is_float(x):
        return b.fpext(x, target) if dtype.itemsize == 8 else b.fptrunc(x, target)
    return b.uitofp(x, target) if source == ir.IntType(1) else b.sitofp(x, target)


FORMULAS: Mapping[str, Formula] = {
    "add": _either("fadd", "add"),
    "subtract": _either("fsub", "sub"),
    "multiply": _either("fmul", "mul"),
    "divide": _divide,
    "negative": _negative,
    "remainder": _remainder,
    "power": _power,
    "absolute": _absolute,
    "sign": _sign,
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "rint": _intrinsic("rint"),
    "trunc": _intrinsic("trunc"),
    "sqrt": _intrinsic("sqrt"),
    "maximum": _extremum(">"),
    "minimum": _extremum("<"),
    "less": _compare("<"),
    "less_equal": _compare("<="),
    "equal": _compare("=="),
    "not_equal": _compare("!="),
    "logical_and": _logical("and_"),
    "logical_or": _logical("or_"),
    "logical_not": _logical_not,
    "isfinite": _isfinite,
    "where": lambda b, condition, x, y: b.select(condition, x, y),
    "detach": lambda b, x: x,
    **{
        name: _elementary(name)
        for name in (
            *("exp", "expm1", "log", "log1p", "expit", "softplus", "sin", "cos", "tan", "arcsin", "arccos"),
            *("arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "erf", "erfc"),
            "gammaln",
        )
    },
}


def formula(builder: ir.IRBuilder, node: Node, *operands: ir.Value) -> ir.Value:
    """The value of an elementwise node, computed from its operands' values."""
    if node.primitive.name == "convert":
        return convert(builder, operands[0], node.dtype)
    if node.primitive.name == "polygamma":
        return call(builder, f"polygamma{node.attributes['order']}", *operands)
    return FORMULAS[node.primitive.name](builder, *operands)


def identity(reduction: str, dtype: np.dtype[Any]) -> float | int:
    """The neutral element of a reduction."""
    if reduction == "sum":
        return 0
    if dtype.kind == "f":
        return float("-inf") if reduction == "maximum_reduce" else float("inf")
    limits = np.iinfo(dtype)
    return int(limits.min) if reduction == "maximum_reduce" else int(limits.max)


_COMBINE = {"sum": "add", "maximum_reduce": "maximum", "minimum_reduce": "minimum"}


def combine(builder: ir.IRBuilder, reduction: str, x: ir.Value, y: ir.Value) -> ir.Value:
    """Two partial results of a reduction made one."""
    return FORMULAS[_COMBINE[reduction]](builder, x, y)


def across(builder: ir.IRBuilder, reduction: str, value: ir.Value) -> ir.Value:
    """The elements of a vector, reduced to one: halves are combined until one is left."""
    lanes = ir.IntType(32)
    while isinstance(value.type, ir.VectorType):
        count = value.type.count
        half = count // 2
        undefined = filled(value.type, ir.Undefined)

        def part(start: int, width: int, value: ir.Value = value, undefined: ir.Value = undefined) -> ir.Value:
            if width == 1:
                return builder.extract_element(value, ir.Constant(lanes, start))
            mask = ir.Constant(ir.VectorType(lanes, width), list(range(start, start + width)))
            return builder.shuffle_vector(value, undefined, mask)

        value = combine(builder, reduction, part(0, half), part(half, half))
    return value
