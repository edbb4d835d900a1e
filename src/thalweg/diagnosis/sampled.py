"""Verdicts on data that do not fit in memory: from a sample of examples, whose loss is made to agree with that of all.

f_S, the loss of a sample S, has its minimum elsewhere than f. So what is looked at is f_S(w') + (∇f(w) − ∇f_S(w))·(w' − w) + f(w) − f_S(w),
which has the loss and the gradient of all examples at the end w of the descent, and the sample's curvature. What is said of it
counts only if it can be confirmed: a fall by the loss of all examples, a minimum by how far the curvatures of two halves of the
sample differ, and by the curvature of all examples in a few directions. A proof of convexity for a sample is none for all.

Source of the loss with a corrected gradient: O. Shamir, N. Srebro and T. Zhang, *Communication-efficient distributed optimization
using an approximate Newton-type method*, ICML 2014.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..descent import Result
from ..descent.chunks import over_data
from ..descent.data import ArrayData, Data, StreamData
from ..descent.evaluation import evaluated
from ..descent.gradients import Automatic
from ..descent.parameters import flatten
from ..descent.plan import Origin, Plan
from ..descent.problem import problem_of
from ..graph import Array
from .advice import MORE_STEPS
from .situation import Situation
from .spectrum import hessian_product, product_graph
from .verdict import Verdict, VerdictKind

__all__ = ["confirmed", "sample_of"]

_EXAMPLES = 1 << 16
_PLACES = 3
"""Where the loss of all examples is evaluated to confirm a fall; each place costs a pass."""

_UNTOUCHED = (VerdictKind.STOPPED_BY_USER, VerdictKind.OVERSHOOTING, VerdictKind.NOISE_FLOOR, VerdictKind.UNKNOWN)


def sample_of(result: Result, most: int = _EXAMPLES) -> Result:
    """The same result, as if it came from a sample of its data, of so many examples at most, with the corrected loss."""
    origin: Origin = result.origin
    plan = origin.plan
    arrays = _drawn(plan.data, plan.seed, most)
    rows = len(arrays[0])
    data = ArrayData(plan.data.structure, arrays)
    alone = problem_of(plan.loss, plan.parameters, data, rows, penalty=plan.penalty)
    with np.errstate(all="ignore"):
        value, gradient = evaluated(alone, origin.end, arrays)
        of_all, gradient_of_all = _over_all(plan, origin.end)
    difference = gradient_of_all.astype(np.float64) - gradient.astype(np.float64)
    losses = result.history.loss
    has_risen = len(losses) > 0 and not float(of_all) <= losses[0]
    if has_risen or not np.isfinite(difference).all():  # far off, where a line would lead below every loss
        difference = np.zeros(difference.shape)
    slope = flatten(alone.layout.tree(difference.astype(origin.end.dtype)))[0]
    shift = float(of_all) - float(value) - float(difference @ origin.end.astype(np.float64))
    shift = 0.0 if has_risen or not np.isfinite(shift) else shift

    def corrected(parameters: Any, *given: Any) -> Any:
        leaves, _ = flatten(parameters)
        return plan.loss(parameters, *given) + sum(np.sum(a * b) for a, b in zip(slope, leaves, strict=True)) + shift

    batch = plan.batch if plan.batch is not None and plan.batch < rows else None
    sampled = dataclasses.replace(
        plan,
        loss=corrected,
        problem=problem_of(corrected, plan.parameters, data, batch or rows, penalty=plan.penalty),
        source=Automatic(),
        data=data,
        batch=batch,
    )
    return dataclasses.replace(result, origin=dataclasses.replace(origin, plan=sampled, alone=None, there=None))


def _over_all(plan: Plan, vector: Array) -> tuple[Array, Array]:
    """Loss and gradient over all examples."""
    if isinstance(plan.data, StreamData):
        return plan.over_scattered(plan.data, vector)
    return evaluated(plan.whole(), vector, plan.data.arrays)


def _drawn(data: Data, seed: int, most: int) -> tuple[Array, ...]:
    """Examples drawn without replacement, in their order; of a stream all arrays take an eighth of its memory at most."""
    count = min(most, data.examples)
    if isinstance(data, StreamData):
        count = min(count, max(256, data.stream.memory // 8 // data.stream.row_bytes))
    generator = np.random.default_rng([seed % (1 << 63), 2])
    rows = np.sort(generator.choice(data.examples, count, replace=False, shuffle=False))
    pieces: list[list[Array]] = []
    first = 0
    for chunk in data.chunks():
        begin, end = np.searchsorted(rows, [first, first + len(chunk[0])])
        pieces.append([array[rows[begin:end] - first] for array in chunk])
        first += len(chunk[0])
    return tuple(np.ascontiguousarray(np.concatenate(of_array)) for of_array in zip(*pieces, strict=True))


def confirmed(verdict: Verdict, here: Situation, plan: Plan) -> Verdict:
    """What of a sample's verdict holds for all examples. plan: the descent's own, with its stream."""
    rows = len(here.arrays[0])
    said = {"curvature measured on": f"{rows:,} of {plan.data.examples:,} examples, drawn at random"}
    advice = tuple(
        dataclasses.replace(one, tried=one.tried.replace("tried:", "tried on the sample:", 1)) for one in verdict.advice
    )
    verdict = dataclasses.replace(verdict, evidence={**verdict.evidence, **said}, advice=advice)
    if verdict.kind in _UNTOUCHED:
        return verdict
    if verdict.kind is VerdictKind.GLOBAL_MINIMUM and here.has_kink:
        return _unknown(
            verdict, "on a sample no direction leads down; the loss has a kink here, and a sample cannot tell more"
        )
    if verdict.kind in (VerdictKind.GLOBAL_MINIMUM, VerdictKind.LOCAL_MINIMUM):
        return _minimum(verdict, here, plan)
    if verdict.kind is VerdictKind.FLAT_VALLEY:
        return _unknown(
            verdict, "the gradient vanishes, but a sample cannot tell whether the loss is level along some direction"
        )
    return _falling(verdict, here, plan)


def _unknown(verdict: Verdict, sentence: str) -> Verdict:
    return Verdict(
        VerdictKind.UNKNOWN, sentence, verdict.evidence, spectrum=verdict.spectrum, convexity=verdict.convexity
    )


def _minimum(verdict: Verdict, here: Situation, plan: Plan) -> Verdict:
    """The gradient of all examples vanishes; the curvature has to be beyond doubt."""
    doubt = _doubt(here)
    evidence: dict[str, Any] = {**verdict.evidence, "curvature in doubt by": doubt}
    evidence.pop("guaranteed: loss − minimum ≤", None)
    verdict = dataclasses.replace(verdict, evidence=evidence, gap=None)
    if not doubt < 0.5:
        return _unknown(
            verdict, "the gradient vanishes, but the sample is too small to tell how the loss of all examples curves"
        )
    if not _least_ratio(here, plan) > 0.5:
        return _unknown(
            verdict,
            "the gradient vanishes, but the loss of all examples is not curved as the sample's: a few count for much",
        )
    sentence = "the gradient over all examples vanishes, and the loss curves upwards in every direction"
    if verdict.kind is VerdictKind.GLOBAL_MINIMUM:
        sentence += "; on the sample it is proven convex, so most likely no parameters are better"
        evidence["convexity"] = "proven for the sample only: for all examples they would have to be in memory together"
    return dataclasses.replace(verdict, kind=VerdictKind.LOCAL_MINIMUM, sentence=sentence)


def _doubt(here: Situation) -> float:
    """How far the curvatures of the two halves of the sample differ, at most, as a share of the curvature; infinite if not known.

    The difference of the halves' Hessians, halved, is as large as the error of the sample's own.
    """
    spectrum = here.spectrum
    if spectrum.vectors is None or not spectrum.smallest > spectrum.smallest_error:
        return float("inf")
    scaled = spectrum.vectors / np.sqrt(spectrum.values)
    half = len(here.arrays[0]) // 2
    problem = problem_of(here.plan.loss, here.plan.parameters, here.plan.data, half)
    products = [
        hessian_product(problem, here.end, [np.ascontiguousarray(array[place::2][:half]) for array in here.arrays])
        for place in (0, 1)
    ]
    differences = np.array([products[0](column) - products[1](column) for column in scaled.T]) / 2
    return float(np.linalg.norm(scaled.T @ differences.T, 2))


def _least_ratio(here: Situation, plan: Plan) -> float:
    """The curvature of all examples by the sample's: the least of a few directions in which the sample's is the same.

    Random ones see what few examples, which are not in the sample, do in any direction.
    """
    spectrum, generator = here.spectrum, np.random.default_rng([plan.seed % (1 << 63), 3])
    assert spectrum.vectors is not None, "no doubt is known without them"
    turned = generator.normal(size=(len(spectrum.values), _PLACES))
    directions = spectrum.vectors / np.sqrt(spectrum.values) @ (turned / np.linalg.norm(turned, axis=0))
    problem = plan.whole()
    function = over_data(product_graph(problem.graph), plan.data, threads=plan.threads)
    ratios = []
    for direction in directions.T:
        (product,) = function(here.end, direction.astype(here.end.dtype))
        ratios.append(float(direction @ product.astype(np.float64)))
    return float(np.min(ratios))


def _falling(verdict: Verdict, here: Situation, plan: Plan) -> Verdict:
    """Somewhere the loss is said to be lower: there it has to be, for all examples."""
    claimed = _claimed_place(verdict, here)
    fall = -np.inf if claimed is None else here.loss - _loss_of_all(plan, claimed)
    if fall > (0.0 if verdict.kind is VerdictKind.NO_MINIMUM else here.tolerance):
        return dataclasses.replace(verdict, evidence={**verdict.evidence, "fall over all examples, as tried": fall})
    rays = sorted((ray for ray in (*here.downhill_rays, *here.closer_rays) if ray.gain > 0), key=lambda ray: -ray.gain)
    places = [here.end + here.newton_direction, *(here.end + ray.best_length * ray.direction for ray in rays)]
    fall = max(fall, here.loss - min(_loss_of_all(plan, place) for place in places[:_PLACES]))
    evidence = {**verdict.evidence, "fall over all examples, as tried": fall}
    if not fall > here.tolerance:
        sentence = (
            f"the sample says {verdict.kind.value}, but the loss of all examples does not fall where the sample's does"
        )
        return _unknown(dataclasses.replace(verdict, evidence=evidence), sentence)
    if verdict.kind is VerdictKind.STILL_DESCENDING:
        return dataclasses.replace(verdict, evidence=evidence)
    sentence = f"the loss can still fall by {fall:.3g} at least"
    return Verdict(VerdictKind.STILL_DESCENDING, sentence, evidence, (MORE_STEPS,), spectrum=verdict.spectrum)


def _claimed_place(verdict: Verdict, here: Situation) -> Array | None:
    """The vector at which the verdict says that the loss is lower."""
    if verdict.beyond is not None:
        return here.problem.layout.vector(verdict.beyond)
    if verdict.escape is not None and "distance looked" in verdict.evidence:
        direction = here.problem.layout.vector(verdict.escape).astype(np.float64)
        return here.end + float(verdict.evidence["distance looked"]) * direction
    best = max(here.downhill_rays, key=lambda ray: ray.gain, default=None)
    return None if best is None or not best.gain > 0 else here.end + best.best_length * best.direction


def _loss_of_all(plan: Plan, place: Array) -> float:
    assert isinstance(plan.data, StreamData), "other data are in memory"
    with np.errstate(all="ignore"):
        value, _ = plan.over_scattered(plan.data, place.astype(plan.problem.layout.dtype))
    return float(value) if np.isfinite(value) else np.inf
