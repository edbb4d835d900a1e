"""Local steps: every worker takes some steps on its own examples, then the parameters of all are averaged.

For networks on which one round takes longer than many steps. The result depends on the number of workers.

Source: H. B. McMahan et al., *Communication-Efficient Learning of Deep Networks from Decentralized Data*, AISTATS 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent.native_engine import NativeStep, compiled_step
from ..descent.steps import Step
from ..graph import Array
from ..ops.plain import from_plain
from .shard import Shard

__all__ = ["Local", "Steps"]


@dataclass(frozen=True, eq=False)
class Steps:
    """What a worker's steps led to. rows: of the history."""

    state: list[Array]
    status: int
    rows: Array
    examples: int


@dataclass(eq=False)
class Local:
    """On a worker: the program of its own steps, on the examples of all its shards."""

    compiled: NativeStep
    arrays: Sequence[Array]
    batch: int
    threads: int

    @classmethod
    def of(cls, plain: Mapping[str, Any], shards: Mapping[int, Shard], workers: int, threads: int) -> Local:
        """plain: as `LocalEngine` sends it. Each worker draws its share of the batch."""
        chunks = [
            [np.array(array, order="C") for array in chunk]
            for number in sorted(shards)
            for chunk in shards[number].chunks()
        ]
        arrays = [np.concatenate(parts) for parts in zip(*chunks, strict=True)]
        batch = min(max(1, plain["batch"] // workers), len(arrays[0]))
        problem: Any = None  # compiling asks nothing of it
        graph, settings = from_plain(plain["graph"]), plain["settings"]
        step = Step(graph, plain["stages"], plain["state"], None, settings, problem, plain["recorded"])
        return cls(compiled_step(step, arrays, batch), arrays, batch, threads)

    def steps(
        self,
        state: Sequence[Array],
        settings: Sequence[Array],
        iteration: int,
        count: int,
        outside: Sequence[float],
        seed: int,
    ) -> Steps:
        """Takes so many steps from a state."""
        own = [np.array(array) for array in state]
        engine = self.compiled.engine(own, settings, self.arrays, seed, self.threads, iteration)
        status, rows = engine.advance(count, outside)
        return Steps(list(engine.state), status, rows, count * self.batch)
