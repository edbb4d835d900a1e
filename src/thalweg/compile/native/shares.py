"""Shares: the parts of something long that threads take."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from .arrays import Function, integer

__all__ = ["Share", "share_of"]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of something long: `count` elements from the `first` on."""

    first: ir.Value
    count: ir.Value


def share_of(function: Function, extent: int, chunk: ir.Value, chunks: int, unit: int = 1) -> Share:
    """What a chunk has of so many elements: whole units, the last chunk also those that are left."""
    builder = function.builder

    def begin(number: ir.Value) -> ir.Value:
        units = builder.udiv(builder.mul(number, integer(extent // unit)), integer(chunks))
        return builder.mul(units, integer(unit))

    following = builder.add(chunk, integer(1))
    is_last = builder.icmp_signed("==", following, integer(chunks))
    first, end = begin(chunk), builder.select(is_last, integer(extent), begin(following))
    return Share(first, builder.sub(end, first))
