"""Numbers in registers, scalars or vectors alike, with Python's operators: so that formulas read like formulas.

All arithmetic is strict: the formulas rest on every rounding happening where it is written. Nothing is a branch, and
nothing needs a conversion between whole numbers and floating point, which older processors lack for vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from llvmlite import ir

from .constants import element_of, filled

__all__ = ["Condition", "Number", "exact_sum", "polynomial", "quotient"]

_BITS = {"float": 32, "double": 64}

Choice = TypeVar("Choice")


def _like(kind: ir.Type, element: ir.Type) -> ir.Type:
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


@dataclass(frozen=True, eq=False)
class Condition:
    """A truth value for each element."""

    builder: ir.IRBuilder
    value: ir.Value

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Condition) -> Condition:
        return Condition(self.builder, self.builder.or_(self.value, other.value))

    def __xor__(self, other: Condition) -> Condition:
        return Condition(self.builder, self.builder.xor(self.value, other.value))

    def __invert__(self) -> Condition:
        return Condition(self.builder, self.builder.xor(self.value, filled(self.value.type, 1)))

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
        return _BITS[str(element_of(self.value.type))]

    @property
    def is_single(self) -> bool:
        return self.bits == 32

    def of(self, number: Number | float) -> Number:
        """A constant of the same type."""
        if isinstance(number, Number):
            return number
        return Number(self.builder, filled(self.value.type, float(number)))

    def choose(self, single: Choice, double: Choice) -> Choice:
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

    def _from_bits(self, pattern: ir.Value) -> Number:
        return Number(self.builder, self.builder.bitcast(pattern, self.value.type))

    def _pattern(self) -> tuple[ir.Value, ir.Type]:
        """The bits as a whole number, and its type."""
        kind = _like(self.value.type, ir.IntType(self.bits))
        return self.builder.bitcast(self.value, kind), kind

    def power_of_two(self) -> Number:
        """2^self for whole numbers in the range of normal exponents."""
        # Numbers near 1.5 · 2^52 hold a whole number in their lowest bits; the shift leaves it as an exponent.
        bias, mantissa = self.choose((127, 23), (1023, 52))
        pattern, kind = (self + (1.5 * 2.0**mantissa + bias))._pattern()
        return self._from_bits(self.builder.shl(pattern, filled(kind, mantissa)))

    def times_power_of_two(self, exponent: Number) -> Number:
        """self · 2^exponent for whole exponents, with gradual underflow: in two factors, each a normal number."""
        half = (exponent * 0.5).floor()
        return self * half.power_of_two() * (exponent - half).power_of_two()

    def fraction_and_exponent(self, is_normal: bool = False) -> tuple[Number, Number]:
        """m and e with self = m · 2^e and √½ ≤ m < √2, for positive finite numbers.

        is_normal: no number is subnormal.
        """
        b = self.builder
        mantissa, bias, lift = self.choose((23, 127, 24), (52, 1023, 54))
        is_subnormal = self < self.choose(2.0**-126, 2.0**-1022)
        scaled = self if is_normal else is_subnormal.select(self * 2.0**lift, self)
        # Adding what lies between √½ and 1 carries into the exponent just where the fraction is above √2.
        root_half = self.choose(0x3F3504F3, 0x3FE6A09E667F3BCD)
        one = self.choose(0x3F800000, 0x3FF0000000000000)
        pattern, kind = scaled._pattern()
        pattern = b.add(pattern, filled(kind, one - root_half))
        fraction = b.add(b.and_(pattern, filled(kind, (1 << mantissa) - 1)), filled(kind, root_half))
        # As the lowest bits of 2^52 the exponent is a number at once.
        whole, _ = self.of(2.0**mantissa)._pattern()
        e = self._from_bits(b.or_(b.lshr(pattern, filled(kind, mantissa)), whole))
        offset = self.of(2.0**mantissa + bias)
        if not is_normal:
            offset = is_subnormal.select(self.of(2.0**mantissa + bias + lift), offset)
        return self._from_bits(fraction), e - offset

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


def exact_sum(large: Number | float, small: Number) -> tuple[Number, Number]:
    """large + small as a rounded number and what the rounding lost, for |large| ≥ |small|, or equal exponents, or large = 0.

    T. Dekker, *A Floating-Point Technique for Extending the Available Precision* (1971).
    """
    total = large + small
    return total, small - (total - large)


def quotient(numerator: tuple[Number | float, Number | float], denominator: tuple[Number, Number]) -> Number:
    """The quotient of two numbers, each the sum of a large and a small part. Within about 0.5 ulp."""
    (high, low), (divisor, divisor_low) = numerator, denominator
    inverse = 1.0 / divisor
    estimate = high * inverse
    rest = (-estimate).fma(divisor, high) + (-estimate).fma(divisor_low, low)
    return rest.fma(inverse, estimate)
