"""Emitting the choice of a mini-batch: the permutation in vectors, the copies of rows, the prefetch of the next batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from .arrays import INT8, INT64, POINTER, Function, integer, loop, pieces
from .formulas import constant
from .loops import share_of
from .permutation import GOLDEN, MULTIPLIERS, ROUNDS, Sampling, bits_of
from .views import View

__all__ = ["Sample", "emit_prefetch", "emit_sample", "is_worth_prefetching"]

INTEGER = np.dtype(np.int64)


def _emit_splitmix(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    value = b.add(value, integer(GOLDEN - (1 << 64)))
    for shift, multiplier in ((30, MULTIPLIERS[0]), (27, MULTIPLIERS[1])):
        value = b.mul(b.xor(value, b.lshr(value, integer(shift))), integer(_signed(multiplier)))
    return b.xor(value, b.lshr(value, integer(31)))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _emit_keys(b: ir.IRBuilder, seed: ir.Value, epoch: ir.Value) -> list[tuple[ir.Value, ir.Value]]:
    half = ir.IntType(32)
    state = _emit_splitmix(b, b.xor(seed, _emit_splitmix(b, epoch)))
    keys = []
    for _ in range(ROUNDS):
        state = _emit_splitmix(b, state)
        multiplier = b.or_(b.trunc(state, half), ir.Constant(half, 1))
        keys.append((multiplier, b.trunc(b.lshr(state, integer(32)), half)))
    return keys


@dataclass(frozen=True)
class Sample:
    """What choosing a batch works with.

    iteration, seed: where these numbers lie. chosen: room for the numbers of the examples. tag: begins with a number that says for which
    step `chosen` already holds them; None if they are drawn anew each time. arrays: (all examples, room for the tile). asks_at_once: whether
    the next examples are asked for as soon as they are drawn.
    """

    iteration: View
    seed: View
    chosen: View
    tag: View | None
    rows: int
    arrays: Sequence[tuple[View, View]]
    asks_at_once: bool = True


def is_worth_prefetching(sampling: Sampling, arrays: Sequence[View]) -> bool:
    """Whether the data are too large to stay in cache by themselves, and a batch is a small part of them."""
    size = sum(_row_bytes(view) for view in arrays) * sampling.examples
    return size >= _WORTH_PREFETCHING and 2 * sampling.batch <= sampling.examples


def _row_bytes(view: View) -> int:
    return int(np.prod(view.shape[1:], dtype=int)) * view.buffer.dtype.itemsize


_CACHE_LINE = 64
_WORTH_PREFETCHING = 1 << 19
_BURST = 16
"""Lines of an example that are asked for at once."""


def emit_sample(function: Function, sampling: Sampling, sample: Sample, vector_bytes: int) -> None:
    """Draws the examples of the current tile and copies them.

    With a tag, the examples of the next batch are drawn now, too, so that they can be asked for while this one is computed: they lie
    anywhere in memory.
    """
    b = function.builder
    number = function.read(function.start_of_view(sample.iteration), INTEGER, 1, 1)
    seed = function.read(function.start_of_view(sample.seed), INTEGER, 1, 1)
    first = b.mul(number, integer(sampling.batch))
    if function.example is not None:
        first = b.add(first, function.example)
    epoch = b.udiv(first, integer(sampling.examples))
    position = b.sub(first, b.mul(epoch, integer(sampling.examples)))
    now = _emit_keys(b, seed, epoch)
    following = _emit_keys(b, seed, b.add(epoch, integer(1)))
    start = function.start_of_view(sample.chosen)

    def draw(position: ir.Value) -> None:
        def part(index: ir.Value, size: int) -> None:
            indices = _emit_permutation(function, sampling.examples, position, index, now, following, size)
            function.write(indices, function.at(start, INTEGER, index), INTEGER, 1, size)

        width = 16
        while width > sample.rows:
            width //= 2
        loop(function, sample.rows // width, lambda i: part(b.mul(i, integer(width)), width), "draw")
        for offset, size in pieces(sample.rows, width):
            part(integer(offset), size)

    if sample.tag is None:
        draw(position)
    else:
        tag = function.start_of_view(sample.tag)
        following_step = b.add(number, integer(1))  # 0 means that nothing is known, so steps count from 1 here
        is_new = b.icmp_signed("!=", function.read(tag, INTEGER, 1, 1), following_step)
        with b.if_then(is_new, likely=False):
            draw(position)
    for source, target in sample.arrays:
        _emit_gather(function, source, target, start, sample.rows, vector_bytes)
    if sample.tag is not None:
        draw(b.add(position, integer(sampling.batch)))
        function.write(b.add(number, integer(2)), tag, INTEGER, 1, 1)
        if sample.asks_at_once:
            emit_prefetch(function, sample, integer(0), 1)


def emit_prefetch(function: Function, sample: Sample, part: ir.Value, parts: int) -> None:
    """Asks for a part of the chosen examples: for all of it, if there are several parts; of a burst most would be dropped."""
    b = function.builder
    name = "llvm.prefetch.p0"
    half = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [POINTER, half, half, half])
    prefetch = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    hints = [ir.Constant(half, 0), ir.Constant(half, 3), ir.Constant(half, 1)]
    chosen = function.start_of_view(sample.chosen)
    for source, _ in sample.arrays:
        start, length = function.start_of_view(source), _row_bytes(source)
        lines = -(-length // _CACHE_LINE)
        if parts == 1:
            lines = min(lines, _BURST)
        share = share_of(function, sample.rows * lines, part, parts)

        def ask(
            index: ir.Value,
            first: ir.Value = share.first,
            start: ir.Value = start,
            length: int = length,
            rows: int = sample.rows,
        ) -> None:
            number = b.add(first, index)
            example = function.read(function.at(chosen, INTEGER, b.urem(number, integer(rows))), INTEGER, 1, 1)
            line = b.mul(b.udiv(number, integer(rows)), integer(_CACHE_LINE))
            at = b.add(b.mul(example, integer(length)), line)
            b.call(prefetch, [b.gep(start, [at], source_etype=INT8), *hints])

        loop(function, share.count, ask, "prefetch")


def _emit_permutation(
    function: Function,
    count: int,
    position: ir.Value,
    index: ir.Value,
    now: list[tuple[ir.Value, ir.Value]],
    following: list[tuple[ir.Value, ir.Value]],
    size: int,
) -> ir.Value:
    b = function.builder
    half = ir.IntType(32)
    kind = half if size == 1 else ir.VectorType(half, size)
    bits = bits_of(count)
    lanes = list(range(size)) if size > 1 else 0
    place = b.add(function.splat(b.trunc(b.add(position, index), half), size), ir.Constant(kind, lanes))
    is_next = b.icmp_unsigned(">=", place, constant(kind, count))
    x = b.select(is_next, b.sub(place, constant(kind, count)), place)
    keys = [
        tuple(
            b.select(is_next, function.splat(later, size), function.splat(early, size))
            for early, later in zip(one, other, strict=True)
        )
        for one, other in zip(now, following, strict=True)
    ]
    before = b.block
    walk = b.append_basic_block("walk")
    done = b.append_basic_block("walked")
    b.branch(walk)
    b.position_at_end(walk)
    current = b.phi(kind)
    pending = b.phi(is_next.type)
    current.add_incoming(x, before)
    pending.add_incoming(constant(is_next.type, 1), before)
    y = current
    for multiplier, key in keys:
        y = b.and_(b.add(b.mul(y, multiplier), key), constant(kind, (1 << bits) - 1))
        y = b.xor(y, b.lshr(y, constant(kind, (bits + 1) // 2)))
    y = b.select(pending, y, current)
    is_outside = b.icmp_unsigned(">=", y, constant(kind, count))
    current.add_incoming(y, walk)
    pending.add_incoming(is_outside, walk)
    b.cbranch(_any(b, is_outside, size), walk, done)
    b.position_at_end(done)
    return b.zext(y, INT64 if size == 1 else ir.VectorType(INT64, size))


def _any(b: ir.IRBuilder, condition: ir.Value, size: int) -> ir.Value:
    if size == 1:
        return condition
    mask = b.bitcast(condition, ir.IntType(size))
    return b.icmp_unsigned("!=", mask, ir.Constant(ir.IntType(size), 0))


def _emit_gather(
    function: Function, source: View, target: View, indices: ir.Value, rows: int, vector_bytes: int
) -> None:
    """Copies the chosen examples, one row after the other."""
    b, dtype = function.builder, source.buffer.dtype
    length = 1
    for extent in target.shape[1:]:
        length *= extent
    from_start, to_start = function.start_of_view(source), function.start_of_view(target)
    width = max(1, vector_bytes // dtype.itemsize)
    while width > length:
        width //= 2

    def row(i: ir.Value) -> None:
        chosen = function.read(function.at(indices, np.dtype(np.int64), i), np.dtype(np.int64), 1, 1)
        here = function.at(from_start, dtype, b.mul(chosen, integer(length)))
        there = function.at(to_start, dtype, b.mul(i, integer(length)))

        def copy(at: ir.Value, size: int) -> None:
            value = function.read(function.at(here, dtype, at), dtype, 1, size)
            function.write(value, function.at(there, dtype, at), dtype, 1, size)

        if length // width <= 16:
            for k in range(length // width):
                copy(integer(k * width), width)
        else:
            loop(function, length // width, lambda k: copy(b.mul(k, integer(width)), width), "row")
        for offset, size in pieces(length, width):
            copy(integer(offset), size)

    loop(function, rows, row, "gather")
