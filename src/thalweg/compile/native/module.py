"""Assembling the LLVM module of a program: sweeps over tiles, work for threads, and the loop of a descent.

    run(table, workspace, control, scratch)    evaluates the graph once, or descends for a stretch
    help(table, workspace, control, scratch)   what other threads run beside it: they take chunks of tiles

table: pointers to inputs, outputs, the history, then constants. control: 64-bit integers, see `Control`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Graph, Node
from ..examples import Examples
from .arrays import INT8, INT64, POINTER, Function, integer, loop
from .formulas import convert, identity
from .groups import Group
from .interface import DENSE_BITS, Control, Loop
from .loops import emit_combine, emit_copy, emit_fill
from .memory import Memory
from .permutation import Sampling
from .region import Region, Tile, tiled
from .sampling import INTEGER, Sample, emit_sample, is_worth_prefetching
from .threads import Sharing, control_field
from .tiles import choose_tiling
from .views import Area, Buffer, View

__all__ = ["Module", "assemble"]

FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Module:
    """A module and what has to be known to run it. constants: numbers of the constants that need a slot."""

    text: str
    workspace: int
    scratch: int
    constants: tuple[int, ...]
    chunks: int
    sweeps: int


_LARGE = 600
"""Programs of more nodes than this are emitted as many functions: compilers take more than linear time for long ones."""


def assemble(graph: Graph, examples: Examples | None, loop_: Loop | None, vector_bytes: int) -> Module:
    """The module that evaluates a graph, or that repeats it as the step of a descent."""
    return _Assembler(graph, examples, loop_, vector_bytes).assemble()


class _Assembler:
    def __init__(self, graph: Graph, examples: Examples | None, loop_: Loop | None, vector_bytes: int) -> None:
        self.graph = graph
        self.examples = examples
        self.loop = loop_
        self.vector_bytes = vector_bytes
        self.module = ir.Module("thalweg")
        self.memory = Memory()
        self.is_large = len(graph.nodes) > _LARGE
        self.views: dict[Node, View] = {}
        self.constants: list[int] = []
        self.constant_slots: dict[Node, View] = {}
        self.numbered = {node: i for i, node in enumerate(n for n in graph.nodes if n.is_constant)}
        self.tiling = choose_tiling(graph, examples) if examples else None
        self.functions = 0
        inputs = [self._slot(node) for node in graph.inputs]
        self.inputs = dict(zip(graph.inputs, inputs, strict=True))
        self.outputs = [self._slot(node) for node in graph.outputs]
        self.history = self.memory.buffer(Area.TABLE, 0, FLOAT64)

    def _slot(self, node: Node) -> View:
        return self.memory.array(Area.TABLE, node.shape, node.dtype)

    def constant_view(self, node: Node) -> View:
        if node not in self.constant_slots:
            self.constants.append(self.numbered[node])
            self.constant_slots[node] = self._slot(node)
        return self.constant_slots[node]

    # Functions
    def _declare(self, name: str, parameters: Sequence[ir.Type], is_internal: bool) -> Any:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), parameters), name)
        function.attributes.add("nounwind")
        if is_internal:
            function.linkage = "internal"
        for argument in function.args:
            if argument.type == POINTER:
                argument.add_attribute("nonnull")
        return function

    def assemble(self) -> Module:
        parameters = [POINTER] * 3 + [INT64]
        sweeps = [self._declare(f"sweep{p}", parameters, is_internal=True) for p in range(self._sweep_count())]
        main = self._declare("run", [POINTER] * 4, is_internal=False)
        builder = ir.IRBuilder(main.append_basic_block("entry"))
        table, workspace, self.control, self.scratch = main.args
        areas = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: self.scratch}
        self.main = Function(builder, areas)
        if self.loop is None:
            self._emit_evaluation(sweeps)
        else:
            self._emit_descent(sweeps)
        self.main.builder.ret_void()
        self._emit_help(sweeps)
        if self.is_large:
            for function in self.module.functions:
                if function.linkage == "internal":
                    function.attributes.add("noinline")  # copies of bodies would cost seconds of compilation
        return Module(
            str(self.module),
            self.memory.used[Area.WORKSPACE],
            self.memory.used[Area.SCRATCH],
            tuple(self.constants),
            self.tiling.chunks if self.tiling else 1,
            len(sweeps),
        )

    def _sweep_count(self) -> int:
        return self._last_phase() + 1 if self.examples and self._has_examples() else 0

    def _has_examples(self) -> bool:
        return self.examples is not None and any(node in self.examples.axis for node in self.graph.nodes)

    def _last_phase(self) -> int:
        """The last phase in which tiles are swept over."""
        assert self.examples is not None
        phase = self.examples.phase
        of_totals = [phase[node] - 1 for node in self.graph.nodes if node in self.examples.totals]
        of_outputs = [phase[node] for node in self.graph.outputs if node in self.examples.axis]
        return max(of_totals + of_outputs, default=0)

    # Whole regions
    def _whole(self) -> Region:
        has_sweeps = self._sweep_count() > 0
        return Region(
            self.memory,
            self.views,
            Area.WORKSPACE,
            self.vector_bytes,
            self.constant_view,
            lambda node: not has_sweeps and not self.is_large,
        )

    def _emit_step(self, sweeps: list[Any], outputs: Mapping[Node, View | None]) -> None:
        """One evaluation of the graph, phase by phase."""
        region = self._whole()
        count = len(sweeps)
        for phase in range(count + 1):
            nodes = [node for node in self.graph.nodes if self._belongs_to(node, phase)]
            here = set(nodes)
            wanted = {node: view for node, view in outputs.items() if node in here}
            wanted |= {node: None for node in self._read_later(here) if node not in wanted}
            region.emit(self._functions(self.main), nodes, wanted)
            if phase < count:
                self._emit_sweep(phase, sweeps[phase])
                self._emit_parallel(phase, sweeps[phase])
        for node, view in outputs.items():
            if view is not None and self.examples and node in self.examples.totals:
                emit_copy(self.main, self.views[node], view, self.vector_bytes)
            elif view is not None and (node.is_input or node.is_constant):
                emit_copy(self.main, region.view(node), view, self.vector_bytes)

    def _belongs_to(self, node: Node, phase: int) -> bool:
        if node.is_input or node.is_constant:
            return False
        if self.examples is None:
            return True
        if node in self.examples.axis or node in self.examples.totals:
            return False
        return self.examples.phase[node] == phase

    def _read_later(self, here: set[Node]) -> set[Node]:
        """Nodes of a region that other regions read."""
        if self.examples is None:
            return set()
        found: set[Node] = set()
        for node in self.graph.nodes:
            if node not in here:
                found.update(operand for operand in node.operands if operand in here)
        return found

    @contextmanager
    def _inline(self, function: Function, group: Group) -> Iterator[Function]:
        yield function

    def _functions(self, function: Function) -> Callable[[Group], Any]:
        """Where groups are emitted: into the function itself, or each into one of its own."""
        if not self.is_large:
            return lambda group: self._inline(function, group)
        return lambda group: self._outlined(function)

    @contextmanager
    def _outlined(self, caller: Function) -> Iterator[Function]:
        names = [area for area in (Area.TABLE, Area.WORKSPACE, Area.SCRATCH, Area.TOTALS) if area in caller.areas]
        self.functions += 1
        parameters: list[ir.Type] = [POINTER] * len(names) + ([INT64] if caller.example is not None else [])
        declared = self._declare(f"group{self.functions}", parameters, is_internal=True)
        builder = ir.IRBuilder(declared.append_basic_block("entry"))
        areas: dict[Area, ir.Value] = dict(zip(names, declared.args, strict=False))
        yield Function(builder, areas, declared.args[-1] if caller.example is not None else None)
        builder.ret_void()
        arguments = [caller.areas[name] for name in names]
        if caller.example is not None:
            arguments.append(caller.example)
        caller.builder.call(declared, arguments)

    # Sweeps over tiles
    def _emit_sweep(self, phase: int, declared: Any) -> None:
        assert self.examples is not None
        assert self.tiling is not None
        tiling = self.tiling
        nodes, totals, outputs = self._sweep_nodes(phase)
        builder = ir.IRBuilder(declared.append_basic_block("entry"))
        table, workspace, scratch, chunk = declared.args
        places = self._places_of_totals(totals)
        areas: dict[Area, ir.Value] = {Area.TABLE: table, Area.WORKSPACE: workspace, Area.SCRATCH: scratch}
        function = Function(builder, areas)
        if tiling.is_divided:
            moved = builder.mul(chunk, integer(self.totals_size))
            moved = builder.add(moved, integer(self.totals_start))
            areas[Area.TOTALS] = builder.gep(workspace, [moved], source_etype=INT8)
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
            if tiling.is_divided:
                buffer = Buffer(Area.WORKSPACE, self.totals_start + view.buffer.position, node.dtype, view.buffer.size)
                view = View(buffer, 0, view.strides, view.shape)
            self.views[node] = view

    def _places_of_totals(self, totals: Sequence[Node]) -> dict[Node, View]:
        """Where a sweep writes its totals: one set for each chunk, if there are several."""
        assert self.tiling is not None
        if not self.tiling.is_divided:
            return {node: self.memory.array(Area.WORKSPACE, node.shape, node.dtype) for node in totals}
        memory = Memory()
        places = {node: memory.array(Area.TOTALS, node.shape, node.dtype) for node in totals}
        self.totals_size = memory.used[Area.TOTALS]
        block = self.memory.buffer(Area.WORKSPACE, self.totals_size * self.tiling.chunks, np.dtype(np.bool_))
        self.totals_start = block.position
        return places

    def _sweep_nodes(self, phase: int) -> tuple[list[Node], list[Node], list[Node]]:
        """What a sweep computes: all its nodes, the totals among them, and the per-example outputs."""
        assert self.examples is not None
        axis, phases = self.examples.axis, self.examples.phase
        totals = [n for n in self.graph.nodes if n in self.examples.totals and phases[n] == phase + 1]
        outputs = [n for n in dict.fromkeys(self.graph.outputs) if n in axis and phases[n] == phase]
        needed: set[Node] = set()
        stack = [*totals, *outputs]
        while stack:
            node = stack.pop()
            if node in needed or node.is_input or (node not in axis and node not in totals):
                continue
            needed.add(node)
            stack.extend(node.operands)
        return [node for node in self.graph.nodes if node in needed], totals, outputs

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
                views[node] = tiled(self.inputs[node], axis[node], rows)
        if self.loop and self.loop.sampling:
            self._sample(function, views, rows, self.loop.sampling)
        wanted: dict[Node, View | None] = dict(places.items())
        for node in outputs:
            wanted[node] = tiled(self.outputs[self.graph.outputs.index(node)], axis[node], rows)
        targets = set(outputs) | set(places)
        region = Region(
            self.memory,
            views,
            Area.SCRATCH,
            self.vector_bytes,
            self.constant_view,
            lambda node: not self.is_large and node not in targets,
            Tile(rows, axis, self.tiling.is_divided),
        )
        function.locals = {}
        region.emit(self._functions(function), nodes, wanted)
        after = self.memory.used[Area.SCRATCH]
        self.memory.used[Area.SCRATCH] = before
        self.scratch_needed = max(getattr(self, "scratch_needed", 0), after)

    def _sample(self, function: Function, views: dict[Node, View], rows: int, sampling: Sampling) -> None:
        """Draws examples and copies them to where `views` then finds them."""
        step = self.views[self.graph.inputs[sampling.step_input]]
        arrays = []
        for number in sampling.data_inputs:
            node = self.graph.inputs[number]
            copy = self.memory.array(Area.SCRATCH, (rows, *node.shape[1:]), node.dtype)
            arrays.append((self.inputs[node], copy))
            views[node] = copy
        # What is drawn ahead must outlast the step, and belong to one tile: the whole batch.
        looks_ahead = rows == sampling.batch and is_worth_prefetching(sampling, [source for source, _ in arrays])
        area = Area.WORKSPACE if looks_ahead else Area.SCRATCH
        chosen = self.memory.buffer(area, rows, INTEGER)
        tag = self.memory.buffer(area, 1, INTEGER) if looks_ahead else None
        sample = Sample(step, self.seed, chosen, tag, rows, arrays)
        emit_sample(function, sampling, sample, self.vector_bytes)

    def _emit_parallel(self, phase: int, sweep: Any) -> None:
        """Lets all threads work on a sweep's chunks, then adds up their totals in a fixed order."""
        assert self.tiling is not None
        function = self.main
        table, workspace = function.areas[Area.TABLE], function.areas[Area.WORKSPACE]
        arguments = (table, workspace, self.control, self.scratch)
        if self.tiling.chunks == 1:
            function.builder.call(sweep, [table, workspace, self.scratch, integer(0)])
            return
        sharing = Sharing(self.module, self.tiling.chunks, self._sweep_count())
        sharing.emit_publish(function.builder, self.control, phase)
        sharing.emit_work(function.builder, arguments, {phase: sweep})
        sharing.emit_wait(function.builder, self.control)
        _, totals, _ = self._sweep_nodes(phase)
        for node in totals:
            emit_combine(
                function,
                _reduction_of(node),
                self.views[node],
                self.totals_size,
                self.tiling.chunks,
                self.vector_bytes,
            )

    def _control(self, field: Control) -> ir.Value:
        return control_field(self.main.builder, self.control, field)

    def _emit_help(self, sweeps: list[Any]) -> None:
        """The function of the other threads."""
        helper = self._declare("help", [POINTER] * 4, is_internal=False)
        builder = ir.IRBuilder(helper.append_basic_block("entry"))
        if sweeps and self.tiling is not None and self.tiling.chunks > 1:
            sharing = Sharing(self.module, self.tiling.chunks, len(sweeps))
            sharing.emit_help(builder, helper.args, dict(enumerate(sweeps)))
        builder.ret_void()

    # The two kinds of programs
    def _emit_evaluation(self, sweeps: list[Any]) -> None:
        self.views.update(self.inputs)
        outputs: dict[Node, View | None] = {}
        repeated = []
        for node, view in zip(self.graph.outputs, self.outputs, strict=True):
            if node in outputs:
                repeated.append((outputs[node], view))
            else:
                outputs[node] = view
        is_per_example = self.examples.axis if self.examples else {}
        self._emit_step(sweeps, {n: v for n, v in outputs.items() if n not in is_per_example})
        for source, view in repeated:
            assert source is not None
            emit_copy(self.main, source, view, self.vector_bytes)
        self.memory.used[Area.SCRATCH] = max(self.memory.used[Area.SCRATCH], getattr(self, "scratch_needed", 0))

    def _emit_descent(self, sweeps: list[Any]) -> None:
        assert self.loop is not None
        graph, builder, main = self.graph, self.main.builder, self.main
        carried = self.loop.carried
        state = list(graph.inputs[:carried])
        self.views.update(self.inputs)
        self.seed = self.memory.array(Area.WORKSPACE, (), INTEGER)
        seed = builder.load(self._control(Control.SEED), typ=INT64)
        main.write(seed, main.start_of_view(self.seed), INTEGER, 1, 1)
        in_registers = not sweeps and not self.is_large
        for node in state:
            if in_registers and node.type.size <= 16:
                local = self.memory.array(Area.LOCAL, node.shape, node.dtype)
                emit_copy(main, self.inputs[node], local, self.vector_bytes)
                self.views[node] = local
        iterations = builder.load(self._control(Control.ITERATIONS), typ=INT64)
        first_step = builder.load(self._control(Control.STEP), typ=INT64)
        again = builder.append_basic_block("again")
        step_block = builder.append_basic_block("step")
        end = builder.append_basic_block("end")
        start_block = builder.block
        builder.branch(again)
        builder.position_at_end(again)
        index = builder.phi(INT64)
        index.add_incoming(integer(0), start_block)
        stop = builder.load_atomic(self._control(Control.STOP), "monotonic", 8, typ=INT64)
        goes_on = builder.and_(builder.icmp_signed("<", index, iterations), builder.icmp_signed("==", stop, integer(0)))
        builder.cbranch(goes_on, step_block, end)
        builder.position_at_end(step_block)
        if self.loop.sampling and not sweeps:
            self._sample(main, self.views, self.loop.sampling.batch, self.loop.sampling)
        results = graph.outputs
        outputs: dict[Node, View | None] = dict.fromkeys(results, None)
        self._emit_step(sweeps, outputs)
        region = self._whole()
        measured = results[carried : carried + self.loop.recorded]
        values = [self._as_float(region.view(node)) for node in measured]
        status = main.read(main.start_of_view(region.view(results[-1])), results[-1].dtype, 1, 1)
        builder.store(status, self._control(Control.STATUS))
        self._record(builder.add(first_step, index), values, status)
        commit = builder.append_basic_block("commit")
        builder.cbranch(builder.icmp_signed("==", status, integer(0)), commit, end)
        builder.position_at_end(commit)
        self._commit(region, state, results[:carried])
        following = builder.add(index, integer(1))
        index.add_incoming(following, builder.block)
        builder.store(builder.add(first_step, following), self._control(Control.STEP))
        full = builder.icmp_signed(
            ">=",
            builder.load(self._control(Control.RECORDED), typ=INT64),
            builder.load(self._control(Control.CAPACITY), typ=INT64),
        )
        builder.cbranch(full, end, again)
        builder.position_at_end(end)
        for node in state:
            if self.views[node] != self.inputs[node]:
                emit_copy(main, self.views[node], self.inputs[node], self.vector_bytes)
        self.memory.used[Area.SCRATCH] = max(self.memory.used[Area.SCRATCH], getattr(self, "scratch_needed", 0))

    def _commit(self, region: Region, state: Sequence[Node], results: Sequence[Node]) -> None:
        """Replaces the state by its successor. What would be overwritten before it is read is set aside first."""
        moves = [(old, new) for old, new in zip(state, results, strict=True) if old is not new]
        olds = {self.views[old].buffer for old, _ in moves}
        ready = []
        for old, new in moves:
            source = region.view(new)
            if source.buffer in olds:
                copy = self.memory.array(Area.WORKSPACE, new.shape, new.dtype)
                emit_copy(self.main, source, copy, self.vector_bytes)
                source = copy
            ready.append((source, self.views[old]))
        for source, target in ready:
            emit_copy(self.main, source, target, self.vector_bytes)

    def _as_float(self, view: View) -> ir.Value:
        value = self.main.read(self.main.start_of_view(view), view.buffer.dtype, 1, 1)
        return convert(self.main.builder, value, FLOAT64)

    def _record(self, step: ir.Value, values: list[ir.Value], status: ir.Value) -> None:
        """Writes a row of the history, if one is due or the descent ends here."""
        builder, main = self.main.builder, self.main
        upcoming = self._control(Control.NEXT_RECORD)
        is_due = builder.icmp_signed(">=", step, builder.load(upcoming, typ=INT64))
        is_end = builder.icmp_signed("!=", status, integer(0))
        with builder.if_then(builder.or_(is_due, is_end), likely=False):
            builder.store(builder.add(step, self._stride(step)), upcoming)
            counter = self._control(Control.RECORDED)
            count = builder.load(counter, typ=INT64)
            row = main.at(main.start_of(self.history), FLOAT64, builder.mul(count, integer(len(values) + 1)))
            for column, value in enumerate([builder.sitofp(step, ir.DoubleType()), *values]):
                main.write(value, main.at(row, FLOAT64, column), FLOAT64, 1, 1)
            builder.store(builder.add(count, integer(1)), counter)

    def _stride(self, step: ir.Value) -> ir.Value:
        """How far the next recorded step lies: 1 up to step 2048, then 2 up to 4096, 4 up to 8192, and so on."""
        builder = self.main.builder
        zeros = builder.ctlz(builder.or_(step, integer(1)), ir.Constant(ir.IntType(1), 0))
        power = builder.sub(integer(63 - DENSE_BITS), zeros)
        power = builder.select(builder.icmp_signed("<", power, integer(0)), integer(0), power)
        return builder.shl(integer(1), power)


def _reduction_of(node: Node) -> str:
    """How totals of several tiles are combined."""
    name = node.primitive.name
    return name if name in ("maximum_reduce", "minimum_reduce") else "sum"
