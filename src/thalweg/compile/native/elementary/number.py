"""Numbers in registers, scalars or vectors alike, with Python's operators: so that formulas read like formulas.

All arithmetic is strict: the reductions of arguments below rest on every rounding happening where it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

__all__ = ["Condition", "Number", "polynomial"]

_BITS = {"float": 32, "double": 64}


def _element(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _like(kind: ir.Type, element: ir.Type) -> ir.Type:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def _filled(kind: ir.Type, value: Any) -> ir.Constant:
    return ir.Constant(kind, [value] * kind.count) if isinstance(kind, ir.VectorType) else ir.Constant(kind, value)


@dataclass(frozen=True, eq=False)
class Condition:
    """A truth value for each element."""

    builder: ir.IRBuilder
    value: ir.Value

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Condition) -> Condition:
        return Condition(self.builder, self.builder.or_(self.value, other.value))

    def __invert__(self) -> Condition:
        return Condition(self.builder, self.builder.xor(self.value, _filled(self.value.type, 1)))

    def select(self, yes: Number, no: Number | float) -> Number:
        """`yes` where it holds, else `no`."""
        return Number(self.builder, self.builder.select(self.value, yes.value, yes.of(no).value))


@dataclass(frozen=True, eq=False)
class Number:
    """A float32 or float64, or a vector of them."""

    builder: ir.IRBuilder
    value: ir.Value

    @property
    def bits(self) -> int:
        """32 or 64."""
        return _BITS[str(_element(self.value.type))]

    @property
    def is_single(self) -> bool:
        return self.bits == 32

    def of(self, number: Number | float) -> Number:
        """A constant of the same type."""
        if isinstance(number, Number):
            return number
        return Number(self.builder, _filled(self.value.type, float(number)))

    def choose(self, single: Any, double: Any) -> Any:
        """What depends on the precision."""
        return single if self.is_single else double

    def _binary(self, operation: str, other: Number | float) -> Number:
        return Number(self.builder, getattr(self.builder, operation)(self.value, self.of(other).value))

    def __add__(self, other: Number | float) -> Number:
        return self._binary("fadd", other)

    def __radd__(self, other: float) -> Number:
        return self.of(other) + self

    def __sub__(self, other: Number | float) -> Number:
        return self._binary("fsub", other)

    def __rsub__(self, other: float) -> Number:
        return self.of(other) - self

    def __mul__(self, other: Number | float) -> Number:
        return self._binary("fmul", other)

    def __rmul__(self, other: float) -> Number:
        return self.of(other) * self

    def __truediv__(self, other: Number | float) -> Number:
        return self._binary("fdiv", other)

    def __rtruediv__(self, other: float) -> Number:
        return self.of(other) / self

    def __neg__(self) -> Number:
        return Number(self.builder, self.builder.fneg(self.value))

    def __abs__(self) -> Number:
        return self._intrinsic("fabs")

    def _intrinsic(self, name: str, *others: Number) -> Number:
        kind = self.value.type
        suffix = f"f{self.bits}"
        if isinstance(kind, ir.VectorType):
            suffix = f"v{kind.count}{suffix}"
        full = f"llvm.{name}.{suffix}"
        module = self.builder.module
        known = module.globals.get(full)
        if known is None:
            known = ir.Function(module, ir.FunctionType(kind, [kind] * (1 + len(others))), full)
        return Number(self.builder, self.builder.call(known, [self.value, *(o.value for o in others)]))

    def fma(self, factor: Number | float, summand: Number | float) -> Number:
        """self · factor + summand, rounded once."""
        return self._intrinsic("fma", self.of(factor), self.of(summand))

    def sqrt(self) -> Number:
        return self._intrinsic("sqrt")

    def rint(self) -> Number:
        return self._intrinsic("rint")

    def floor(self) -> Number:
        return self._intrinsic("floor")

    def with_sign_of(self, other: Number) -> Number:
        """The magnitude with another number's sign."""
        return self._intrinsic("copysign", other)

    def _compare(self, operator: str, other: Number | float) -> Condition:
        return Condition(self.builder, self.builder.fcmp_ordered(operator, self.value, self.of(other).value))

    def __lt__(self, other: Number | float) -> Condition:
        return self._compare("<", other)

    def __le__(self, other: Number | float) -> Condition:
        return self._compare("<=", other)

    def __gt__(self, other: Number | float) -> Condition:
        return self._compare(">", other)

    def __ge__(self, other: Number | float) -> Condition:
        return self._compare(">=", other)

    def equals(self, other: Number | float) -> Condition:
        return self._compare("==", other)

    @property
    def is_nan(self) -> Condition:
        return Condition(self.builder, self.builder.fcmp_unordered("uno", self.value, self.value))

    @property
    def is_negative(self) -> Condition:
        """Whether the sign bit is set, also that of -0."""
        return self.of(1.0).with_sign_of(self) < 0.0

    def clamped(self, low: float, high: float) -> Number:
        """Kept between two numbers; NaN becomes the lower one, so that it can be made an integer."""
        raised = (self > low).select(self, low)
        return (raised < high).select(raised, high)

    # Bits
    def _integers(self) -> ir.Type:
        return _like(self.value.type, ir.IntType(self.bits))

    def times_power_of_two(self, exponent: Number) -> Number:
        """self · 2^exponent for whole exponents, with gradual underflow: in two factors, each a normal number."""
        b = self.builder
        half = (exponent * 0.5).floor()
        return self * half._two_to_the() * Number(b, (exponent - half).value)._two_to_the()

    def _two_to_the(self) -> Number:
        b, kind = self.builder, self._integers()
        bias, mantissa = self.choose((127, 23), (1023, 52))
        whole = b.fptosi(self.value, kind)
        shifted = b.shl(b.add(whole, _filled(kind, bias)), _filled(kind, mantissa))
        return Number(b, b.bitcast(shifted, self.value.type))

    def fraction_and_exponent(self) -> tuple[Number, Number]:
        """m and e with self = m · 2^e and √½ ≤ m < √2, for positive finite numbers."""
        b, kind = self.builder, self._integers()
        mantissa = self.choose(23, 52)
        smallest, lift = self.choose((2.0**-126, 24), (2.0**-1022, 54))
        is_subnormal = self < smallest
        scaled = is_subnormal.select(self * 2.0**lift, self)
        # Adding what lies between √½ and 1 carries into the exponent just where the fraction is above √2.
        root_half = self.choose(0x3F3504F3, 0x3FE6A09E667F3BCD)
        one = self.choose(0x3F800000, 0x3FF0000000000000)
        pattern = b.add(b.bitcast(scaled.value, kind), _filled(kind, one - root_half))
        exponent = b.ashr(pattern, _filled(kind, mantissa))
        fraction = b.add(b.and_(pattern, _filled(kind, (1 << mantissa) - 1)), _filled(kind, root_half))
        bias = self.choose(127, 1023)
        e = Number(b, b.sitofp(b.sub(exponent, _filled(kind, bias)), self.value.type))
        e = is_subnormal.select(e - float(lift), e)
        return Number(b, b.bitcast(fraction, self.value.type)), e

    def as_double(self) -> Number:
        if not self.is_single:
            return self
        return Number(self.builder, self.builder.fpext(self.value, _like(self.value.type, ir.DoubleType())))

    def as_single(self) -> Number:
        return Number(self.builder, self.builder.fptrunc(self.value, _like(self.value.type, ir.FloatType())))


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """c0 + c1 x + c2 x² + ..., by Horner's rule."""
    result = x.of(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result.fma(x, coefficient)
    return result
