"""Emitting the choice of a mini-batch: the permutation in vectors, the copies of rows, the prefetch of the next batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from .arrays import INT8, INT64, POINTER, Function, integer, loop, pieces
from .formulas import constant
from .permutation import GOLDEN, MULTIPLIERS, ROUNDS, Sampling, bits_of
from .shares import Share, share_of
from .views import View

__all__ = [
    "Columns",
    "Sample",
    "emit_draw",
    "emit_gather",
    "emit_gather_columns",
    "emit_prefetch",
    "emit_prefetch_columns",
    "emit_sample",
    "is_worth_prefetching",
]

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
    step `chosen` already holds them; None if they are drawn anew each time. arrays: (all examples, room for the tile).
    """

    iteration: View
    seed: View
    chosen: View
    tag: View | None
    rows: int
    arrays: Sequence[tuple[View, View]]


def is_worth_prefetching(sampling: Sampling, arrays: Sequence[View]) -> bool:
    """Whether the data are too large to stay in cache by themselves, and a batch is a small part of them."""
    size = sum(_row_bytes(view) for view in arrays) * sampling.examples
    return size >= _WORTH_PREFETCHING and 2 * sampling.batch <= sampling.examples


def _row_bytes(view: View) -> int:
    return math.prod(view.shape[1:]) * view.buffer.dtype.itemsize


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
    chosen = function.start_of_view(sample.chosen)
    draw = _Draw(function, sampling, number, seed)
    if sample.tag is None:
        draw.emit(chosen, sample.rows)
    else:
        tag = function.start_of_view(sample.tag)
        following_step = b.add(number, integer(1))  # 0 means that nothing is known, so steps count from 1 here
        is_new = b.icmp_signed("!=", function.read(tag, INTEGER, 1, 1), following_step)
        with b.if_then(is_new, likely=False):
            draw.emit(chosen, sample.rows)
    emit_gather(function, sample.arrays, chosen, sample.rows, vector_bytes)
    if sample.tag is not None:
        draw.emit(chosen, sample.rows, steps_ahead=1)
        function.write(b.add(number, integer(2)), tag, INTEGER, 1, 1)
        emit_prefetch(function, [source for source, _ in sample.arrays], chosen, sample.rows)


def emit_draw(function: Function, sampling: Sampling, iteration: View, seed: View, drawn: Sequence[View]) -> None:
    """Draws whole batches: of this step and of those that follow. iteration, seed: where these numbers lie."""
    number, start = (function.read(function.start_of_view(view), INTEGER, 1, 1) for view in (iteration, seed))
    draw = _Draw(function, sampling, number, start)
    for steps_ahead, view in enumerate(drawn):
        draw.emit(function.start_of_view(view), sampling.batch, steps_ahead)


