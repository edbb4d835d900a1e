"""Arithmetic on values in registers, scalars and vectors alike: what is done to a scalar is done to each element.

Numbers of Python stand for constants of the other operand's type, so `multiply(x, 0.5)` works for every x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

__all__ = ["FAST", "STRICT", "Arithmetic", "constant", "element_of", "is_float", "with_element"]

STRICT: tuple[str, ...] = ()
"""Every rounding happens where it is written."""
FAST: tuple[str, ...] = ("reassoc", "contract", "nsz")
"""For ordinary sums and products. Never `nnan` or `ninf`: divergence must be seen."""

Operand = Any
"""A value of LLVM, or a number of Python."""

_NAMES = {"float": "f32", "double": "f64"}
_WIDTHS = {"float": 32, "double": 64}


def element_of(kind: ir.Type) -> ir.Type:
    """The type of a vector's elements; a scalar's own type."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def with_element(kind: ir.Type, element: ir.Type) -> ir.Type:
    """The type of the same width with other elements."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def is_float(value: ir.Value) -> bool:
    """Whether the elements are float32 or float64."""
    return str(element_of(value.type)) in _NAMES


def _bits(kind: ir.Type) -> int:
    element = element_of(kind)
    return int(_WIDTHS.get(str(element)) or element.width)


def constant(kind: ir.Type, value: float | int | bool) -> ir.Constant:
    """A number, in every element of a vector."""
    number = float(value) if str(element_of(kind)) in _NAMES else int(value)
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


@dataclass(frozen=True)
class Arithmetic:
    """Emits arithmetic through a builder. `flags` say what the compiler may do with sums and products of floats."""

    builder: ir.IRBuilder
    flags: tuple[str, ...] = STRICT

    def _like(self, value: ir.Value, operand: Operand) -> ir.Value:
        return operand if isinstance(operand, ir.Value) else constant(value.type, operand)

    def _pair(self, x: Operand, y: Operand) -> tuple[ir.Value, ir.Value]:
        if isinstance(x, ir.Value):
            return x, self._like(x, y)
        return self._like(y, x), y

    def _either(self, on_floats: str, on_integers: str, x: Operand, y: Operand) -> ir.Value:
        x, y = self._pair(x, y)
        if is_float(x):
            return getattr(self.builder, on_floats)(x, y, flags=self.flags)
        return getattr(self.builder, on_integers)(x, y)

    # Sums and products
    def add(self, x: Operand, y: Operand) -> ir.Value:
        return self._either("fadd", "add", x, y)

    def subtract(self, x: Operand, y: Operand) -> ir.Value:
        return self._either("fsub", "sub", x, y)

    def multiply(self, x: Operand, y: Operand) -> ir.Value:
        return self._either("fmul", "mul", x, y)

    def divide(self, x: Operand, y: Operand) -> ir.Value:
        """The quotient; of integers, cut off towards zero."""
        return self._either("fdiv", "sdiv", x, y)

    def negative(self, x: ir.Value) -> ir.Value:
        return self.builder.fneg(x, flags=self.flags) if is_float(x) else self.builder.neg(x)

    def fma(self, x: ir.Value, y: Operand, z: Operand) -> ir.Value:
        """x · y + z, rounded once."""
        return self.intrinsic("fma", x, self._like(x, y), self._like(x, z))

    def polynomial(self, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
        """c0 + c1 x + c2 x² + ..., by Horner's rule."""
        result = constant(x.type, coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = self.fma(result, x, coefficient)
        return result

    # Functions of one number
    def absolute(self, x: ir.Value) -> ir.Value:
        if is_float(x):
            return self.intrinsic("fabs", x)
        return self.select(self.compare("<", x, 0), self.negative(x), x)

    def sqrt(self, x: ir.Value) -> ir.Value:
        return self.intrinsic("sqrt", x)

    def rint(self, x: ir.Value) -> ir.Value:
        """The nearest whole number; halves go to the even one."""
        return self.intrinsic("rint", x)

    def floor(self, x: ir.Value) -> ir.Value:
        return self.intrinsic("floor", x)

    def ceil(self, x: ir.Value) -> ir.Value:
        return self.intrinsic("ceil", x)

    def trunc(self, x: ir.Value) -> ir.Value:
        return self.intrinsic("trunc", x)

    def copysign(self, magnitude: ir.Value, sign: Operand) -> ir.Value:
        return self.intrinsic("copysign", magnitude, self._like(magnitude, sign))

    def intrinsic(self, name: str, *arguments: ir.Value) -> ir.Value:
        """A call of an LLVM intrinsic on floats whose arguments and result have one type."""
        kind = arguments[0].type
        count = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
        full = f"llvm.{name}.{count}{_NAMES[str(element_of(kind))]}"
        known = self.builder.module.globals.get(full)
        if known is None:
            known = ir.Function(self.builder.module, ir.FunctionType(kind, [kind] * len(arguments)), full)
        return self.builder.call(known, arguments, fastmath=self.flags)

    # Truth
    def compare(self, operator: str, x: Operand, y: Operand) -> ir.Value:
        """One of < <= > >= == !=. NaN differs from everything and is neither less nor greater, as in Python."""
        x, y = self._pair(x, y)
        if is_float(x):
            compare = self.builder.fcmp_unordered if operator == "!=" else self.builder.fcmp_ordered
            return compare(operator, x, y)
        is_truth = _bits(x.type) == 1  # read with a sign, true would be -1
        return (self.builder.icmp_unsigned if is_truth else self.builder.icmp_signed)(operator, x, y)

    def is_nan(self, x: ir.Value) -> ir.Value:
        return self.builder.fcmp_unordered("uno", x, x)

    def select(self, condition: ir.Value, yes: Operand, no: Operand) -> ir.Value:
        """`yes` where the condition holds, else `no`; one of them has to be a value."""
        yes, no = self._pair(yes, no)
        return self.builder.select(condition, yes, no)

    def logical_and(self, x: ir.Value, y: ir.Value) -> ir.Value:
        return self.builder.and_(x, y)

    def logical_or(self, x: ir.Value, y: ir.Value) -> ir.Value:
        return self.builder.or_(x, y)

    def logical_not(self, x: ir.Value) -> ir.Value:
        return self.builder.xor(x, constant(x.type, 1))

    # Bits
    def bits_of(self, x: ir.Value) -> ir.Value:
        """The pattern of a float as an integer of the same width."""
        return self.builder.bitcast(x, with_element(x.type, ir.IntType(_bits(x.type))))

    def float_of(self, pattern: ir.Value) -> ir.Value:
        """The float that has this pattern."""
        element = {32: ir.FloatType(), 64: ir.DoubleType()}[_bits(pattern.type)]
        return self.builder.bitcast(pattern, with_element(pattern.type, element))

    def bit_and(self, x: ir.Value, y: Operand) -> ir.Value:
        return self.builder.and_(x, self._like(x, y))

    def bit_or(self, x: ir.Value, y: Operand) -> ir.Value:
        return self.builder.or_(x, self._like(x, y))

    def bit_xor(self, x: ir.Value, y: Operand) -> ir.Value:
        return self.builder.xor(x, self._like(x, y))

    def shift_left(self, x: ir.Value, count: Operand) -> ir.Value:
        return self.builder.shl(x, self._like(x, count))

    def shift_right(self, x: ir.Value, count: Operand) -> ir.Value:
        """Zeros come in from the left."""
        return self.builder.lshr(x, self._like(x, count))

    def shift_right_signed(self, x: ir.Value, count: Operand) -> ir.Value:
        """The sign comes in from the left."""
        return self.builder.ashr(x, self._like(x, count))

    # Types
    def convert(self, x: ir.Value, element: ir.Type) -> ir.Value:
        """With other elements: float, double, an integer with sign, or i1 for truth.

        Floats lose their fraction on the way to an integer; NaN and what is out of range give no defined integer.
        """
        source, target = element_of(x.type), with_element(x.type, element)
        if source == element:
            return x
        if element == ir.IntType(1):
            return self.compare("!=", x, 0)
        from_float, to_float = is_float(x), str(element) in _NAMES
        widens = _bits(target) > _bits(x.type)
        if from_float and to_float:
            return self.builder.fpext(x, target) if widens else self.builder.fptrunc(x, target)
        if from_float:
            return self.builder.fptosi(x, target)
        is_truth = source == ir.IntType(1)
        if to_float:
            return (self.builder.uitofp if is_truth else self.builder.sitofp)(x, target)
        if is_truth:
            return self.builder.zext(x, target)
        return self.builder.sext(x, target) if widens else self.builder.trunc(x, target)
