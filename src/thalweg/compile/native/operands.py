"""Operands of products: where they begin, how they are walked, and the arithmetic of their elements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer
from .constants import element_of
from .formulas import FAST

__all__ = ["Operand", "added", "fused", "moved"]


@dataclass(frozen=True)
class Operand:
    """Where an operand begins, and what it is made of."""

    start: ir.Value
    dtype: np.dtype[Any]

    def moved(self, function: Function, index: ir.Value | int, stride: int) -> Operand:
        """The same, `index` strides further on."""
        return replace(self, start=moved(function, self.start, self.dtype, index, stride))


def moved(function: Function, start: ir.Value, dtype: np.dtype[Any], index: ir.Value | int, stride: int) -> ir.Value:
    """The address `index` strides further on."""
    if stride == 0 or (isinstance(index, int) and index == 0):
        return start
    if isinstance(index, int):
        return function.at(start, dtype, index * stride)
    offset = index if stride == 1 else function.builder.mul(index, integer(stride), flags=("nsw",))
    return function.at(start, dtype, offset)


def fused(function: Function, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """x y + z."""
    b = function.builder
    if isinstance(element_of(x.type), ir.IntType):
        return b.add(b.mul(x, y), z)
    return b.fadd(b.fmul(x, y, flags=FAST), z, flags=FAST)


def added(function: Function, x: ir.Value, y: ir.Value) -> ir.Value:
    """x + y."""
    b = function.builder
    return b.add(x, y) if isinstance(element_of(x.type), ir.IntType) else b.fadd(x, y, flags=FAST)
