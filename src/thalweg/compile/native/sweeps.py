"""Sweeps: functions that are called once for each chunk of some work, by whichever thread takes the chunk."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from ...graph import Node
from .arrays import INT64, POINTER, Function, integer, loop
from .emitter import Emitter
from .interface import Control
from .sampling import INTEGER
from .threads import Sharing
from .views import Area

__all__ = ["Sweep", "begin_sweep", "emit_sweep", "reduction_of"]


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep whose body is being emitted. number: among all of the program. chunk: the one that it is called for."""

    number: int
    function: Function
    chunk: ir.Value


def begin_sweep(emitter: Emitter) -> Sweep:
    """A new sweep of the program, without a body yet."""
    number = len(emitter.sweeps)
    declared = emitter.declare(f"sweep{number}", [POINTER] * 3 + [INT64], is_internal=True)
    emitter.sweeps.append(declared)
    table, workspace, scratch, chunk = declared.args
    areas: dict[Area, ir.Value] = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: scratch}
    return Sweep(number, Function(ir.IRBuilder(declared.append_basic_block("entry")), areas), chunk)


def emit_sweep(emitter: Emitter, sweep: Sweep) -> None:
    """Ends the body of a sweep, and lets all threads work on its chunks, here in the main function."""
    sweep.function.builder.ret_void()
    assert emitter.tiling is not None
    chunks, function = emitter.tiling.chunks, emitter.main
    called = emitter.sweeps[sweep.number]
    arguments = [function.areas[Area.TABLE], function.areas[Area.WORKSPACE], emitter.scratch]
    if chunks == 1:
        function.builder.call(called, [*arguments, integer(0)])
        return
    sharing = Sharing(emitter.module, chunks)
    if not emitter.tiling.is_split:
        _emit_shared(emitter, sharing, sweep.number)
        return
    # The steps of a mini-batch are short: while the other threads are away, one takes all chunks by itself.
    builder = function.builder
    shortest = emitter.memory.array(Area.WORKSPACE, (), INTEGER)
    left = emitter.control_field(Control.ALONE)
    alone = builder.load(left, typ=INT64)
    with builder.if_else(builder.icmp_signed(">", alone, integer(0))) as (by_itself, together):
        with by_itself:
            builder.store(builder.sub(alone, integer(1)), left)
            loop(function, chunks, lambda chunk: builder.call(called, [*arguments, chunk]), "chunks")
        with together, sharing.watched(builder, emitter.control, function.start_of_view(shortest)):
            _emit_shared(emitter, sharing, sweep.number)


def _emit_shared(emitter: Emitter, sharing: Sharing, number: int) -> None:
    builder, areas = emitter.main.builder, emitter.main.areas
    sharing.emit_publish(builder, emitter.control, number)
    arguments = (areas[Area.TABLE], areas[Area.WORKSPACE], emitter.control, emitter.scratch, emitter.home)
    sharing.emit_work(builder, arguments, {number: emitter.sweeps[number]})
    sharing.emit_wait(builder, emitter.control)


def reduction_of(node: Node) -> str:
    """How totals of several tiles or chunks are combined."""
    name = node.primitive.name
    return name if name in ("maximum_reduce", "minimum_reduce") else "sum"
