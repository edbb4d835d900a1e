"""Operands of products: where they begin, how they are walked, and the arithmetic of their elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import Function, integer
from .constants import element_of
from .formulas import FAST, constant

__all__ = ["Operand", "Sums", "added", "fused", "moved"]


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


class Sums:
    """A block of sums in registers, from 0 on: several for each place, so that additions do not wait for each other.

    kinds: of the columns of each row.
    """

    def __init__(self, function: Function, kinds: Sequence[ir.Type], rows: int, chains: int) -> None:
        self._function, self._kinds = function, kinds
        self._registers = [[[function.allocate(kind) for kind in kinds] for _ in range(rows)] for _ in range(chains)]
        for chain in self._registers:
            for row in chain:
                for pointer, kind in zip(row, kinds, strict=True):
                    function.builder.store(constant(kind, 0), pointer)

    def replace(self, chain: int, row: int, column: int, new: Callable[[ir.Value], ir.Value]) -> None:
        """Replaces one of the sums of a place. new: emits what follows the old one."""
        builder, pointer = self._function.builder, self._registers[chain][row][column]
        builder.store(new(builder.load(pointer, typ=self._kinds[column])), pointer)

    def total(self, row: int, column: int) -> ir.Value:
        """The sums of a place, added up."""
        builder, kind = self._function.builder, self._kinds[column]
        first, *others = (chain[row][column] for chain in self._registers)
        total = builder.load(first, typ=kind)
        for other in others:
            total = added(self._function, total, builder.load(other, typ=kind))
        return total
