"""How much of a product's result is kept in registers at once: blocks of rows × vectors of columns."""

from __future__ import annotations

__all__ = ["BLOCK_ROWS", "registers_of", "vectors_per_block"]

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
