"""Whether the steps were too long, by how much, and why.

Gradient descent on a quadratic of curvature λ is stable for rates below 2/λ; with momentum β below 2(1 + β)/λ, with Nesterov's
below (2 + 2β)/((1 + 2β) λ). Source: B. Polyak, *Introduction to Optimization* (1987), chapter 3; B. O'Donoghue and E. Candès,
*Adaptive restart for accelerated gradient schemes* (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..descent.methods import GradientDescent, Method, Momentum, Nesterov
from .situation import Situation
from .verdict import Advice, Verdict, VerdictKind

__all__ = ["Overshooting", "overshooting_of", "stability_limit"]


@dataclass(frozen=True)
class Overshooting:
    """Why the steps count as too long. limit: the largest stable rate, NaN if the method has none that is known. cause: of the
    curvature, in words.
    """

    rate: float
    limit: float
    curvature: float
    start_loss: float
    last_loss: float
    has_diverged: bool
    cause: str

    def verdict(self, advice: tuple[Advice, ...]) -> Verdict:
        """As a verdict."""
        figures: dict[str, Any] = {
            "learning rate": self.rate,
            "largest stable rate": self.limit,
            "largest curvature": self.curvature,
            "loss at the start": self.start_loss,
            "loss at the end": self.last_loss,
        }
        if self.cause:
            figures["cause"] = self.cause
        happened = "the loss grew until it was no longer finite" if self.has_diverged else "the loss does not go down"
        times = self.rate / self.limit
        too_long = f"the steps are {times:.3g} times as long as is stable" if times > 1 else "the steps are too long"
        sentence = f"{happened}: {too_long}" + (f"; {self.cause}" if self.cause else "")
        return Verdict(VerdictKind.OVERSHOOTING, sentence, figures, advice)


def stability_limit(method: Method, curvature: float) -> float:
    """The rate above which a method grows on a quadratic of that curvature; NaN if that is not known."""
    if curvature <= 0 or not np.isfinite(curvature):
        return float("nan")
    if isinstance(method, Nesterov):
        beta = method.momentum
        return (2 + 2 * beta) / ((1 + 2 * beta) * curvature)
    if isinstance(method, Momentum):
        return 2 * (1 + method.momentum) / curvature
    return 2 / curvature if isinstance(method, GradientDescent) else float("nan")


def overshooting_of(here: Situation) -> Overshooting | None:
    """Whether the descent went up, or bounces without coming lower; None if it does not."""
    result = here.result
    if result.method is None or result.method.line_search is not None or not hasattr(result.method, "learning_rate"):
        return None
    has_diverged = result.stopped_by.reason == "not finite"
    history = result.history
    if not len(history) or not np.isfinite(here.start_loss):
        return None
    # By validation the start was the best of all: where the way led is in the history alone.
    is_back_at_start = result.steps == 0 and int(history.step[-1]) > 0
    last = float(history.loss[-1]) if has_diverged or is_back_at_start or here.plan.batch is None else here.loss
    rate = float(history.learning_rate[-1])
    has_risen = not last <= here.start_loss + here.noise
    if has_diverged and not _grew(history.loss):
        return None  # it failed at a boundary of its domain, without growing
    bounces = not has_risen and here.plan.batch is None and _bounces(history.loss)
    if not (has_diverged or has_risen or bounces):
        return None
    curvature = _curvature(here, use_end=bounces)
    limit = stability_limit(result.method, curvature)
    if bounces and not (rate > 0.9 * limit and here.decrement > here.tolerance):
        return None
    is_noisy = here.plan.batch is not None and not is_back_at_start
    if has_risen and not has_diverged and is_noisy and not rate > 0.5 * limit:
        return None
    return Overshooting(rate, limit, curvature, here.start_loss, last, has_diverged, _cause(here))


def _grew(losses: Any) -> bool:
    finite = losses[np.isfinite(losses)]
    if len(finite) < 3:
        return True
    return bool(np.max(finite) > 2 * abs(finite[0]) or np.max(np.abs(finite)) > 1e6 * max(abs(finite[0]), 1e-300))


def _bounces(losses: Any) -> bool:
    """The second half of the way brought nothing."""
    if len(losses) < 20:
        return False
    half = losses[len(losses) // 2 :]
    middle = len(half) // 2
    ups = float(np.mean(np.diff(half) >= 0))
    return bool(np.median(half[middle:]) >= np.median(half[:middle]) * (1 - 1e-9) and ups > 0.2)


def _curvature(here: Situation, use_end: bool) -> float:
    """The largest eigenvalue of the Hessian at the start, or at the end if the descent bounces there."""
    if use_end:
        return here.spectrum.largest
    found = here.spectrum_at(here.start.astype(here.end.dtype))
    return found.largest if np.isfinite(found.largest) else float("nan")


_FAR_APART = 1e3


def _cause(here: Situation) -> str:
    """Columns of the data whose scale stands out."""
    for number, array in enumerate(here.arrays):
        if array.ndim != 2 or array.dtype.kind != "f" or array.shape[1] < 2:
            continue
        sizes = np.sqrt(np.mean(np.square(array[:100_000], dtype=np.float64), axis=0))
        typical, largest = float(np.median(sizes)), float(np.max(sizes))
        if np.isfinite(largest) and largest > _FAR_APART * max(typical, 1e-300):
            column = int(np.argmax(sizes))
            return f"column {column} of data[{number}] has a scale of {largest:.0e}, the others of {typical:.0e}: standardise it"
        if np.isfinite(largest) and largest > _FAR_APART:
            return f"the columns of data[{number}] have a scale of {largest:.0e}: standardise them"
    return ""
