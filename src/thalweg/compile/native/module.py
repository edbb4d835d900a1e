"""Assembling the LLVM module of a program.

    run(table, workspace, control, scratch, home)    evaluates the graph once, or descends for a stretch
    help(table, workspace, control, scratch, home)   what other threads run beside it: they take chunks of tiles

table: pointers to inputs, outputs, the history, then constants. control: 64-bit integers, see `Control`. home: the chunks that a
thread takes first, as bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from llvmlite import ir

from ...graph import Graph, Node, Shape
from ..examples import Examples, follow_lanes
from ..repeats import Parts, size_of
from .copies import emit_copy
from .descending import emit_descent
from .emitter import LARGE, PARAMETERS, Emitter
from .evaluation import Evaluation
from .interface import Loop
from .phases import phase_count
from .threads import Sharing
from .tiles import Tiling, choose_tiling
from .views import Area, View

__all__ = ["Module", "assemble"]


@dataclass(frozen=True)
class Module:
    """A module and what has to be known to run it.

    constants: numbers of the constants that need a slot. is_large: whether it has so many nodes that compiling it takes long.
    is_brief: whether it runs its sweeps nearly all of the time, and not for long: then few passes of the compiler are enough.
    """

    text: str
    workspace: int
    scratch: int
    constants: tuple[int, ...]
    chunks: int
    sweeps: int
    is_large: bool
    is_brief: bool


def assemble(
    graph: Graph, examples: Examples | None, descent: Loop | None, vector_bytes: int, runs_seldom: bool = False
) -> Module:
    """The module that evaluates a graph, or that repeats its stages as the steps of a descent. runs_seldom: as `compiled` has it."""
    parts = [graph] if descent is None else [stage.graph(graph, descent.carried) for stage in descent.stages]
    is_sampled = descent is not None and descent.sampling is not None
    can_be_split = is_sampled and descent is not None and descent.lanes == 1
    tiling = choose_tiling(graph, examples, is_sampled, can_be_split) if examples else None
    parts_of = Parts(partial(_computed_at_a_time, examples, tiling))
    is_large = _length(graph, parts, parts_of) > LARGE
    has_sweeps = any(phase_count(part, examples) for part in parts)
    has_lanes = descent is not None and descent.lanes > 1
    lane_axis = follow_lanes(graph, graph.inputs[: descent.wide], descent.lanes) if descent and has_lanes else {}
    sweeps, rest = _work(graph, examples, lane_axis) if has_sweeps and examples is not None else (0, 1)
    is_mostly_sweeps = sweeps > _MOSTLY * rest
    has_searches = descent is not None and len(descent.stages) > 1
    is_brief = is_mostly_sweeps and (runs_seldom or (has_searches and sweeps < _LONG)) and not is_large
    emitter = Emitter(
        graph,
        examples,
        tiling,
        descent.sampling if descent else None,
        vector_bytes,
        1 if is_mostly_sweeps and rest <= _LITTLE else vector_bytes,
        is_large=is_large,
        parts_of=parts_of,
        has_sweeps=has_sweeps,
        lane_axis=lane_axis,
    )
    if descent is None:
        _emit_evaluation(emitter)
    else:
        emit_descent(emitter, descent)
    emitter.main.builder.ret_void()
    _emit_help(emitter)
    if emitter.is_large:
        for function in emitter.module.functions:
            if function.linkage == "internal":
                function.attributes.add("noinline")  # copies of bodies would cost seconds of compilation
    if is_mostly_sweeps:
        for attribute in ("noinline", "optnone"):
            emitter.main.builder.function.attributes.add(attribute)
    if is_brief:
        for function in emitter.module.functions:
            if "readnone" in function.attributes and not function.is_declaration:
                function.attributes.add("alwaysinline")  # elementary functions
    used = emitter.memory.used
    return Module(
        str(emitter.module),
        used[Area.WORKSPACE],
        max(used[Area.SCRATCH], emitter.scratch_needed),
        tuple(emitter.constants),
        emitter.tiling.chunks if emitter.tiling else 1,
        len(emitter.sweeps),
        is_large,
        is_brief,
    )


_MOSTLY = 300
"""Code that is not optimised takes some ten times as long to run, and a tenth of the time to compile."""


_LITTLE = 1 << 14
"""So much is done number by number in some 20 µs, by code that takes half as long to compile."""

_LONG = 1 << 26
"""Descents that search for each step's length take some hundred looks at the examples. If one takes longer than this work, a few percent
of its time are more than what the compiler saves."""


def _computed_at_a_time(examples: Examples | None, tiling: Tiling | None, node: Node) -> Shape:
    """The shape of what is computed of a value before something else is: in sweeps, that of a tile."""
    if examples is None or tiling is None or node not in examples.axis:
        return node.shape
    axis = examples.axis[node]
    return (*node.shape[:axis], tiling.rows, *node.shape[axis + 1 :])


def _length(graph: Graph, parts: Sequence[Graph], parts_of: Parts) -> int:
    """How many nodes code is made for."""
    if len(graph.nodes) <= LARGE:
        return len(graph.nodes)
    computed = [[node for node in part.nodes if not (node.is_input or node.is_constant)] for part in parts]
    return sum(size_of(parts_of(nodes, part.outputs)) for nodes, part in zip(computed, parts, strict=True))


def _work(graph: Graph, examples: Examples, lane_axis: Mapping[Node, int]) -> tuple[int, int]:
    """How much is done for the examples, and how much besides, as the steps of L-BFGS. lane_axis: as the emitter has it."""
    sweeps = rest = 0
    for node in graph.nodes:
        work = max(operand.type.size for operand in (node, *node.operands))
        if node in examples.axis or node in examples.totals:
            sweeps += work
        elif node in lane_axis or examples.count not in node.shape:
            rest += work  # else it is a number that stands for as many: it lies nowhere
    return sweeps, rest


def _emit_evaluation(emitter: Emitter) -> None:
    """Each output goes to its place; one that is asked for twice is copied."""
    outputs: dict[Node, View | None] = {}
    repeated = []
    for node, view in zip(emitter.graph.outputs, emitter.outputs, strict=True):
        if node in outputs:
            repeated.append((outputs[node], view))
        else:
            outputs[node] = view
    is_per_example = emitter.examples.axis if emitter.examples else {}
    wanted = {node: view for node, view in outputs.items() if node not in is_per_example}
    Evaluation(emitter, emitter.graph, emitter.views).emit(wanted)
    for source, view in repeated:
        assert source is not None
        emit_copy(emitter.main, source, view, emitter.whole_vector_bytes)


def _emit_help(emitter: Emitter) -> None:
    """The function of the other threads."""
    helper = emitter.declare("help", PARAMETERS, is_internal=False)
    builder = ir.IRBuilder(helper.append_basic_block("entry"))
    if emitter.sweeps and emitter.tiling is not None and emitter.tiling.chunks > 1:
        sharing = Sharing(emitter.module, emitter.tiling.chunks)
        sharing.emit_help(builder, helper.args, dict(enumerate(emitter.sweeps)))
    builder.ret_void()
