"""`minimize` on a cluster: one descent over examples that lie on its workers, or several descents, some on each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..descent import Progress, Result
from ..descent.minimize import planned
from ..descent.plan import Origin
from ..descent.single import run_single
from ..errors import ArgumentError, ClusterError
from .cluster import Cluster
from .data import ClusterData, shards_of
from .populations import population_on

__all__ = ["minimize_on"]


def minimize_on(
    cluster: Cluster,
    loss: Callable[..., Any],
    parameters: Any,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Any,
) -> Result:
    """As `thalweg.descent.minimize`, on a cluster. Raises ClusterError beside what that raises."""
    if not isinstance(cluster, Cluster):
        raise ArgumentError(f"cluster={cluster!r}: expected a tw.Cluster, such as tw.Cluster(workers=4)")
    plan, members, is_population = planned(loss, parameters, **options)
    if is_population:
        return population_on(cluster, plan, members)
    if not plan.data.examples:
        raise ArgumentError("cluster=...: one descent without data has nothing to share; leave it out")
    if plan.target != "native" or not plan.problem.is_traced:
        raise ArgumentError(
            "cluster=...: workers run compiled code only; leave out target, and use a loss that can be traced"
        )
    shards = shards_of(plan.data, cluster.shards, cluster.count())
    with cluster.crew(shards) as crew:
        spread = dataclasses.replace(plan, data=ClusterData(plan.data.structure, plan.data, crew, cluster.local_steps))
        try:
            result = run_single(spread, members[0].vector, members[0].method, on_progress)
        except ClusterError as error:
            kept = "" if plan.keeper is None else " The last checkpoint is kept: the same call goes on from it."
            raise ClusterError(f"{error}{kept}") from None
        slow = crew.slow_worker()
        notes = (*result.notes, *crew.notes, *([slow] if slow else []), f"on {len(crew.members)} workers")
    assert isinstance(result.origin, Origin)
    return dataclasses.replace(result, notes=notes, origin=dataclasses.replace(result.origin, plan=plan))
