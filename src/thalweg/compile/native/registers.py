"""The part of a product's result that is kept in registers at once, a block of rows × vectors of columns: its size, and its sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir

from .arrays import Function
from .formulas import constant
from .operands import added

__all__ = ["BLOCK_ROWS", "Sums", "registers_of", "vectors_per_block"]

BLOCK_ROWS = 8
"""The most rows of a block."""


def registers_of(vector_bytes: int) -> int:
    """How many vectors of C are kept, of the 32 that AVX-512 has, or of 16."""
    return 24 if vector_bytes == 64 else 12


def vectors_per_block(vectors: int, rows: int, registers: int) -> int:
    """How many vectors of a row of C are in a block. vectors: in the whole row; rows: of C."""
    if rows == 1:
        return max(1, min(vectors, registers // 2, 12))
    if rows < 4:
        return max(1, min(vectors, registers // rows))
    return min(vectors, 3 if registers >= 24 and vectors % 3 == 0 else 2)


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
