"""Totals over all shards of a cluster: parameters go out, one vector a worker comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compile.cut import Sweep, added
from ..descent.data import in_own_types
from ..errors import ClusterError
from ..graph import Array
from ..ops.plain import to_plain
from .crew import Crew, LostError
from .shard import Draw
from .tree import whole
from .worker import Spans, combined, unpacked

__all__ = ["ClusterTotals"]

_FAN_IN = 8
"""Of more workers than this, some put the answers of so many together before the driver does."""

_ATTEMPTS = 3


@dataclass(eq=False)
class ClusterTotals:
    """Asks the crew. arrays: how many arrays of data the loss gets. draw: the mini-batch that is looked at; None for all examples."""

    crew: Crew
    sweeps: Sequence[Sweep]
    arrays: int
    draw: Draw | None = None
    fan_in: int = _FAN_IN

    def __post_init__(self) -> None:
        graphs = [to_plain(sweep.graph(sweep.examples.count)) for sweep in self.sweeps]
        constants = sum(node.type.size for sweep in self.sweeps for node in sweep.reads)
        carried = self.crew.carried(graphs, 8 * constants)
        program = self._program = self.crew.next_program()
        self.crew.begin(lambda actor: [actor.learn.remote(program, carried, self.arrays)])

    def __call__(self, number: int, values: Sequence[Array]) -> Sequence[Array]:
        sweep = self.sweeps[number]
        size = sum(value.nbytes for value in values)
        carried = self.crew.carried([np.asarray(value) for value in values], size)
        spans = combined(sweep, self._answers(number, carried))
        found = {span: unpacked(sweep, vector) for span, vector in spans.items()}
        return in_own_types(sweep, whole(found, len(self.crew.shards), lambda a, b: added(sweep, a, b)))

    def _answers(self, number: int, values: Any) -> list[Spans]:
        """A few answers that hold all totals. One that gets lost on its way through the tree is asked for again."""
        for _ in range(_ATTEMPTS):
            asked = self.crew.ask("totals", lambda shards: (self._program, number, values, shards, self.draw))
            while len(asked) > self.fan_in:
                groups = [asked[first : first + self.fan_in] for first in range(0, len(asked), self.fan_in)]
                asked = [
                    (
                        group[0][0],
                        group[0][0].combine.remote(self._program, number, *(reference for _, reference in group)),
                    )
                    for group in groups
                ]
            try:
                found: list[Spans] = self.crew.fetched([reference for _, reference in asked])
                return found
            except LostError:
                continue
        raise ClusterError(f"workers died in {_ATTEMPTS} attempts at one step")
