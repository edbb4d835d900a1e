"""Sharing a sweep among threads: each takes chunks of tiles until none is left, without locks.

The chunks that nobody has taken are the bits of one 64-bit number; who clears a bit has that chunk, of the sweep that is open
then, and which sweep that is does not change before the chunk is done. Every thread has a home, the chunks that it takes first: what
they read and write stays in the cache of its core from one sweep to the next. When none of these is left it helps the others.
Which thread computes a chunk changes no digit: each chunk has totals of its own, and these are added up in a fixed order.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from .arrays import INT64, integer
from .interface import Control

__all__ = ["Sharing", "control_field"]

_SHORT_PATIENCE = 2_000
"""So many times the thread that has opened a sweep looks whether it is done before it gives way."""
_PATIENCE = 20_000
"""So many times a thread looks for work before it begins to give way to others."""

_LONG_CYCLES = 1 << 22
"""About a millisecond. A sweep takes long if it takes longer than that, and several times as long as it can."""
_TIMES = 6
_ALONE_CYCLES = 1 << 28
"""About a tenth of a second."""
_MOST_ALONE = 3_000


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def control_field(builder: ir.IRBuilder, control: ir.Value, field: Control) -> ir.Value:
    """The address of a field of the control block."""
    return builder.gep(control, [integer(int(field))], source_etype=INT64)


def _load(builder: ir.IRBuilder, pointer: ir.Value, ordering: str) -> ir.Value:
    return builder.load_atomic(pointer, ordering, 8, typ=INT64)


@dataclass(frozen=True)
class Sharing:
    """How the work of a program is shared."""

    module: ir.Module
    chunks: int

    def emit_publish(self, builder: ir.IRBuilder, control: ir.Value, number: int) -> None:
        """Opens a sweep, of which the program has several."""
        builder.atomic_rmw("add", control_field(builder, control, Control.SWEEPS), integer(1), "monotonic")
        builder.store(integer(number), control_field(builder, control, Control.SWEEP))
        builder.store(integer(0), control_field(builder, control, Control.DONE))
        all_chunks = integer((1 << self.chunks) - 1)
        builder.atomic_rmw("xchg", control_field(builder, control, Control.OPEN), all_chunks, "release")

    def emit_work(self, builder: ir.IRBuilder, arguments: Sequence[ir.Value], sweeps: Mapping[int, Any]) -> None:
        """Takes chunks of the open sweep until none is left. arguments: table, workspace, control, scratch, home.

        Once a stop is requested chunks are taken, but not worked on: what comes of the sweep is not used then.
        """
        table, workspace, control, scratch, home = arguments
        take, choose, work, empty = (builder.append_basic_block(name) for name in ("take", "choose", "work", "empty"))
        builder.branch(take)
        builder.position_at_end(take)
        left = _load(builder, control_field(builder, control, Control.OPEN), "monotonic")
        builder.cbranch(builder.icmp_signed("!=", left, integer(0)), choose, empty)
        builder.position_at_end(choose)
        chunk = self._chosen(builder, control, left, home)
        bit = builder.shl(integer(1), chunk)
        field = control_field(builder, control, Control.OPEN)
        before = builder.atomic_rmw("and", field, builder.not_(bit), "acq_rel")
        builder.cbranch(builder.icmp_signed("!=", builder.and_(before, bit), integer(0)), work, take)
        builder.position_at_end(work)
        stop = _load(builder, control_field(builder, control, Control.STOP), "monotonic")
        goes_on, done = builder.append_basic_block("goes_on"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("==", stop, integer(0)), goes_on, done)
        builder.position_at_end(goes_on)
        opened = _load(builder, control_field(builder, control, Control.SWEEP), "monotonic")
        for number, sweep in sweeps.items():
            if len(sweeps) == 1:
                builder.call(sweep, [table, workspace, scratch, chunk])
                continue
            with builder.if_then(builder.icmp_signed("==", opened, integer(number))):
                builder.call(sweep, [table, workspace, scratch, chunk])
        builder.branch(done)
        builder.position_at_end(done)
        builder.atomic_rmw("add", control_field(builder, control, Control.DONE), integer(1), "acq_rel")
        builder.branch(take)
        builder.position_at_end(empty)

    def _chosen(self, builder: ir.IRBuilder, control: ir.Value, left: ir.Value, home: ir.Value) -> ir.Value:
        """The chunk that a thread tries to take: of its home, and when nothing is left there, what the others would come to last.

        Every other sweep walks backwards: what the last one read at its end is still in cache.
        """
        own = builder.and_(left, home)
        is_at_home = builder.icmp_signed("!=", own, integer(0))
        candidates = builder.select(is_at_home, own, left)
        sweeps = _load(builder, control_field(builder, control, Control.SWEEPS), "monotonic")
        is_odd = builder.trunc(sweeps, ir.IntType(1))
        no = ir.Constant(ir.IntType(1), 0)
        first, last = builder.cttz(candidates, no), builder.sub(integer(63), builder.ctlz(candidates, no))
        return builder.select(builder.icmp_unsigned("==", is_odd, is_at_home), last, first)

    def emit_wait(self, builder: ir.IRBuilder, control: ir.Value) -> None:
        """Waits until every chunk is done; if that takes long, a thread that has one may need this processor."""
        names = ("wait", "pause", "rest", "again", "finished")
        waiting, pause, rest, again, finished = (builder.append_basic_block(name) for name in names)
        before = builder.block
        builder.branch(waiting)
        builder.position_at_end(waiting)
        spins = builder.phi(INT64)
        spins.add_incoming(integer(0), before)
        completed = _load(builder, control_field(builder, control, Control.DONE), "acquire")
        is_done = builder.icmp_signed("==", completed, integer(self.chunks))
        builder.cbranch(is_done, finished, pause)
        builder.position_at_end(pause)
        self._pause(builder)
        builder.cbranch(builder.icmp_signed(">", spins, integer(_SHORT_PATIENCE)), rest, again)
        builder.position_at_end(rest)
        self._give_way(builder)
        builder.branch(again)
        builder.position_at_end(again)
        spins.add_incoming(builder.add(spins, integer(1)), again)
        builder.branch(waiting)
        builder.position_at_end(finished)

    @contextmanager
    def watched(self, builder: ir.IRBuilder, control: ir.Value, shortest: ir.Value) -> Iterator[None]:
        """Around a sweep of a mini-batch: if it takes long, a thread has lost its processor in the middle, and the next are done alone.

        shortest: where the program keeps the shortest time that this sweep has taken; 0 before the first.
        """
        begin = self._cycles(builder)
        yield
        if begin is None:
            return
        took = builder.sub(self._cycles(builder), begin)
        before = builder.load(shortest, typ=INT64)
        # One below 0 is more than anything else. A sweep that was given up tells nothing.
        is_shorter = builder.icmp_unsigned("<", took, builder.sub(before, integer(1)))
        stop = _load(builder, control_field(builder, control, Control.STOP), "monotonic")
        is_shorter = builder.and_(is_shorter, builder.icmp_signed("==", stop, integer(0)))
        with builder.if_then(is_shorter, likely=False):
            builder.store(took, shortest)
        is_long = builder.icmp_unsigned(">", took, integer(_LONG_CYCLES))
        with builder.if_then(is_long, likely=False):
            usual = builder.load(shortest, typ=INT64)
            is_unusual = builder.icmp_unsigned(">", took, builder.mul(usual, integer(_TIMES)))
            with builder.if_then(is_unusual, likely=False):
                count = builder.udiv(integer(_ALONE_CYCLES), usual)
                is_too_many = builder.icmp_unsigned(">", count, integer(_MOST_ALONE))
                count = builder.select(is_too_many, integer(_MOST_ALONE), builder.add(count, integer(1)))
                builder.store(count, control_field(builder, control, Control.ALONE))

    def _cycles(self, builder: ir.IRBuilder) -> ir.Value | None:
        """The processor's clock, where programs may read it."""
        if not _is_x86():
            return None
        return builder.call(self._external("llvm.readcyclecounter", INT64), [])

    def emit_help(self, builder: ir.IRBuilder, arguments: Sequence[ir.Value], sweeps: Mapping[int, Any]) -> None:
        """What a helping thread does: looks for an open sweep, works on it, until it is told to quit."""
        control = arguments[2]
        spins = builder.alloca(INT64)
        spins.type = arguments[0].type  # llvmlite would give it a typed pointer, which it then refuses to mix
        builder.store(integer(0), spins)
        names = ("look", "check", "pause", "rest", "work", "end")
        look, check, pause, rest, work, end = (builder.append_basic_block(name) for name in names)
        builder.branch(look)
        builder.position_at_end(look)
        left = _load(builder, control_field(builder, control, Control.OPEN), "monotonic")
        builder.cbranch(builder.icmp_signed("!=", left, integer(0)), work, check)
        builder.position_at_end(check)
        quits = _load(builder, control_field(builder, control, Control.QUIT), "acquire")
        builder.cbranch(builder.icmp_signed("!=", quits, integer(0)), end, pause)
        builder.position_at_end(pause)
        self._pause(builder)
        spun = builder.add(builder.load(spins, typ=INT64), integer(1))
        builder.store(spun, spins)
        builder.cbranch(builder.icmp_signed(">", spun, integer(_PATIENCE)), rest, look)
        builder.position_at_end(rest)
        alone = _load(builder, control_field(builder, control, Control.ALONE), "monotonic")
        with builder.if_else(builder.icmp_signed(">", alone, integer(0))) as (unneeded, needed):
            with unneeded:
                self._sleep(builder)
            with needed:
                self._give_way(builder)
        builder.branch(look)
        builder.position_at_end(work)
        builder.store(integer(0), spins)
        self.emit_work(builder, arguments, sweeps)
        builder.branch(look)
        builder.position_at_end(end)

    def _pause(self, builder: ir.IRBuilder) -> None:
        """Tells the processor that this is a waiting loop."""
        if _is_x86():
            builder.call(self._external("llvm.x86.sse2.pause", ir.VoidType()), [])

    def _give_way(self, builder: ir.IRBuilder) -> None:
        """Lets other processes run, where the system has a call for it."""
        if platform.system() != "Windows":
            builder.call(self._external("sched_yield", ir.IntType(32)), [])

    def _sleep(self, builder: ir.IRBuilder) -> None:
        """Half a millisecond, where the system has a call for it."""
        if platform.system() != "Windows":
            half = ir.IntType(32)
            builder.call(self._external("usleep", half, half), [ir.Constant(half, 500)])

    def _external(self, name: str, returns: ir.Type, *takes: ir.Type) -> Any:
        known = self.module.globals.get(name)
        return known or ir.Function(self.module, ir.FunctionType(returns, takes), name)
