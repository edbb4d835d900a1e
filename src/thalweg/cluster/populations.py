"""The members of a population on several machines: each worker descends with some of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descent.data import ArrayData
from ..descent.member import Member
from ..descent.plan import Origin, Plan
from ..descent.population import Population, Reached, population_of
from ..descent.problem import problem_of
from ..descent.result import Result
from ..descent.together import Descents
from ..graph import Array
from .cluster import Cluster
from .tree import split_rows

__all__ = ["population_on"]

Ran = tuple[list[Result], Reached, float, float, int]
"""Results, what they are ranked by, seconds, seconds to compile, lanes."""


def population_on(cluster: Cluster, plan: Plan, members: Sequence[Member]) -> Population:
    """Descends with all members, on the workers of a cluster, and ranks them. How they are divided may change a last digit."""
    begin = time.perf_counter()
    spans = split_rows(len(members), min(cluster.count(), len(members)))
    plain = {field.name: getattr(plan, field.name) for field in dataclasses.fields(plan) if field.init}
    plain |= {"problem": plan.problem.numbers, "data": plan.data.structure, "threads": cluster.threads}
    jobs = [members[first:end] for first, end in spans]
    own = [plan.loss, plan.rule.__class__, *(type(member.method) for member in members)]
    ran = list(cluster.map(_descend, jobs, plain, plan.data.arrays, own=own))
    results = [result for results, *_ in ran for result in results]
    with_origin = [
        dataclasses.replace(result, origin=_origin(plan, member, result))
        for result, member in zip(results, members, strict=True)
    ]
    reached = Reached(
        *(np.concatenate(parts) for parts in zip(*(dataclasses.astuple(of_one) for _, of_one, *_ in ran), strict=True))
    )
    compiling = max(seconds for *_, seconds, _ in ran)
    choices = [member.own for member in members]
    seconds = max(time.perf_counter() - begin - compiling, max(seconds for _, _, seconds, *_ in ran))
    return population_of(with_origin, choices, reached, seconds, compiling, ran[0][-1])


def _origin(plan: Plan, member: Member, result: Result) -> Origin:
    return Origin(plan, member.vector, plan.problem.layout.vector(result.parameters), tuple(member.numbers))


def _descend(members: Sequence[Member], plain: dict[str, Any], arrays: Sequence[Array]) -> Ran:
    """On a worker: some of the members."""
    begin = time.perf_counter()
    data = ArrayData(plain["data"], tuple(np.asarray(array) for array in arrays))
    rows = plain["batch"] or data.examples
    problem = problem_of(
        plain["loss"], plain["parameters"], data, rows, plain["source"], plain["problem"], plain["penalty"]
    )
    descents = Descents(Plan(**{**plain, "problem": problem, "data": data, "begin": begin}), members)
    compiling = time.perf_counter() - begin
    descents.run(None)
    ends = descents.ends()
    return list(ends.results), ends.reached, descents.seconds, compiling, descents.lockstep.lanes
