"""Totals over all shards of a cluster: parameters go out, one vector a worker comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..compile.cut import Sweep, added
from ..descent.chunks import in_own_types
from ..errors import ClusterError
from ..graph import Array
from ..ops.plain import to_plain
from .crew import Crew
from .shards import Span, reduced
from .worker import unpacked

__all__ = ["ClusterTotals"]


@dataclass(eq=False)
class ClusterTotals:
    """Asks the crew. arrays: how many arrays of data the loss gets."""

    crew: Crew
    sweeps: Sequence[Sweep]
    arrays: int

    def __post_init__(self) -> None:
        graphs = [to_plain(sweep.graph(sweep.examples.count)) for sweep in self.sweeps]
        size = sum(node.type.size for sweep in self.sweeps for node in sweep.reads)
        carried = self.crew.carried(graphs, 8 * size)
        self.crew.begin(lambda actor: [actor.learn.remote(carried, self.arrays)])

    def __call__(self, number: int, values: Sequence[Array]) -> Sequence[Array]:
        sweep = self.sweeps[number]
        carried = self.crew.carried([np.asarray(value) for value in values], sum(value.nbytes for value in values))
        answers = self.crew.ask(lambda actor, shards: actor.totals.remote(number, carried, shards))
        found = {span: unpacked(sweep, vector) for answer in answers for span, vector in answer.totals.items()}
        whole = reduced(found, lambda a, b: added(sweep, a, b))
        if list(whole) != [self._all]:
            raise ClusterError(f"the workers answered for the shards {sorted(whole)} instead of {self._all}")
        return in_own_types(sweep, whole[self._all])

    @property
    def _all(self) -> Span:
        return (0, len(self.crew.shards))
