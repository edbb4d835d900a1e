"""Compiled programs: made or found in the cache, and run with arrays."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...graph import Array, Graph
from .. import cache
from ..examples import Examples
from ..prepare import Prepared
from . import jit
from .interface import Control, Loop

__all__ = ["Execution", "Program", "compile_native"]

_LARGE = 600
_loaded: dict[str, Program] = {}


@dataclass(eq=False)
class Program:
    """Machine code of a graph.

    graph: what it computes. values: the arrays that were lifted out of the graph, which follow its inputs.
    """

    library: jit.Library
    graph: Graph
    workspace: int
    scratch: int
    constants: tuple[int, ...]
    chunks: int
    sweeps: int

    @cached_property
    def constant_arrays(self) -> list[Array]:
        nodes = [node for node in self.graph.nodes if node.is_constant]
        return [np.ascontiguousarray(nodes[number].value) for number in self.constants]

    def run(self) -> Any:
        return self.library["run"]


def compile_native(
    prepared: Prepared, examples: Examples | None, loop: Loop | None = None, runs_seldom: bool = False
) -> Program:
    """The program of a graph: from memory, from disk, or compiled now. runs_seldom: as `compiled` has it."""
    text = "|".join(
        (
            prepared.graph.fingerprint,
            repr(loop),
            _examples_key(prepared.graph, examples),
            jit.host_fingerprint(),
            "seldom" if runs_seldom else "often",
        )
    )
    key = hashlib.sha256(text.encode()).hexdigest()
    if key in _loaded:
        found = _loaded[key]
        return Program(
            found.library,
            prepared.graph,
            found.workspace,
            found.scratch,
            found.constants,
            found.chunks,
            found.sweeps,
        )
    stored = cache.load(key)
    if stored is None:
        code, description = _compile(prepared.graph, examples, loop, runs_seldom)
        cache.store(key, code, description)
    else:
        code, description = stored
    needs = description.pop("needs")
    library = jit.link(code, ("run", "help"), 5, needs)
    description["constants"] = tuple(description["constants"])
    program = _loaded[key] = Program(library, prepared.graph, **description)
    return program


def _examples_key(graph: Graph, examples: Examples | None) -> str:
    if examples is None:
        return "whole"
    inputs = {index: examples.axis[node] for index, node in enumerate(graph.inputs) if node in examples.axis}
    return f"{examples.count} examples along {inputs}"


def _compile(
    graph: Graph, examples: Examples | None, loop: Loop | None, runs_seldom: bool
) -> tuple[bytes, dict[str, Any]]:
    from .module import assemble  # what emits code is loaded only if code has to be made

    module = assemble(graph, examples, loop, jit.vector_bytes())
    code = jit.compile_object(module.text, runs_seldom or len(graph.nodes) > _LARGE, module.is_mostly_sweeps)
    return code, {
        "workspace": module.workspace,
        "scratch": module.scratch,
        "constants": list(module.constants),
        "chunks": module.chunks,
        "sweeps": module.sweeps,
        "needs": jit.needed_functions(module.text),
    }


def _aligned(size: int) -> Array:
    """Zeroed bytes that begin at a cache line."""
    block = np.zeros(size + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size]


class Execution:
    """A program with its memory: arrays bound to its table, workspace, control block and threads."""

    def __init__(
        self,
        program: Program,
        inputs: Sequence[Array],
        outputs: Sequence[Array],
        history: Array | None = None,
        threads: int = 1,
    ) -> None:
        self.program = program
        arrays = [*inputs, *outputs, np.zeros(1) if history is None else history, *program.constant_arrays]
        self._alive = arrays
        self._addresses = [array.ctypes.data for array in arrays]
        self._table = (ctypes.c_void_p * len(arrays))(*self._addresses)
        self._workspace = _aligned(program.workspace + 64)
        count = max(1, min(threads, program.chunks))
        self._scratches = [_aligned(program.scratch + 64) for _ in range(count)]
        self._control_block = _aligned(8 * Control.SIZE)
        self.control = self._control_block.view(np.int64)

    def exchange(self, first: int, arrays: Sequence[Array]) -> None:
        """Binds other arrays, of the same types, in the place of inputs from a number on."""
        for number, array in enumerate(arrays, first):
            self._alive[number] = array
            self._table[number] = self._addresses[number] = array.ctypes.data

    def carried(self, count: int) -> list[Array]:
        """The arrays in the places of the first inputs; a descent lets inputs and outputs change places."""
        if self._table[:count] == self._addresses[:count]:
            return self._alive[:count]
        arrays = dict(zip(self._addresses, self._alive, strict=True))
        return [
            old if self._table[i] == self._addresses[i] else arrays[self._table[i] or 0]
            for i, old in enumerate(self._alive[:count])
        ]

    def _arguments(self, thread: int) -> tuple[int, int, int, int, int]:
        first, after = (number * self.program.chunks // len(self._scratches) for number in (thread, thread + 1))
        return (
            ctypes.addressof(self._table),
            self._workspace.ctypes.data,
            self._control_block.ctypes.data,
            self._scratches[thread].ctypes.data,
            (1 << after) - (1 << first),
        )

    def run(self) -> None:
        """Calls the program once; the other threads help for as long as the call lasts."""
        run, help_ = self.program.library["run"], self.program.library["help"]
        if len(self._scratches) == 1 or self.control[Control.ALONE] > 0:
            run(*self._arguments(0))
            return
        self.control[Control.QUIT] = 0
        helpers = [
            threading.Thread(target=help_, args=self._arguments(number), daemon=True)
            for number in range(1, len(self._scratches))
        ]
        for helper in helpers:
            helper.start()
        try:
            run(*self._arguments(0))
        finally:
            self.control[Control.QUIT] = 1
            for helper in helpers:
                helper.join()
