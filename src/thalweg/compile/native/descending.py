"""Emitting the loop of a descent: stages in turn, the history, and the state that is carried on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from .arrays import INT64, POINTER, Function, integer, loop
from .batches import emit_batch
from .copies import emit_copy
from .emitter import Emitter
from .evaluation import Evaluation
from .formulas import convert
from .interface import Control, Loop, Stage
from .region import LARGEST_LOCAL, Region
from .sampling import INTEGER
from .views import Area, View

__all__ = ["emit_descent"]

FLOAT64 = np.dtype(np.float64)

_Move = tuple[View, View, int | None]
"""From, to, and the axis of lanes."""

_LARGE_BYTES = 1 << 12


def emit_descent(emitter: Emitter, descent: Loop) -> None:
    """Emits iterations until a stage ends the descent, the stretch is over, or the history is full."""
    _Descent(emitter, descent).emit()


@dataclass(eq=False)
class _Descent:
    emitter: Emitter
    loop: Loop

    def __post_init__(self) -> None:
        self.main: Function = self.emitter.main
        self.builder: ir.IRBuilder = self.main.builder
        self.state: Sequence[Node] = self.emitter.graph.inputs[: self.loop.carried]
        self.main.moving = self._moving()

    def _moving(self) -> set[int]:
        """The slots of large parts of the state and of their successors: these change places instead of being copied."""
        if self.loop.lanes > 1:
            return set()
        views = [self.emitter.inputs[node] for node in self.state]
        for stage in self.loop.stages:
            views += self.emitter.outputs[stage.first : stage.first + self.loop.carried]
        return {view.buffer.position for view in views if view.buffer.size * view.buffer.dtype.itemsize >= _LARGE_BYTES}

    def emit(self) -> None:
        emitter, builder, main = self.emitter, self.builder, self.main
        seed = builder.load(self._control(Control.SEED), typ=INT64)
        main.write(seed, main.start_of_view(emitter.seed), INTEGER, 1, 1)
        self._keep_state_in_registers()
        iterations = builder.load(self._control(Control.ITERATIONS), typ=INT64)
        first = builder.load(self._control(Control.ITERATION), typ=INT64)
        again, begin, self.end = (builder.append_basic_block(name) for name in ("again", "iteration", "end"))
        start = builder.block
        builder.branch(again)
        builder.position_at_end(again)
        index = builder.phi(INT64)
        index.add_incoming(integer(0), start)
        stop = builder.load_atomic(self._control(Control.STOP), "monotonic", 8, typ=INT64)
        goes_on = builder.and_(builder.icmp_signed("<", index, iterations), builder.icmp_signed("==", stop, integer(0)))
        builder.cbranch(goes_on, begin, self.end)
        builder.position_at_end(begin)
        self.iteration = builder.add(first, index)
        main.write(self.iteration, main.start_of_view(emitter.iteration), INTEGER, 1, 1)
        if emitter.sampling and not emitter.has_sweeps:
            self._sample()
        for number, stage in enumerate(self.loop.stages):
            self._emit_stage(number, stage)
        following = builder.add(index, integer(1))
        index.add_incoming(following, builder.block)
        builder.store(builder.add(first, following), self._control(Control.ITERATION))
        full = builder.icmp_signed(
            ">=",
            builder.load(self._control(Control.RECORDED), typ=INT64),
            builder.load(self._control(Control.CAPACITY), typ=INT64),
        )
        builder.cbranch(full, self.end, again)
        builder.position_at_end(self.end)
        for node in self.state:
            if emitter.views[node] != emitter.inputs[node]:
                emit_copy(main, emitter.views[node], emitter.inputs[node], emitter.whole_vector_bytes)

    def _control(self, name: Control) -> ir.Value:
        return self.emitter.control_field(name)

    def _keep_state_in_registers(self) -> None:
        emitter = self.emitter
        if emitter.has_sweeps or emitter.is_large:
            return
        for node in self.state:
            if node.type.size <= LARGEST_LOCAL:
                local = emitter.memory.array(Area.LOCAL, node.shape, node.dtype, emitter.lane_axis.get(node))
                emit_copy(self.main, emitter.inputs[node], local, emitter.whole_vector_bytes)
                emitter.views[node] = local

    def _sample(self) -> None:
        assert self.emitter.sampling is not None
        emit_batch(self.emitter, self.main, self.emitter.views, self.emitter.sampling.batch)

    # Stages
    def _emit_stage(self, number: int, stage: Stage) -> None:
        builder = self.builder
        if len(self.loop.stages) == 1:
            self._emit_turn(stage)
            return
        turn, after = builder.append_basic_block(f"stage{number}"), builder.append_basic_block("after")
        builder.cbranch(self._is_turn(number), turn, after)
        builder.position_at_end(turn)
        self._emit_turn(stage)
        builder.branch(after)
        builder.position_at_end(after)

    def _is_turn(self, number: int) -> ir.Value:
        """Whether any member of the population waits for this stage."""
        assert self.loop.turn is not None
        view = self.emitter.views[self.state[self.loop.turn]]
        start, found = self.main.start_of_view(view), ir.Constant(ir.IntType(1), 0)
        for member in range(view.buffer.size):
            value = self.main.read(self.main.at(start, INTEGER, member), INTEGER, 1, 1)
            found = self.builder.or_(found, self.builder.icmp_signed("==", value, integer(number)))
        return found

    def _emit_turn(self, stage: Stage) -> None:
        graph = stage.graph(self.emitter.graph, self.loop.carried)
        evaluation = Evaluation(self.emitter, graph, dict(self.emitter.views))
        region = evaluation.emit(self._wanted(stage, graph))
        if evaluation.is_shared:
            self._end_if_stopped()
        if stage.recorded is not None:
            recorded = graph.outputs[self.loop.carried : -1]
            status = self._scalar(region.view(graph.outputs[-1]))
            self.builder.store(status, self._control(Control.STATUS))
            self._record([region.view(node) for node in recorded], status)
            commit = self.builder.append_basic_block("commit")
            self.builder.cbranch(self.builder.icmp_signed("==", status, integer(0)), commit, self.end)
            self.builder.position_at_end(commit)
        self._commit(region, graph.outputs[: self.loop.carried])

    def _wanted(self, stage: Stage, graph: Graph) -> dict[Node, View | None]:
        """Where the outputs of a stage are written: the large parts of the new state to places of their own."""
        wanted: dict[Node, View | None] = {}
        for number, node in enumerate(graph.outputs):
            is_carried = number < self.loop.carried and not (node.is_input or node.is_constant)
            own = self.emitter.outputs[stage.first + number]
            if wanted.get(node) is None:
                wanted[node] = own if is_carried and own.buffer.position in self.main.moving else None
        return wanted

    def _end_if_stopped(self) -> None:
        """A sweep that was given up leads nowhere: the state stays as it was."""
        stop = self.builder.load_atomic(self._control(Control.STOP), "monotonic", 8, typ=INT64)
        whole = self.builder.append_basic_block("whole")
        self.builder.cbranch(self.builder.icmp_signed("==", stop, integer(0)), whole, self.end)
        self.builder.position_at_end(whole)

    def _scalar(self, view: View) -> ir.Value:
        return self.main.read(self.main.start_of_view(view), view.buffer.dtype, 1, 1)

    def _commit(self, region: Region, results: Sequence[Node]) -> None:
        """Replaces the state by its successor, each part once nothing else has to be read from it; a cycle is set aside first.

        Large parts change places in the table, after all others were copied.
        """
        emitter = self.emitter
        moves = [
            (region.view(new), emitter.views[old], emitter.lane_axis.get(new))
            for old, new in zip(self.state, results, strict=True)
            if old is not new
        ]
        exchanged = self._exchanged(moves)
        moves = [move for move in moves if move not in exchanged]
        while moves:
            ready = next((i for i in range(len(moves)) if not _is_read_by_others(moves, i)), None)
            if ready is None:
                targets = {target.buffer for _, target, _ in moves}
                blocking = next(i for i, (source, _, _) in enumerate(moves) if source.buffer in targets)
                source, target, lanes = moves[blocking]
                copy = emitter.memory.array(Area.WORKSPACE, source.shape, source.buffer.dtype, lanes)
                emit_copy(self.main, source, copy, emitter.whole_vector_bytes)
                moves[blocking] = copy, target, lanes
                continue
            source, target, _ = moves.pop(ready)
            emit_copy(self.main, source, target, emitter.whole_vector_bytes)
        self._exchange({target.buffer.position: source.buffer.position for source, target, _ in exchanged})

    def _exchanged(self, moves: Sequence[_Move]) -> list[_Move]:
        """The moves of whole arrays that can change places: each goes to one place, and nothing is copied to where it lies."""
        found: list[_Move] = []
        for move in moves:
            ends = [view.buffer for view in move[:2]]
            is_whole = all(
                end.area is Area.TABLE and end.position in self.main.moving and end.size == math.prod(view.shape)
                for end, view in zip(ends, move[:2], strict=True)
            )
            if is_whole and move[0].strides == move[1].strides and all(move[0] != other[0] for other in found):
                found.append(move)
        while True:
            copied_to = {target.buffer for _, target, _ in moves if all(target != other[1] for other in found)}
            kept = [move for move in found if move[0].buffer not in copied_to]
            if len(kept) == len(found):
                return found
            found = kept

    def _exchange(self, sources: Mapping[int, int]) -> None:
        """Gives each slot the array of its source; the last of a chain goes to its beginning."""
        slots = sorted({*sources, *sources.values()})
        arrays = {slot: self.builder.load(self.main.slot(slot), typ=POINTER) for slot in slots}
        targets = {source: target for target, source in sources.items()}
        for slot in slots:
            source = sources.get(slot)
            if source is None:
                source = slot
                while source in targets:
                    source = targets[source]
            self.builder.store(arrays[source], self.main.slot(slot))

    # The history
    def _record(self, recorded: Sequence[View], status: ir.Value) -> None:
        """Writes a row of the history, if one is due or the descent ends here."""
        builder, main = self.builder, self.main
        upcoming = self._control(Control.NEXT_RECORD)
        is_due = builder.icmp_signed(">=", self.iteration, builder.load(upcoming, typ=INT64))
        is_end = builder.icmp_signed("!=", status, integer(0))
        length = 1 + sum(view.shape[0] if view.shape else 1 for view in recorded)
        with builder.if_then(builder.or_(is_due, is_end), likely=False):
            builder.store(builder.add(self.iteration, self._stride()), upcoming)
            counter = self._control(Control.RECORDED)
            count = builder.load(counter, typ=INT64)
            row = main.at(main.start_of(self.emitter.history), FLOAT64, builder.mul(count, integer(length)))
            main.write(builder.sitofp(self.iteration, ir.DoubleType()), row, FLOAT64, 1, 1)
            column = 1
            for view in recorded:
                column += self._write_numbers(view, main.at(row, FLOAT64, column))
            builder.store(builder.add(count, integer(1)), counter)

    def _write_numbers(self, view: View, target: ir.Value) -> int:
        """Writes one number, or one of each member; returns how many."""
        main, dtype = self.main, view.buffer.dtype
        start = main.start_of_view(view)
        count = view.shape[0] if view.shape else 1
        stride = view.strides[0] if view.shape else 0

        def one(index: ir.Value) -> None:
            at = main.at(start, dtype, self.builder.mul(index, integer(stride)))
            value = convert(self.builder, main.read(at, dtype, 1, 1), FLOAT64)
            main.write(value, main.at(target, FLOAT64, index), FLOAT64, 1, 1)

        loop(main, count, one, "member")
        return count

    def _stride(self) -> ir.Value:
        """How far the next recorded iteration lies: 1 up to the last dense one, then 2 for as long again, then 4, ..."""
        builder = self.builder
        zeros = builder.ctlz(builder.or_(self.iteration, integer(1)), ir.Constant(ir.IntType(1), 0))
        power = builder.sub(integer(63 - self.loop.dense_bits), zeros)
        power = builder.select(builder.icmp_signed("<", power, integer(0)), integer(0), power)
        return builder.shl(integer(1), power)


def _is_read_by_others(moves: Sequence[_Move], number: int) -> bool:
    """Whether another move, or part of this one, still reads from where this one writes."""
    target = moves[number][1]
    return any(
        source.buffer == target.buffer and (i != number or source != target) for i, (source, _, _) in enumerate(moves)
    )
