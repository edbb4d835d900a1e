"""Emitting reads and writes of strided arrays, and loops over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llvmlite import ir

from .constants import filled
from .views import Area, Buffer, View

__all__ = [
    "INT8",
    "INT64",
    "POINTER",
    "Function",
    "element_type",
    "integer",
    "loop",
    "memory_type",
    "name_of_numbers",
    "pieces",
    "times",
    "value_type",
]

INT64 = ir.IntType(64)
INT8 = ir.IntType(8)
POINTER = ir.PointerType()

_VALUE_TYPES = {"f4": ir.FloatType(), "f8": ir.DoubleType(), "i8": INT64, "b1": ir.IntType(1)}
_MEMORY_TYPES = {**_VALUE_TYPES, "b1": INT8}


def element_type(dtype: np.dtype[Any]) -> ir.Type:
    """The LLVM type of one value in a register."""
    return _VALUE_TYPES[dtype.str[1:]]


def memory_type(dtype: np.dtype[Any]) -> ir.Type:
    """The LLVM type of one value in memory: booleans take a byte."""
    return _MEMORY_TYPES[dtype.str[1:]]


def value_type(dtype: np.dtype[Any], width: int) -> ir.Type:
    """The LLVM type of `width` values in registers."""
    element = element_type(dtype)
    return element if width == 1 else ir.VectorType(element, width)


def name_of_numbers(buffer: Buffer) -> str:
    """The name of an array that is part of the code."""
    return f"numbers{buffer.position}"


def integer(value: int) -> ir.Constant:
    return ir.Constant(INT64, value)


def times(builder: ir.IRBuilder, index: ir.Value, factor: int) -> ir.Value:
    """A product of which nothing is left to the compiler that is known already: code that is not optimised has many."""
    if isinstance(index, ir.Constant):
        return integer(int(index.constant) * factor)
    if factor in (0, 1):
        return index if factor else integer(0)
    return builder.mul(index, integer(factor), flags=("nsw",))


@dataclass(eq=False)
class Function:
    """A function that is being emitted, with the places where its memory begins.

    example: the number of the first example of the current tile. step: of the current step of a loop. moving: slots of the table whose
    arrays are exchanged while the function runs. starts: where buffers begin that the function is told of.
    """

    builder: ir.IRBuilder
    areas: dict[Area, ir.Value]
    example: ir.Value | None = None
    step: ir.Value | None = None
    locals: dict[int, ir.Value] = field(default_factory=dict)
    pointers: dict[tuple[Area, int], ir.Value] = field(default_factory=dict)
    moving: Collection[int] = ()
    starts: dict[Buffer, ir.Value] = field(default_factory=dict)

    def start_of(self, buffer: Buffer) -> ir.Value:
        """The address at which a buffer begins."""
        if buffer in self.starts:
            return self.starts[buffer]
        if buffer.area is Area.LOCAL:
            return self._local(buffer)
        if buffer.area is Area.CODE:
            return self.builder.bitcast(self.builder.module.globals[name_of_numbers(buffer)], POINTER)
        if buffer.area is Area.TABLE:
            if buffer.position in self.moving:
                return self.builder.load(self.slot(buffer.position), typ=POINTER)
            key = (buffer.area, buffer.position)
            if key not in self.pointers:
                with self.builder.goto_entry_block():
                    self.pointers[key] = self.builder.load(self.slot(buffer.position), typ=POINTER)
            return self.pointers[key]
        return self.builder.gep(self.areas[buffer.area], [integer(buffer.position)], source_etype=INT8)

    def slot(self, position: int) -> ir.Value:
        """The address at which the table holds the address of an array."""
        return self.builder.gep(self.areas[Area.TABLE], [integer(position)], source_etype=POINTER)

    def _local(self, buffer: Buffer) -> ir.Value:
        if buffer.position not in self.locals:
            self.locals[buffer.position] = self.allocate(memory_type(buffer.dtype), buffer.size)
        return self.locals[buffer.position]

    def allocate(self, element: ir.Type, count: int = 1) -> ir.Value:
        """Memory of this function, which the compiler keeps in registers where it can."""
        with self.builder.goto_entry_block():
            pointer = self.builder.alloca(ir.ArrayType(element, count) if count > 1 else element)
        pointer.align = 64
        pointer.type = POINTER  # llvmlite would give it a typed pointer, which it then refuses to mix
        return pointer

    def start_of_view(self, view: View) -> ir.Value:
        """The address of the view's first element."""
        start = self._start_in_step(view) if view.slots_per_step else self.start_of(view.buffer)
        offset: ir.Value | None = integer(view.offset) if view.offset else None
        for index, stride in ((self.example, view.example_stride), (self.step, view.step_stride)):
            if stride and index is not None:
                moved = self.builder.mul(index, integer(stride))
                offset = moved if offset is None else self.builder.add(moved, offset)
        return start if offset is None else self.at(start, view.buffer.dtype, offset)

    def _start_in_step(self, view: View) -> ir.Value:
        """The address of the array that is the current step's."""
        assert self.step is not None
        slot = self.builder.mul(self.step, integer(view.slots_per_step))
        slot = self.builder.add(slot, integer(view.buffer.position))
        return self.builder.load(self.builder.gep(self.areas[Area.TABLE], [slot], source_etype=POINTER), typ=POINTER)

    def at(self, pointer: ir.Value, dtype: np.dtype[Any], index: ir.Value | int) -> ir.Value:
        """The address of an element."""
        if isinstance(index, ir.Constant):
            index = int(index.constant)
        if isinstance(index, int):
            if index == 0:
                return pointer
            index = integer(index)
        return self.builder.gep(pointer, [index], source_etype=memory_type(dtype), inbounds=True)

    def read(self, pointer: ir.Value, dtype: np.dtype[Any], stride: int, width: int) -> ir.Value:
        """`width` elements, `stride` apart, as a value."""
        if width == 1:
            return self._to_register(self._load(pointer, memory_type(dtype), dtype), dtype)
        if stride == 0:
            return self.splat(self.read(pointer, dtype, 0, 1), width)
        if stride == 1:
            vector = ir.VectorType(memory_type(dtype), width)
            return self._to_register(self._load(pointer, vector, dtype), dtype)
        value = filled(value_type(dtype, width), ir.Undefined)
        for lane in range(width):
            element = self.read(self.at(pointer, dtype, lane * stride), dtype, 0, 1)
            value = self.builder.insert_element(value, element, ir.Constant(ir.IntType(32), lane))
        return value

    def _load(self, pointer: ir.Value, kind: ir.Type, dtype: np.dtype[Any]) -> ir.Value:
        return self.builder.load(pointer, typ=kind, align=max(dtype.itemsize, 1))

    def write(self, value: ir.Value, pointer: ir.Value, dtype: np.dtype[Any], stride: int, width: int) -> None:
        """Writes `width` elements, `stride` apart."""
        if width == 1 or stride == 1:
            self.builder.store(self._to_memory(value, dtype, width), pointer, align=max(dtype.itemsize, 1))
            return
        for lane in range(width):
            element = self.builder.extract_element(value, ir.Constant(ir.IntType(32), lane))
            self.write(element, self.at(pointer, dtype, lane * stride), dtype, 1, 1)

    def _to_register(self, value: ir.Value, dtype: np.dtype[Any]) -> ir.Value:
        if dtype.kind != "b":
            return value
        return self.builder.icmp_unsigned("!=", value, filled(value.type, 0))

    def _to_memory(self, value: ir.Value, dtype: np.dtype[Any], width: int) -> ir.Value:
        if dtype.kind != "b":
            return value
        return self.builder.zext(value, INT8 if width == 1 else ir.VectorType(INT8, width))

    def splat(self, value: ir.Value, width: int) -> ir.Value:
        """A vector of which all elements are equal."""
        if width == 1:
            return value
        undefined = filled(ir.VectorType(value.type, width), ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, undefined, filled(ir.VectorType(ir.IntType(32), width), 0))


def loop(function: Function, count: int | ir.Value, body: Callable[[ir.Value], None], name: str = "loop") -> None:
    """Emits body(0), body(1), ... body(count - 1); a count of one needs no loop."""
    builder = function.builder
    if isinstance(count, int):
        if count <= 0:
            return
        if count == 1:
            body(integer(0))
            return
        count = integer(count)
    before = builder.block
    inside = builder.append_basic_block(name)
    after = builder.append_basic_block(name + ".end")
    if isinstance(count, ir.Constant):
        builder.branch(inside)
    else:
        builder.cbranch(builder.icmp_signed(">", count, integer(0)), inside, after)
    builder.position_at_end(inside)
    index = builder.phi(INT64)
    index.add_incoming(integer(0), before)
    body(index)
    following = builder.add(index, integer(1), flags=("nsw", "nuw"))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
    builder.position_at_end(after)


def pieces(extent: int, width: int) -> Iterator[tuple[int, int]]:
    """(start, width) of the vectors, each half as wide as the one before, that cover what full vectors leave over."""
    start = extent - extent % width
    while width > 1:
        width //= 2
        if extent - start >= width:
            yield start, width
            start += width
