"""Compiled programs: made or found in the cache, and run with arrays."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache as kept
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ...beside import beside
from ...graph import Array, Graph
from .. import cache
from ..examples import Examples
from ..prepare import Prepared
from . import jit
from .helpers import helpers
from .interface import Control, Loop

__all__ = ["Execution", "Program", "compile_native"]

_loaded: dict[str, Program] = {}
_in_turn = threading.Lock()
"""LLVM works for one thread at a time anyway: so what was asked for first is there first."""


@dataclass(eq=False)
class Program:
    """Machine code of a graph.

    load: waits until it is there, if it is still being made; the same each time. graph: what it computes.
    """

    load: Callable[[], jit.Library]
    graph: Graph
    workspace: int
    scratch: int
    constants: tuple[int, ...]
    chunks: int
    sweeps: int

    @property
    def library(self) -> jit.Library:
        """The functions of the program."""
        return self.load()

    @cached_property
    def constant_arrays(self) -> list[Array]:
        nodes = [node for node in self.graph.nodes if node.is_constant]
        return [np.ascontiguousarray(nodes[number].value) for number in self.constants]


def compile_native(
    prepared: Prepared, examples: Examples | None, loop: Loop | None = None, runs_seldom: bool = False
) -> Program:
    """The program of a graph: from memory, from disk, or made now. runs_seldom: as `compiled` has it.

    Machine code is made by another thread. Who asks for a program and has something else to do gains the time.
    """
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
        return replace(_loaded[key], graph=prepared.graph)
    stored = cache.load(key)
    if stored is None:
        load, description = _begun(prepared.graph, examples, loop, runs_seldom, key)
    else:
        code, description = stored
        load = kept(lambda: _linked(code, description))
    program = _loaded[key] = Program(
        load,
        prepared.graph,
        description["workspace"],
        description["scratch"],
        tuple(description["constants"]),
        description["chunks"],
        description["sweeps"],
    )
    return program


def _linked(code: bytes, description: dict[str, Any]) -> jit.Library:
    return jit.link(code, ("run", "help"), 5, description["needs"])


def _examples_key(graph: Graph, examples: Examples | None) -> str:
    if examples is None:
        return "whole"
    inputs = {index: examples.axis[node] for index, node in enumerate(graph.inputs) if node in examples.axis}
    return f"{examples.count} examples along {inputs}"


def _begun(
    graph: Graph, examples: Examples | None, loop: Loop | None, runs_seldom: bool, key: str
) -> tuple[Callable[[], jit.Library], dict[str, Any]]:
    """Emits a program and lets another thread make its code; what waits for that, and the description to go with the code."""
    from .module import assemble  # what emits code is loaded only if code has to be made

    module = assemble(graph, examples, loop, jit.vector_bytes(), runs_seldom)
    description = {
        "workspace": module.workspace,
        "scratch": module.scratch,
        "constants": list(module.constants),
        "chunks": module.chunks,
        "sweeps": module.sweeps,
        "needs": jit.needed_functions(module.text),
    }

    def make() -> jit.Library:
        with _in_turn:
            code = jit.compile_object(module.text, runs_seldom or module.is_large, module.is_brief)
        cache.store(key, code, description)
        return _linked(code, description)

    begun = beside(make)

    def load() -> jit.Library:
        try:
            return begun()
        except Exception:  # such as too little memory, of which there may be more by now
            return make()

    return kept(load), description


def _address(array: Array) -> int:
    """Where an array begins. Of those that can be written to this takes a fifth of the time of NumPy's own answer."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    except (TypeError, ValueError):  # it is read-only, or empty
        return array.ctypes.data


def _aligned(size: int) -> tuple[Array, int]:
    """Zeroed bytes that begin at a cache line, and where that is."""
    block = np.zeros(size + 64, np.uint8)
    address = _address(block)
    start = -address % 64
    return block[start : start + size], address + start


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
        self.program, self._library = program, program.library
        arrays = [*inputs, *outputs, np.zeros(1) if history is None else history, *program.constant_arrays]
        self._place_of_history = len(inputs) + len(outputs)
        self._alive = arrays
        self._addresses = [_address(array) for array in arrays]
        self._table = (ctypes.c_void_p * len(arrays))(*self._addresses)
        count = max(1, min(threads, program.chunks))
        block, control = _aligned(8 * Control.SIZE)
        workspace, *scratches = [
            _aligned(program.workspace + 64),
            *(_aligned(program.scratch + 64) for _ in range(count)),
        ]
        self.control = block.view(np.int64)
        self._memory = workspace, scratches
        table, chunks = ctypes.addressof(self._table), [number * program.chunks // count for number in range(count + 1)]
        self._arguments = [
            (table, workspace[1], control, scratch, (1 << after) - (1 << first))
            for (_, scratch), (first, after) in zip(scratches, pairwise(chunks), strict=True)
        ]

    @property
    def bytes(self) -> int:
        """Of working memory."""
        return self.program.workspace + len(self._arguments) * self.program.scratch

    def exchange(self, first: int, arrays: Sequence[Array]) -> None:
        """Binds other arrays, of the same types, in the place of inputs from a number on."""
        for number, array in enumerate(arrays, first):
            self._alive[number] = array
            self._table[number] = self._addresses[number] = _address(array)

    def run_with(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Calls the program once with other arrays in the place of the first inputs and of the outputs; it does not keep them."""
        for first, arrays in ((0, inputs), (self._place_of_history - len(outputs), outputs)):
            for number, array in enumerate(arrays, first):
                self._table[number] = _address(array)
        self.run()

    def exchange_history(self, history: Array) -> None:
        """Binds another array for what is recorded, of the same width."""
        self.exchange(self._place_of_history, [history])

    def carried(self, count: int) -> list[Array]:
        """The arrays in the places of the first inputs; a descent lets inputs and outputs change places."""
        if self._table[:count] == self._addresses[:count]:
            return self._alive[:count]
        arrays = dict(zip(self._addresses, self._alive, strict=True))
        return [
            old if self._table[i] == self._addresses[i] else arrays[self._table[i] or 0]
            for i, old in enumerate(self._alive[:count])
        ]

    def run(self) -> None:
        """Calls the program once; the other threads help for as long as the call lasts."""
        run, help_ = self._library["run"], self._library["help"]
        own, *others = self._arguments
        if not others or self.control[Control.ALONE] > 0:
            run(*own)
            return
        self.control[Control.QUIT] = 0
        with helpers(help_, others, self._send_home, self):
            run(*own)

    def _send_home(self) -> None:
        self.control[Control.QUIT] = 1