class _Draw:
    """Emits the drawing of the examples of a tile, or of a whole batch."""

    def __init__(self, function: Function, sampling: Sampling, step: ir.Value, seed: ir.Value) -> None:
        b = function.builder
        self.function, self.sampling = function, sampling
        first = b.mul(step, integer(sampling.batch))
        if function.example is not None:
            first = b.add(first, function.example)
        epoch = b.udiv(first, integer(sampling.examples))
        self.position = b.sub(first, b.mul(epoch, integer(sampling.examples)))
        self.now = _emit_keys(b, seed, epoch)
        self.following = _emit_keys(b, seed, b.add(epoch, integer(1)))

    def emit(self, start: ir.Value, rows: int, steps_ahead: int = 0) -> None:
        """Writes the numbers of `rows` examples."""
        function, b = self.function, self.function.builder
        position = b.add(self.position, integer(steps_ahead * self.sampling.batch)) if steps_ahead else self.position

        def part(index: ir.Value, size: int) -> None:
            count = self.sampling.examples
            indices = _emit_permutation(function, count, position, index, self.now, self.following, size)
            function.write(indices, function.at(start, INTEGER, index), INTEGER, 1, size)

        width = 16
        while width > rows:
            width //= 2
        loop(function, rows // width, lambda i: part(b.mul(i, integer(width)), width), "draw")
        for offset, size in pieces(rows, width):
            part(integer(offset), size)


def emit_prefetch(
    function: Function,
    sources: Sequence[View],
    chosen: ir.Value,
    rows: int,
    part: ir.Value | None = None,
    parts: int = 1,
) -> None:
    """Asks for a part of the chosen examples: for all of it, if there are several parts; of a burst most would be dropped."""
    for source in sources:
        lines = -(-_row_bytes(source) // _CACHE_LINE)
        if part is None:
            lines = min(lines, _BURST)
        share = share_of(function, rows * lines, integer(0) if part is None else part, parts)
        _emit_requests(function, source, chosen, rows, integer(0), share)


def emit_prefetch_columns(function: Function, columns: Columns, part: ir.Value, parts: int) -> None:
    """Asks for a part of some columns of the chosen examples."""
    b, source = function.builder, columns.source
    step = source.buffer.dtype.itemsize
    lines = b.udiv(b.add(b.mul(columns.share.count, integer(step)), integer(2 * _CACHE_LINE - 1)), integer(_CACHE_LINE))
    requests = b.mul(lines, integer(columns.rows))
    begin = b.udiv(b.mul(requests, part), integer(parts))
    end = b.udiv(b.mul(requests, b.add(part, integer(1))), integer(parts))
    first = b.mul(columns.share.first, integer(step))
    _emit_requests(function, source, columns.chosen, columns.rows, first, Share(begin, b.sub(end, begin)))


def _emit_requests(
    function: Function, source: View, chosen: ir.Value, rows: int, first: ir.Value, requests: Share
) -> None:
    """Some of the requests for cache lines of the chosen rows, from a first byte on: one line of each row, then the next of each."""
    b, half = function.builder, ir.IntType(32)
    name = "llvm.prefetch.p0"
    kind = ir.FunctionType(ir.VoidType(), [POINTER, half, half, half])
    prefetch = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    hints = [ir.Constant(half, 0), ir.Constant(half, 3), ir.Constant(half, 1)]
    start, length = b.gep(function.start_of_view(source), [first], source_etype=INT8), integer(_row_bytes(source))

    def ask(index: ir.Value) -> None:
        number = b.add(requests.first, index)
        example = function.read(function.at(chosen, INTEGER, b.urem(number, integer(rows))), INTEGER, 1, 1)
        line = b.mul(b.udiv(number, integer(rows)), integer(_CACHE_LINE))
        b.call(prefetch, [b.gep(start, [b.add(b.mul(example, length), line)], source_etype=INT8), *hints])

    loop(function, requests.count, ask, "prefetch")


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


def emit_gather(
    function: Function, arrays: Sequence[tuple[View, View]], chosen: ir.Value, rows: int, vector_bytes: int
) -> None:
    """Copies the chosen examples, one row after the other. arrays: of all examples, and room for the chosen ones."""
    for source, target in arrays:
        _emit_gather(function, source, target, chosen, rows, vector_bytes)


def _emit_gather(
    function: Function, source: View, target: View, indices: ir.Value, rows: int, vector_bytes: int
) -> None:
    b, dtype = function.builder, source.buffer.dtype
    length, stride = math.prod(target.shape[1:]), target.strides[0]
    from_start, to_start = function.start_of_view(source), function.start_of_view(target)
    width = max(1, vector_bytes // dtype.itemsize)
    while width > length:
        width //= 2

    def row(i: ir.Value) -> None:
        chosen = function.read(function.at(indices, INTEGER, i), INTEGER, 1, 1)
        here = function.at(from_start, dtype, b.mul(chosen, integer(length)))
        there = function.at(to_start, dtype, b.mul(i, integer(stride)))

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


@dataclass(frozen=True)
class Columns:
    """A share of the columns of the chosen rows. source: all examples. chosen: where the numbers of the rows begin."""

    source: View
    chosen: ir.Value
    rows: int
    share: Share


def emit_gather_columns(function: Function, columns: Columns, target: View, unit: int) -> None:
    """Copies them to the same columns of rows that lie one after the other, a unit at a time."""
    b, source, share = function.builder, columns.source, columns.share
    dtype, length = source.buffer.dtype, columns.source.shape[1]
    from_start, to_start = (function.at(function.start_of_view(view), dtype, share.first) for view in (source, target))

    def row(i: ir.Value) -> None:
        chosen = function.read(function.at(columns.chosen, INTEGER, i), INTEGER, 1, 1)
        here = function.at(from_start, dtype, b.mul(chosen, integer(length)))
        there = function.at(to_start, dtype, b.mul(i, integer(target.strides[0])))

        def copy(at: ir.Value, size: int) -> None:
            value = function.read(function.at(here, dtype, at), dtype, 1, size)
            function.write(value, function.at(there, dtype, at), dtype, 1, size)

        whole = b.udiv(share.count, integer(unit))
        loop(function, whole, lambda k: copy(b.mul(k, integer(unit)), unit), "units")
        if length % unit:
            done = b.mul(whole, integer(unit))
            loop(function, b.sub(share.count, done), lambda k: copy(b.add(done, k), 1), "rest")

    loop(function, columns.rows, row, "gather")
