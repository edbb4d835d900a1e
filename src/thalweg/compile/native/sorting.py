"""The order of a row, in machine code: a stable merge sort, bottom-up, from short runs that are sorted by insertion.

Source: D. Knuth, *The Art of Computer Programming*, volume 3, 2nd ed. (Addison-Wesley 1998), sections 5.2.1 and 5.2.4. Two runs are merged
from both ends at once, without a branch that depends on keys: the two halves of the work do not wait for one another.

Keys move together with their positions, so that memory is read in order. The room for the result holds two arrays of positions of half
its width, between which runs are merged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import INT64, POINTER, integer, memory_type

__all__ = ["row_sorter"]

INT32 = ir.IntType(32)
RUN = 12
"""So many elements are sorted by insertion."""


def row_sorter(module: ir.Module, dtype: np.dtype[Any]) -> ir.Function:
    """The module's function (keys, room, order, count), which writes the positions of `count` keys in ascending order, as 64-bit integers.

    Keys that are equal keep their order; NaN comes last. room: for twice as many keys.
    """
    name = f"argsort_{dtype.str[1:]}"
    known = module.globals.get(name)
    if known is not None:
        return known
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER, POINTER, INT64]), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    keys, room, order, count = function.args
    _Sorter(builder, memory_type(dtype), count).emit(keys, room, order)
    builder.ret_void()
    return function


@dataclass(frozen=True)
class _Pairs:
    """Keys, and the positions that they came from, as the addresses of two arrays."""

    keys: ir.Value
    positions: ir.Value


@dataclass(eq=False)
class _Sorter:
    """The function while it is emitted. kind: of the keys in memory."""

    builder: ir.IRBuilder
    kind: ir.Type
    count: ir.Value

    # Variables, memory, control
    def variable(self, value: ir.Value) -> ir.Value:
        with self.builder.goto_entry_block():
            pointer = self.builder.alloca(value.type)
        pointer.type = POINTER
        self.builder.store(value, pointer)
        return pointer

    def value(self, variable: ir.Value, kind: ir.Type = INT64) -> ir.Value:
        return self.builder.load(variable, typ=kind)

    def element(self, array: ir.Value, place: ir.Value, kind: ir.Type) -> ir.Value:
        return self.builder.load(self.builder.gep(array, [place], source_etype=kind), typ=kind)

    def pair(self, pairs: _Pairs, place: ir.Value) -> tuple[ir.Value, ir.Value]:
        return self.element(pairs.keys, place, self.kind), self.element(pairs.positions, place, INT32)

    def put(self, pairs: _Pairs, place: ir.Value, pair: tuple[ir.Value, ir.Value]) -> None:
        key, position = pair
        self.builder.store(key, self.builder.gep(pairs.keys, [place], source_etype=self.kind))
        self.builder.store(position, self.builder.gep(pairs.positions, [place], source_etype=INT32))

    def is_before(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Whether a key comes before another, and is not equal to it."""
        builder = self.builder
        if isinstance(self.kind, ir.IntType):
            return builder.icmp_signed("<", a, b)
        before_nan = builder.and_(builder.fcmp_ordered("ord", a, a), builder.fcmp_unordered("uno", b, b))
        return builder.or_(builder.fcmp_ordered("<", a, b), before_nan)

    def chosen(self, condition: ir.Value, yes: Any, no: Any) -> tuple[ir.Value, ir.Value]:
        key, position = (self.builder.select(condition, a, b) for a, b in zip(yes, no, strict=True))
        return key, position

    def smaller(self, a: ir.Value, b: ir.Value) -> ir.Value:
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def advance(self, variable: ir.Value, by: ir.Value | None = None) -> None:
        self.builder.store(self.builder.add(self.value(variable), integer(1) if by is None else by), variable)

    def while_(self, condition: Callable[[], ir.Value], body: Callable[[], None]) -> None:
        builder = self.builder
        test, inside, after = (builder.append_basic_block(name) for name in ("test", "inside", "after"))
        builder.branch(test)
        builder.position_at_end(test)
        builder.cbranch(condition(), inside, after)
        builder.position_at_end(inside)
        body()
        builder.branch(test)
        builder.position_at_end(after)

    def is_below(self, variable: ir.Value, limit: ir.Value) -> Callable[[], ir.Value]:
        return lambda: self.builder.icmp_signed("<", self.value(variable), limit)

    # The sort
    def emit(self, keys: ir.Value, room: ir.Value, order: ir.Value) -> None:
        builder = self.builder
        lower = _Pairs(room, order)
        upper = _Pairs(
            builder.gep(room, [self.count], source_etype=self.kind),
            builder.gep(order, [self.count], source_etype=INT32),
        )
        start = self.variable(integer(0))

        def run() -> None:
            first = self.value(start)
            end = self.smaller(builder.add(first, integer(RUN)), self.count)
            self._insert(keys, lower, first, end)
            builder.store(end, start)

        self.while_(self.is_below(start, self.count), run)
        is_lower = self.variable(ir.Constant(ir.IntType(1), 1))
        width = self.variable(integer(RUN))

        def double() -> None:
            here = self.value(is_lower, ir.IntType(1))
            source, target = (
                _Pairs(builder.select(here, a.keys, b.keys), builder.select(here, a.positions, b.positions))
                for a, b in ((lower, upper), (upper, lower))
            )
            self._merge_all(source, target, self.value(width))
            builder.store(builder.not_(here), is_lower)
            self.advance(width, self.value(width))

        self.while_(self.is_below(width, self.count), double)
        self._widen(order, upper.positions, self.value(is_lower, ir.IntType(1)))

    def _insert(self, keys: ir.Value, into: _Pairs, first: ir.Value, end: ir.Value) -> None:
        """Sorts the keys first ... end − 1."""
        builder = self.builder
        new = self.variable(first)

        def insert() -> None:
            position = self.value(new)
            key = self.element(keys, position, self.kind)
            place = self.variable(position)

            def is_too_far() -> ir.Value:
                is_inside = builder.icmp_signed(">", self.value(place), first)
                before = builder.select(is_inside, builder.sub(self.value(place), integer(1)), first)
                return builder.and_(is_inside, self.is_before(key, self.element(into.keys, before, self.kind)))

            def shift() -> None:
                before = builder.sub(self.value(place), integer(1))
                self.put(into, self.value(place), self.pair(into, before))
                builder.store(before, place)

            self.while_(is_too_far, shift)
            self.put(into, self.value(place), (key, builder.trunc(position, INT32)))
            self.advance(new)

        self.while_(self.is_below(new, end), insert)

    def _merge_all(self, source: _Pairs, target: _Pairs, width: ir.Value) -> None:
        """Merges runs of one width into runs of twice that."""
        builder = self.builder
        start = self.variable(integer(0))

        def merge() -> None:
            first = self.value(start)
            middle = self.smaller(builder.add(first, width), self.count)
            end = self.smaller(builder.add(middle, width), self.count)
            is_even = builder.icmp_signed("==", builder.sub(end, middle), width)
            with builder.if_else(is_even) as (even, odd):
                with even:
                    self._merge_even(source, target, first, width)
                with odd:
                    self._merge_odd(source, target, first, middle, end)
            builder.store(end, start)

        self.while_(self.is_below(start, self.count), merge)

    def _merge_even(self, source: _Pairs, target: _Pairs, first: ir.Value, width: ir.Value) -> None:
        """Two runs of one width: the smaller half from the front, the larger half from the back."""
        builder = self.builder
        middle = builder.add(first, width)
        last = builder.sub(builder.add(middle, width), integer(1))
        left, right, done = self.variable(first), self.variable(middle), self.variable(integer(0))
        left_end, right_end = self.variable(builder.sub(middle, integer(1))), self.variable(last)

        def take() -> None:
            number = self.value(done)
            a, b = self.pair(source, self.value(left)), self.pair(source, self.value(right))
            c, d = self.pair(source, self.value(left_end)), self.pair(source, self.value(right_end))
            is_right = self.is_before(b[0], a[0])
            self.put(target, builder.add(first, number), self.chosen(is_right, b, a))
            step = builder.zext(is_right, INT64)
            self.advance(right, step)
            self.advance(left, builder.sub(integer(1), step))
            is_left = self.is_before(d[0], c[0])
            self.put(target, builder.sub(last, number), self.chosen(is_left, c, d))
            step = builder.zext(is_left, INT64)
            self.advance(left_end, builder.neg(step))
            self.advance(right_end, builder.sub(step, integer(1)))
            self.advance(done)

        self.while_(self.is_below(done, width), take)

    def _merge_odd(self, source: _Pairs, target: _Pairs, first: ir.Value, middle: ir.Value, end: ir.Value) -> None:
        """What is left over at the end: the second run is shorter, or there is none."""
        builder = self.builder
        left, right, place = self.variable(first), self.variable(middle), self.variable(first)

        def both_are_left() -> ir.Value:
            return builder.and_(self.is_below(left, middle)(), self.is_below(right, end)())

        def take() -> None:
            a, b = self.pair(source, self.value(left)), self.pair(source, self.value(right))
            is_right = self.is_before(b[0], a[0])
            self.put(target, self.value(place), self.chosen(is_right, b, a))
            step = builder.zext(is_right, INT64)
            self.advance(right, step)
            self.advance(left, builder.sub(integer(1), step))
            self.advance(place)

        self.while_(both_are_left, take)
        for rest, limit in ((left, middle), (right, end)):

            def copy(rest: ir.Value = rest) -> None:
                self.put(target, self.value(place), self.pair(source, self.value(rest)))
                self.advance(rest)
                self.advance(place)

            self.while_(self.is_below(rest, limit), copy)

    def _widen(self, order: ir.Value, upper: ir.Value, is_lower: ir.Value) -> None:
        """Writes the positions as 64-bit integers over where they lie: from the last on if that is the lower half, else from the first."""
        builder = self.builder
        positions = builder.select(is_lower, order, upper)
        step = self.variable(integer(0))

        def widen() -> None:
            number = self.value(step)
            backwards = builder.sub(builder.sub(self.count, integer(1)), number)
            place = builder.select(is_lower, backwards, number)
            position = builder.zext(self.element(positions, place, INT32), INT64)
            builder.store(position, builder.gep(order, [place], source_etype=INT64))
            self.advance(step)

        self.while_(self.is_below(step, self.count), widen)
