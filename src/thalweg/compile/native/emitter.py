"""What all evaluations of a program share while it is emitted: where inputs, outputs and constants lie, and the functions of the module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Array, Graph, Node
from ..examples import Examples
from ..repeats import Parts
from .arrays import INT64, POINTER, Function, memory_type, name_of_numbers
from .interface import Control
from .memory import Memory
from .permutation import Sampling
from .sampling import INTEGER
from .threads import control_field
from .tiles import Tiling
from .views import Area, View

__all__ = ["LARGE", "PARAMETERS", "Emitter"]

PARAMETERS: Sequence[ir.Type] = [*[POINTER] * 4, INT64]
"""Of the functions that Python calls: table, workspace, control, scratch, home."""

LARGE = 600
"""Programs of more nodes than this are emitted as many functions: compilers take more than linear time for long ones."""


@dataclass(eq=False)
class Emitter:
    """What all evaluations of a program share while it is emitted.

    views: where inputs and the values that live on lie. constants: numbers of the constants that need a slot.
    sweeps: the functions that sweep over tiles, of all evaluations. has_sweeps: whether there will be any.
    lane_axis: of nodes that hold values of several members. whole_vector_bytes: of what runs outside of the sweeps; 1 where it is
    computed number by number, in a quarter of the code. parts_of: finds loops.
    """

    graph: Graph
    examples: Examples | None
    tiling: Tiling | None
    sampling: Sampling | None
    vector_bytes: int
    whole_vector_bytes: int
    is_large: bool
    parts_of: Parts
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

    def room_for(self, node: Node) -> View:
        """A place in the workspace."""
        return self.memory.array(Area.WORKSPACE, node.shape, node.dtype, self.lane_axis.get(node))

    @contextmanager
    def borrowed_scratch(self) -> Iterator[None]:
        """What is handed out of the scratch meanwhile is free again afterwards."""
        before = self.memory.used[Area.SCRATCH]
        yield
        self.scratch_needed = max(self.scratch_needed, self.memory.used[Area.SCRATCH])
        self.memory.used[Area.SCRATCH] = before

    def constant_view(self, node: Node) -> View:
        """Where a constant lies that cannot be part of the code."""
        if node not in self._constant_slots:
            self.constants.append(self._numbers[node])
            self._constant_slots[node] = self.slot(node)
        return self._constant_slots[node]

    def numbers(self, values: Sequence[Array], dtype: np.dtype[Any]) -> View:
        """Where numbers lie that are part of the code, one for each step of a loop."""
        buffer = self.memory.buffer(Area.CODE, len(values), dtype)
        kind = ir.ArrayType(memory_type(dtype), len(values))
        table = ir.GlobalVariable(self.module, kind, name_of_numbers(buffer))
        table.linkage, table.global_constant = "internal", True
        number = int if dtype.kind == "b" else np.ndarray.item
        table.initializer = ir.Constant(kind, [memory_type(dtype)(number(value)) for value in values])
        return View(buffer, 0, (), (), step_stride=1)

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
    def outlined(self, caller: Function) -> Iterator[Function]:
        """A group becomes a function of its own."""
        names = [area for area in (Area.TABLE, Area.WORKSPACE, Area.SCRATCH, Area.TOTALS) if area in caller.areas]
        self.functions += 1
        indices = [index for index in (caller.example, caller.step) if index is not None]
        parameters: list[ir.Type] = [POINTER] * len(names) + [INT64] * len(indices)
        declared = self.declare(f"group{self.functions}", parameters, is_internal=True)
        builder = ir.IRBuilder(declared.append_basic_block("entry"))
        areas: dict[Area, ir.Value] = dict(zip(names, declared.args, strict=False))
        told = iter(declared.args[len(names) :])
        example, step = (None if index is None else next(told) for index in (caller.example, caller.step))
        yield Function(builder, areas, example, step)
        builder.ret_void()
        caller.builder.call(declared, [*(caller.areas[name] for name in names), *indices])

    def function_for_group(self, function: Function) -> AbstractContextManager[Function]:
        """Where a group is emitted: into the function itself, or into one of its own."""
        return self.outlined(function) if self.is_large else nullcontext(function)
