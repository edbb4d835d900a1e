"""Numbers in registers, scalars or vectors alike, with Python's operators: so that formulas read like formulas.

All arithmetic is strict: the reductions of arguments in these files rest on every rounding happening where it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..arithmetic import Arithmetic, constant, element_of

__all__ = ["Condition", "Number", "polynomial"]


@dataclass(frozen=True, eq=False)
class Condition:
    """A truth value for each element."""

    arithmetic: Arithmetic
    value: ir.Value

    def __and__(self, other: Condition) -> Condition:
        return Condition(self.arithmetic, self.arithmetic.logical_and(self.value, other.value))

    def __or__(self, other: Condition) -> Condition:
        return Condition(self.arithmetic, self.arithmetic.logical_or(self.value, other.value))

    def __invert__(self) -> Condition:
        return Condition(self.arithmetic, self.arithmetic.logical_not(self.value))

    def select(self, yes: Number, no: Number | float) -> Number:
        """`yes` where it holds, else `no`."""
        return Number(self.arithmetic, self.arithmetic.select(self.value, yes.value, yes.of(no).value))


@dataclass(frozen=True, eq=False)
class Number:
    """A float32 or float64, or a vector of them."""

    arithmetic: Arithmetic
    value: ir.Value

    @property
    def is_single(self) -> bool:
        """Whether it is a float32."""
        return bool(element_of(self.value.type) == ir.FloatType())

    def of(self, number: Number | float) -> Number:
        """A constant of the same type."""
        if isinstance(number, Number):
            return number
        return self._with(constant(self.value.type, number))

    def choose(self, single: Any, double: Any) -> Any:
        """What depends on the precision."""
        return single if self.is_single else double

    def _with(self, value: ir.Value) -> Number:
        return Number(self.arithmetic, value)

    def __add__(self, other: Number | float) -> Number:
        return self._with(self.arithmetic.add(self.value, self.of(other).value))

    def __radd__(self, other: float) -> Number:
        return self.of(other) + self

    def __sub__(self, other: Number | float) -> Number:
        return self._with(self.arithmetic.subtract(self.value, self.of(other).value))

    def __rsub__(self, other: float) -> Number:
        return self.of(other) - self

    def __mul__(self, other: Number | float) -> Number:
        return self._with(self.arithmetic.multiply(self.value, self.of(other).value))

    def __rmul__(self, other: float) -> Number:
        return self.of(other) * self

    def __truediv__(self, other: Number | float) -> Number:
        return self._with(self.arithmetic.divide(self.value, self.of(other).value))

    def __rtruediv__(self, other: float) -> Number:
        return self.of(other) / self

    def __neg__(self) -> Number:
        return self._with(self.arithmetic.negative(self.value))

    def __abs__(self) -> Number:
        return self._with(self.arithmetic.absolute(self.value))

    def fma(self, factor: Number | float, summand: Number | float) -> Number:
        """self · factor + summand, rounded once."""
        return self._with(self.arithmetic.fma(self.value, self.of(factor).value, self.of(summand).value))

    def sqrt(self) -> Number:
        return self._with(self.arithmetic.sqrt(self.value))

    def rint(self) -> Number:
        return self._with(self.arithmetic.rint(self.value))

    def floor(self) -> Number:
        return self._with(self.arithmetic.floor(self.value))

    def with_sign_of(self, other: Number) -> Number:
        """The magnitude with another number's sign."""
        return self._with(self.arithmetic.copysign(self.value, other.value))

    def _compare(self, operator: str, other: Number | float) -> Condition:
        return Condition(self.arithmetic, self.arithmetic.compare(operator, self.value, self.of(other).value))

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
        return Condition(self.arithmetic, self.arithmetic.is_nan(self.value))

    @property
    def is_negative(self) -> Condition:
        """Whether the sign bit is set, also that of -0."""
        return self.of(1.0).with_sign_of(self) < 0.0

    def clamped(self, low: float, high: float) -> Number:
        """Kept between two numbers; NaN becomes the lower one, so that it can be made an integer."""
        raised = (self > low).select(self, low)
        return (raised < high).select(raised, high)

    # Bits
    def times_power_of_two(self, exponent: Number) -> Number:
        """self · 2^exponent for whole exponents, with gradual underflow: in two factors, each a normal number."""
        half = (exponent * 0.5).floor()
        return self * half.two_to_the() * (exponent - half).two_to_the()

    def two_to_the(self) -> Number:
        """2^self for whole numbers, as long as that is a normal number."""
        a = self.arithmetic
        bias, mantissa = self.choose((127, 23), (1023, 52))
        whole = a.convert(self.value, element_of(a.bits_of(self.value).type))
        return self._with(a.float_of(a.shift_left(a.add(whole, bias), mantissa)))

    def fraction_and_exponent(self) -> tuple[Number, Number]:
        """m and e with self = m · 2^e and √½ ≤ m < √2, for positive finite numbers."""
        a = self.arithmetic
        mantissa = self.choose(23, 52)
        smallest, lift = self.choose((2.0**-126, 24), (2.0**-1022, 54))
        is_subnormal = self < smallest
        scaled = is_subnormal.select(self * 2.0**lift, self)
        # Adding what lies between √½ and 1 carries into the exponent just where the fraction is above √2.
        root_half = self.choose(0x3F3504F3, 0x3FE6A09E667F3BCD)
        one = self.choose(0x3F800000, 0x3FF0000000000000)
        pattern = a.add(a.bits_of(scaled.value), one - root_half)
        exponent = a.subtract(a.shift_right_signed(pattern, mantissa), self.choose(127, 1023))
        fraction = a.add(a.bit_and(pattern, (1 << mantissa) - 1), root_half)
        e = self._with(a.convert(exponent, element_of(self.value.type)))
        e = is_subnormal.select(e - float(lift), e)
        return self._with(a.float_of(fraction)), e

    def as_double(self) -> Number:
        return self._with(self.arithmetic.convert(self.value, ir.DoubleType()))

    def as_single(self) -> Number:
        return self._with(self.arithmetic.convert(self.value, ir.FloatType()))


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """c0 + c1 x + c2 x² + ..., by Horner's rule."""
    return Number(x.arithmetic, x.arithmetic.polynomial(x.value, coefficients))
