"""Emitting one evaluation of a graph: regions that run whole, and sweeps over tiles that threads share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from ...ops.structure import place
from ..examples import Examples
from .arrays import INT8, INT64, POINTER, Function, integer, loop
from .deferred import deferred_products, emit_rows, row_elements
from .formulas import identity
from .groups import ALIASES, REDUCTIONS, Group
from .homes import homes_of
from .interface import Control
from .loops import Share, can_be_shared, emit_combine, emit_copy, emit_fill, share_of
from .memory import Memory
from .permutation import Sampling
from .region import LARGEST_LOCAL, Region, Tile, tiled
from .sampling import INTEGER, Sample, emit_prefetch, emit_sample, is_worth_prefetching
from .threads import Sharing, control_field
from .tiles import Tiling
from .views import Area, Buffer, View

__all__ = ["PARAMETERS", "Emitter", "Evaluation", "phase_count"]

_UNIT = 64
"""Elements of a long group are shared in whole vectors."""

PARAMETERS: Sequence[ir.Type] = [*[POINTER] * 4, INT64]
"""Of the functions that Python calls: table, workspace, control, scratch, home."""


@dataclass(eq=False)
class Emitter:
    """What all evaluations of a program share while it is emitted.

    views: where inputs and the values that live on lie. constants: numbers of the constants that need a slot.
    sweeps: the functions that sweep over tiles, of all evaluations. has_sweeps: whether there will be any.
    lane_axis: of nodes that hold values of several members.
    """

    graph: Graph
    examples: Examples | None
    tiling: Tiling | None
    sampling: Sampling | None
    vector_bytes: int
    is_large: bool
    module: ir.Module = field(default_factory=lambda: ir.Module("thalweg"))
    memory: Memory = field(default_factory=Memory)
    views: dict[Node, View] = field(default_factory=dict)
    constants: list[int] = field(default_factory=list)
    sweeps: list[Any] = field(default_factory=list)
    has_sweeps: bool = False
    lane_axis: Mapping[Node, int] = field(default_factory=dict)
    functions: int = 0
    scratch_needed: int = 0

    def __post_init__(self) -> None:
        self.inputs = {node: self.slot(node) for node in self.graph.inputs}
        self.outputs = [self.slot(node) for node in self.graph.outputs]
        self.history = self.memory.buffer(Area.TABLE, 0, np.dtype(np.float64))
        self.views.update(self.inputs)
        self._constant_slots: dict[Node, View] = {}
        self._numbers = {node: i for i, node in enumerate(n for n in self.graph.nodes if n.is_constant)}
        main = self.declare("run", PARAMETERS, is_internal=False)
        table, workspace, self.control, self.scratch, self.home = main.args
        areas = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: self.scratch}
        self.main = Function(ir.IRBuilder(main.append_basic_block("entry")), areas)
        self.seed = self.memory.array(Area.WORKSPACE, (), INTEGER)
        self.iteration = self.memory.array(Area.WORKSPACE, (), INTEGER)

    def slot(self, node: Node) -> View:
        """A place in the caller's table."""
        return self.memory.array(Area.TABLE, node.shape, node.dtype, self.lane_axis.get(node))

    def constant_view(self, node: Node) -> View:
        """Where a constant lies that cannot be part of the code."""
        if node not in self._constant_slots:
            self.constants.append(self._numbers[node])
            self._constant_slots[node] = self.slot(node)
        return self._constant_slots[node]

    def declare(self, name: str, parameters: Sequence[ir.Type], is_internal: bool) -> Any:
        """A new function of the module."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), parameters), name)
        function.attributes.add("nounwind")
        if is_internal:
            function.linkage = "internal"
        for argument in function.args:
            if argument.type == POINTER:
                argument.add_attribute("nonnull")
        return function

    def control_field(self, name: Control) -> ir.Value:
        """The address of a number of the control block."""
        return control_field(self.main.builder, self.control, name)

    @contextmanager
    def inline(self, function: Function, group: Group) -> Iterator[Function]:
        """Groups become part of the function itself."""
        yield function

    @contextmanager
    def outlined(self, caller: Function) -> Iterator[Function]:
        """A group becomes a function of its own."""
        names = [area for area in (Area.TABLE, Area.WORKSPACE, Area.SCRATCH, Area.TOTALS) if area in caller.areas]
        self.functions += 1
        parameters: list[ir.Type] = [POINTER] * len(names) + ([INT64] if caller.example is not None else [])
        declared = self.declare(f"group{self.functions}", parameters, is_internal=True)
        builder = ir.IRBuilder(declared.append_basic_block("entry"))
        areas: dict[Area, ir.Value] = dict(zip(names, declared.args, strict=False))
        yield Function(builder, areas, declared.args[-1] if caller.example is not None else None)
        builder.ret_void()
        arguments = [caller.areas[name] for name in names]
        if caller.example is not None:
            arguments.append(caller.example)
        caller.builder.call(declared, arguments)

    def functions_for(self, function: Function) -> Callable[[Group], Any]:
        """Where groups are emitted: into the function itself, or each into one of its own."""
        if not self.is_large:
            return lambda group: self.inline(function, group)
        return lambda group: self.outlined(function)


def phase_count(graph: Graph, examples: Examples | None) -> int:
    """How often one evaluation of a graph goes over the tiles."""
    if examples is None or not any(node in examples.axis for node in graph.nodes):
        return 0
    phase = examples.phase
    of_totals = [phase[node] - 1 for node in graph.nodes if node in examples.totals]
    of_outputs = [phase[node] for node in graph.outputs if node in examples.axis]
    return max(of_totals + of_outputs, default=0) + 1


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where the rows of a product begin among the elements of a group, how long each is, and how many elements all have."""

    start: int
    length: int
    size: int

    def elements(self, function: Function, rows: Share) -> Share:
        """The elements of some of the rows."""
        builder, length = function.builder, integer(self.length)
        first = builder.add(builder.mul(rows.first, length), integer(self.start))
        return Share(first, builder.mul(rows.count, length))


def _gaps(extent: int, rows: Mapping[Node, _Rows]) -> Iterator[tuple[int, int]]:
    """Begin and end of what lies between the products, before and after them."""
    begin = 0
    for found in sorted(rows.values(), key=lambda found: found.start):
        if found.start > begin:
            yield begin, found.start
        begin = found.start + found.size
    if extent > begin:
        yield begin, extent


@dataclass(eq=False)
class Evaluation:
    """One evaluation of a graph: of all that a program computes, or of one stage of a descent.

    graph: has the inputs of the whole program. views: where its values lie; grows as they are emitted.
    """

    emitter: Emitter
    graph: Graph
    views: dict[Node, View]

    def __post_init__(self) -> None:
        self.memory = self.emitter.memory
        self.examples = self.emitter.examples
        self.tiling = self.emitter.tiling
        self.main = self.emitter.main
        self.vector_bytes = self.emitter.vector_bytes
        self.phase_count = phase_count(self.graph, self.examples)
        self.deferred = deferred_products(self.graph, self.examples, self.tiling)
        batch = 0 if self.tiling is None else self.tiling.count
        factors = dict.fromkeys(operand for node in self.deferred for operand in node.operands)
        self.kept = {
            node: self.memory.array(Area.WORKSPACE, self._of_batch(node, batch), node.dtype) for node in factors
        }
        self.regions = {} if self.examples is None else self._regions(self.examples)
        self.pending: Sequence[Node] = []
        self.waiting: set[Node] = set()
        self.ahead: Sample | None = None
        self.homes: Mapping[Node, View] = {}
        self.parts: dict[Node, View] = {}

    def _of_batch(self, node: Node, batch: int) -> tuple[int, ...]:
        """The shape of a value of all examples of a batch."""
        assert self.examples is not None
        axis = self.examples.axis[node]
        return (*node.shape[:axis], batch, *node.shape[axis + 1 :])

    @property
    def is_shared(self) -> bool:
        """Whether there are sweeps that threads share, and that are given up when a stop is requested."""
        return self.phase_count > 0 and self.tiling is not None and self.tiling.chunks > 1

    # Whole regions
    def whole(self) -> Region:
        """What runs outside of the sweeps."""
        has_sweeps = self.phase_count > 0
        return Region(
            self.memory,
            self.views,
            Area.WORKSPACE,
            self.vector_bytes,
            self.emitter.constant_view,
            lambda node: not has_sweeps and not self.emitter.is_large,
            lane_axis=self.emitter.lane_axis,
            share=self._share if self.is_shared and not self.emitter.is_large else None,
        )

    def _share(self, region: Region, group: Group, stored: frozenset[Node]) -> bool:
        """Lets all threads compute a long group, each chunk a piece of it; returns whether it is long enough for that.

        Where it reads a deferred product element by element, it follows row by row in the same sweep.
        """
        assert self.tiling is not None
        chunks = self.tiling.chunks
        has_lanes = any(node in self.emitter.lane_axis for node in group.nodes)
        is_shared = can_be_shared(group, chunks) and not has_lanes
        rows = self._rows_in(region, group) if is_shared else None
        if rows is None:
            self._compute_deferred(region, group)
        if not is_shared:
            return False
        partial: dict[Node, View] = {}
        for node in group.nodes:
            if node.primitive in REDUCTIONS:
                buffer = self.memory.buffer(Area.WORKSPACE, chunks, node.dtype)
                partial[node] = View(buffer, 0, (), (), example_stride=1)
        part = self._declare_part(region, group, stored, partial)
        number, function, chunk = self._declare_sweep()
        function.example = chunk  # of each reduction, a chunk has a number of its own
        for node, view in partial.items():
            emit_fill(function, view, identity(_reduction_of(node), node.dtype))

        def emit_part(share: Share) -> None:
            areas = [function.areas[area] for area in (Area.TABLE, Area.WORKSPACE, Area.SCRATCH)]
            function.builder.call(part, [*areas, chunk, share.first, share.count])

        if rows is not None:
            self._emit_rows(function, chunk, lambda node, share: emit_part(rows[node].elements(function, share)))
        for start, end in _gaps(group.shape[0], rows or {}):
            share = share_of(function, end - start, chunk, chunks, _UNIT)
            emit_part(replace(share, first=function.builder.add(share.first, integer(start))))
        function.builder.ret_void()
        self._emit_parallel(number)
        for node, view in partial.items():
            first = replace(view, example_stride=0)
            step = node.dtype.itemsize
            name = _reduction_of(node)
            emit_combine(self.main, name, first, region.view(node), step, chunks, self.vector_bytes)
        return True

    def _declare_part(self, region: Region, group: Group, stored: frozenset[Node], partial: Mapping[Node, View]) -> Any:
        """The function that computes some elements of a group for a chunk: as many as asked for, from the first."""
        declared = self.emitter.declare(
            f"part{len(self.emitter.sweeps)}", [POINTER] * 3 + [INT64] * 3, is_internal=True
        )
        table, workspace, scratch, chunk, first, count = declared.args
        areas: dict[Area, ir.Value] = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: scratch}
        function = Function(ir.IRBuilder(declared.append_basic_block("entry")), areas, chunk)
        region.emit_group(function, group, stored, Share(first, count), partial)
        function.builder.ret_void()
        return declared

    # Products that wait until all examples are done
    def _rows_in(self, region: Region, group: Group) -> dict[Node, _Rows] | None:
        """Where the rows of the products that wait are among the elements of a group, if it reads nothing else that depends on them."""
        inside = set(group.nodes)
        read = {x for node in group.nodes for x in node.operands if x in self.waiting and x not in inside}
        if len(read) != 1:
            return None
        whole = region.view(read.pop())
        found: dict[Node, _Rows] = {}
        for node in self.pending:
            view = self.views[node]
            length, start = row_elements(node, {**self.kept, node: view}), view.offset - whole.offset
            is_within = view.buffer == whole.buffer and 0 <= start <= group.shape[0] - node.type.size
            if length is None or not is_within or whole.strides != (1,):
                return None
            found[node] = _Rows(start, length, node.type.size)
        return found

    def _compute_deferred(self, region: Region, group: Group) -> None:
        """Emits the products that wait, if the group reads them."""
        first = group.nodes[0]
        read = [x for node in group.nodes for x in node.operands if x in self.waiting]
        is_in_place = first.primitive is place and all(
            region.view(piece).is_same(region.views[first].window(starts, steps, piece.shape))
            for piece, (starts, steps) in zip(first.operands, first.attributes["windows"], strict=True)
            if piece in self.waiting
        )
        if read and not is_in_place:
            self._emit_deferred()

    def _defer(self, phase: int) -> None:
        """Leaves the products that follow a sweep for the next one."""
        self.pending = self._deferred_in(phase)
        for node in self.pending:
            self.views[node] = self.homes.get(node) or self._total(self.memory, Area.WORKSPACE, node)
        self.waiting = set(self.pending)
        for node in self.graph.nodes if self.pending else ():
            if any(operand in self.waiting for operand in node.operands):
                self.waiting.add(node)

    def _emit_deferred(self) -> None:
        """The products that wait, of which each chunk has some rows, by themselves."""
        if not self.pending:
            return
        number, function, chunk = self._declare_sweep()
        self._emit_rows(function, chunk, None)
        function.builder.ret_void()
        self._emit_parallel(number)

    def _emit_rows(self, function: Function, chunk: ir.Value, follow: Callable[[Node, Share], None] | None) -> None:
        assert self.tiling is not None
        before = self.memory.used[Area.SCRATCH]
        views = {**self.kept, **{node: self.views[node] for node in self.pending}}
        chunks = self.tiling.chunks
        meanwhile = None
        if self.ahead is not None:
            function.example, sample = chunk, self.ahead

            def meanwhile(part: ir.Value, parts: int) -> None:
                emit_prefetch(function, sample, part, parts)

        emit_rows(function, self.memory, self.pending, views, chunk, chunks, self.vector_bytes, follow, meanwhile)
        self._release_scratch(before)
        self.pending, self.waiting = [], set()

    def emit(self, outputs: Mapping[Node, View | None]) -> Region:
        """Emits the evaluation, phase by phase; `outputs` says where values are wanted, None where that is free."""
        region = self.whole()
        count = self.phase_count
        self.homes = homes_of(self.graph, outputs, self._can_move, self._room_for)
        for phase in range(count + 1):
            nodes = [node for node in self.graph.nodes if self._belongs_to(node, phase)]
            here = set(nodes)
            wanted = {node: view for node, view in outputs.items() if node in here}
            wanted |= {node: view for node, view in self.homes.items() if node in here}
            wanted |= {node: None for node in self._read_later(here) if node not in wanted}
            if region.share is None or any(x in self.waiting and region.is_alias(x) for x in wanted):
                self._emit_deferred()
            region.emit(self.emitter.functions_for(self.main), nodes, wanted)
            self._emit_deferred()
            if phase < count:
                self._emit_parallel(self._emit_sweep(phase))
                self._emit_combined(phase)
                self._defer(phase)
        for node, view in outputs.items():
            if view is not None and self.examples and node in self.examples.totals and self.views[node] != view:
                emit_copy(self.main, self.views[node], view, self.vector_bytes)
            elif view is not None and (node.is_input or node.is_constant):
                emit_copy(self.main, region.view(node), view, self.vector_bytes)
        return region

    def _can_move(self, node: Node) -> bool:
        """Whether a value has a place of its own, which is free to choose."""
        is_computed = not (node.is_input or node.is_constant or node.primitive in ALIASES)
        is_per_example = self.examples is not None and node in self.examples.axis
        is_small = node.primitive is place and node.type.size <= LARGEST_LOCAL
        return is_computed and not is_per_example and not is_small and node not in self.emitter.lane_axis

    def _room_for(self, node: Node) -> View:
        return self.memory.array(Area.WORKSPACE, node.shape, node.dtype)

    def _belongs_to(self, node: Node, phase: int) -> bool:
        if node.is_input or node.is_constant:
            return False
        if self.examples is None:
            return True
        if node in self.examples.axis or node in self.examples.totals:
            return False
        return self.regions[node] == phase

    def _regions(self, examples: Examples) -> dict[Node, int]:
        """For each node outside of the sweeps the phase before whose sweep it is computed: elementwise ones wait for those that read them,
        so that they can share a loop."""
        found: dict[Node, int] = {}
        needed: dict[Node, int] = {}
        kept = set(self.graph.outputs)
        for node in reversed(self.graph.nodes):
            own = examples.phase[node]
            if node in examples.axis or node in examples.totals:
                when = own if node in examples.axis else own - 1
            else:
                can_wait = node not in kept and (node.primitive.is_elementwise or node.primitive in ALIASES)
                when = found[node] = needed.get(node, own) if can_wait else own
            for operand in node.operands:
                needed[operand] = min(needed.get(operand, when), when)
        return found

    def _read_later(self, here: set[Node]) -> set[Node]:
        """Nodes of a region that other regions read."""
        if self.examples is None:
            return set()
        found: set[Node] = set()
        for node in self.graph.nodes:
            if node not in here:
                found.update(operand for operand in node.operands if operand in here)
        return found

    # Sweeps over tiles
    def _emit_sweep(self, phase: int) -> int:
        """Emits the function of a sweep; returns its number among all of the program."""
        assert self.examples is not None
        assert self.tiling is not None
        tiling = self.tiling
        number, function, chunk = self._declare_sweep()
        builder = function.builder
        nodes, totals, outputs = self._sweep_nodes(phase)
        places = self._places_of_totals(totals)
        if self._has_parts:
            moved = builder.mul(chunk, integer(self.totals_size))
            moved = builder.add(moved, integer(self.totals_start))
            function.areas[Area.TOTALS] = builder.gep(function.areas[Area.WORKSPACE], [moved], source_etype=INT8)
        if tiling.is_divided:
            for node, view in places.items():
                emit_fill(function, view, identity(_reduction_of(node), node.dtype))

        def emit_tiles(rows: int, first: ir.Value) -> None:
            function.example = first
            self._emit_tile(function, rows, nodes, places, outputs)

        count = tiling.count // tiling.rows
        begin = builder.sdiv(builder.mul(chunk, integer(count)), integer(tiling.chunks))
        after = builder.add(chunk, integer(1))
        end = builder.sdiv(builder.mul(after, integer(count)), integer(tiling.chunks))
        if count == 1:
            emit_tiles(tiling.rows, integer(0))
        else:

            def body(index: ir.Value) -> None:
                tile = builder.add(begin, index)
                emit_tiles(tiling.rows, builder.mul(tile, integer(tiling.rows)))

            loop(function, builder.sub(end, begin), body, "tiles")
        left = tiling.count % tiling.rows
        if left:
            is_last = builder.icmp_signed("==", chunk, integer(tiling.chunks - 1))
            with builder.if_then(is_last):
                emit_tiles(left, integer(tiling.count - left))
        builder.ret_void()
        for node in totals:
            view = places[node]
            if self._has_parts:
                buffer = Buffer(Area.WORKSPACE, self.totals_start + view.buffer.position, node.dtype, view.buffer.size)
                view = View(buffer, 0, view.strides, view.shape)
                self.parts[node] = view
            self.views[node] = self.homes.get(node, view)
        return number

    @property
    def _has_parts(self) -> bool:
        """Whether each chunk has totals of its own."""
        return self.tiling is not None and self.tiling.chunks > 1

    def _places_of_totals(self, totals: Sequence[Node]) -> dict[Node, View]:
        """Where a sweep writes its totals: one set for each chunk, if there are several."""
        assert self.tiling is not None
        if not self._has_parts:
            return {node: self.homes.get(node) or self._total(self.memory, Area.WORKSPACE, node) for node in totals}
        memory = Memory()
        places = {node: self._total(memory, Area.TOTALS, node) for node in totals}
        self.totals_size = memory.used[Area.TOTALS]
        block = self.memory.buffer(Area.WORKSPACE, self.totals_size * self.tiling.chunks, np.dtype(np.bool_))
        self.totals_start = block.position
        return places

    def _total(self, memory: Memory, area: Area, node: Node) -> View:
        return memory.array(area, node.shape, node.dtype, self.emitter.lane_axis.get(node))

    def _sweep_nodes(self, phase: int) -> tuple[list[Node], list[Node], list[Node]]:
        """What a sweep computes: all its nodes, the totals among them, and the per-example outputs."""
        assert self.examples is not None
        axis, phases = self.examples.axis, self.examples.phase
        totals = self._totals(phase)
        outputs = [n for n in dict.fromkeys(self.graph.outputs) if n in axis and phases[n] == phase]
        needed: set[Node] = set()
        stack = [*totals, *outputs, *self._factors(phase)]
        while stack:
            node = stack.pop()
            if node in needed or node.is_input or (node not in axis and node not in totals):
                continue
            needed.add(node)
            stack.extend(node.operands)
        return [node for node in self.graph.nodes if node in needed], totals, outputs

    def _totals(self, phase: int) -> list[Node]:
        """The totals that a sweep adds up."""
        assert self.examples is not None
        totals, phases, deferred = self.examples.totals, self.examples.phase, set(self.deferred)
        return [n for n in self.graph.nodes if n in totals and phases[n] == phase + 1 and n not in deferred]

    def _deferred_in(self, phase: int) -> list[Node]:
        """The products that follow a sweep."""
        assert self.examples is not None
        return [node for node in self.deferred if self.examples.phase[node] == phase + 1]

    def _factors(self, phase: int) -> list[Node]:
        """What those multiply."""
        return list(dict.fromkeys(operand for node in self._deferred_in(phase) for operand in node.operands))

    def _release_scratch(self, before: int) -> None:
        """What a sweep has used is free again for the next."""
        self.emitter.scratch_needed = max(self.emitter.scratch_needed, self.memory.used[Area.SCRATCH])
        self.memory.used[Area.SCRATCH] = before

    def _declare_sweep(self) -> tuple[int, Function, ir.Value]:
        """A new sweep: its number among all of the program, its function, and the number of the chunk that it is called for."""
        number = len(self.emitter.sweeps)
        declared = self.emitter.declare(f"sweep{number}", [POINTER] * 3 + [INT64], is_internal=True)
        self.emitter.sweeps.append(declared)
        table, workspace, scratch, chunk = declared.args
        areas: dict[Area, ir.Value] = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: scratch}
        return number, Function(ir.IRBuilder(declared.append_basic_block("entry")), areas), chunk

    def _emit_tile(
        self,
        function: Function,
        rows: int,
        nodes: list[Node],
        places: dict[Node, View],
        outputs: list[Node],
    ) -> None:
        assert self.examples is not None
        assert self.tiling is not None
        axis = self.examples.axis
        before = self.memory.used[Area.SCRATCH]
        views = dict(self.views)
        for node in self.graph.inputs:
            if node in axis:
                views[node] = tiled(self.emitter.inputs[node], axis[node], rows)
        if self.emitter.sampling:
            self.sample(function, views, rows)
        wanted: dict[Node, View | None] = dict(places.items())
        for node in outputs:
            wanted[node] = tiled(self.emitter.outputs[self.graph.outputs.index(node)], axis[node], rows)
        for node in self.kept:
            if node in nodes:
                wanted[node] = tiled(self.kept[node], axis[node], rows)
        targets = set(wanted)
        region = Region(
            self.memory,
            views,
            Area.SCRATCH,
            self.vector_bytes,
            self.emitter.constant_view,
            lambda node: not self.emitter.is_large and node not in targets,
            Tile(rows, axis, self.tiling.is_divided),
            self.emitter.lane_axis,
        )
        function.locals = {}
        region.emit(self.emitter.functions_for(function), nodes, wanted)
        self._release_scratch(before)

    def sample(self, function: Function, views: dict[Node, View], rows: int) -> None:
        """Draws examples and copies them to where `views` then finds them."""
        sampling = self.emitter.sampling
        assert sampling is not None
        arrays = []
        for number in sampling.data_inputs:
            node = self.graph.inputs[number]
            copy = (
                tiled(self.kept[node], 0, rows)
                if node in self.kept
                else self.memory.array(Area.SCRATCH, (rows, *node.shape[1:]), node.dtype)
            )
            arrays.append((self.emitter.inputs[node], copy))
            views[node] = copy
        # What is drawn ahead must outlast the step, and belong to one tile.
        is_of_chunk = rows == sampling.batch or (self.tiling is not None and self.tiling.is_split)
        looks_ahead = is_of_chunk and is_worth_prefetching(sampling, [source for source, _ in arrays])
        chosen = self.memory.array(Area.SCRATCH, (rows,), INTEGER)
        tag: View | None = None
        if looks_ahead:
            chosen, tag = (
                tiled(self.memory.array(Area.WORKSPACE, (sampling.batch,), INTEGER), 0, rows) for _ in range(2)
            )
        sample = Sample(self.emitter.iteration, self.emitter.seed, chosen, tag, rows, arrays, not self.deferred)
        if looks_ahead and self.deferred:
            self.ahead = replace(sample, chosen=replace(chosen, example_stride=rows))
        emit_sample(function, sampling, sample, self.vector_bytes)

    def _emit_parallel(self, number: int) -> None:
        """Lets all threads work on a sweep's chunks."""
        assert self.tiling is not None
        emitter, function = self.emitter, self.main
        sweep = emitter.sweeps[number]
        table, workspace = function.areas[Area.TABLE], function.areas[Area.WORKSPACE]
        if self.tiling.chunks == 1:
            function.builder.call(sweep, [table, workspace, emitter.scratch, integer(0)])
            return
        sharing = Sharing(emitter.module, self.tiling.chunks)
        if not self.tiling.is_split:
            self._emit_shared(sharing, number)
            return
        builder = function.builder
        left = emitter.control_field(Control.ALONE)
        alone = builder.load(left, typ=INT64)
        with builder.if_else(builder.icmp_signed(">", alone, integer(0))) as (by_itself, together):
            with by_itself:
                builder.store(builder.sub(alone, integer(1)), left)
                arguments = [table, workspace, emitter.scratch]
                loop(function, self.tiling.chunks, lambda chunk: builder.call(sweep, [*arguments, chunk]), "chunks")
            with together, sharing.watched(builder, emitter.control):
                self._emit_shared(sharing, number)

    def _emit_shared(self, sharing: Sharing, number: int) -> None:
        emitter, function = self.emitter, self.main
        sweep = emitter.sweeps[number]
        table, workspace = function.areas[Area.TABLE], function.areas[Area.WORKSPACE]
        sharing.emit_publish(function.builder, emitter.control, number)
        arguments = (table, workspace, emitter.control, emitter.scratch, emitter.home)
        sharing.emit_work(function.builder, arguments, {number: sweep})
        sharing.emit_wait(function.builder, emitter.control)

    def _emit_combined(self, phase: int) -> None:
        """Adds up the totals of a sweep's chunks in a fixed order."""
        assert self.tiling is not None
        for node in self._totals(phase) if self._has_parts else ():
            emit_combine(
                self.main,
                _reduction_of(node),
                self.parts[node],
                self.views[node],
                self.totals_size,
                self.tiling.chunks,
                self.vector_bytes,
            )


def _reduction_of(node: Node) -> str:
    """How totals of several tiles are combined."""
    name = node.primitive.name
    return name if name in ("maximum_reduce", "minimum_reduce") else "sum"
