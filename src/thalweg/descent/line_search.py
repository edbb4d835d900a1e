"""Line searches: how far to go along a direction, found by trying.

A search looks at one trial after another. Everything it knows is in its memory, a nesting of numbers, and every decision
is an ordinary NumPy expression; so a search is compiled, and runs for a whole population at once.

Source: J. Nocedal and S. Wright, *Numerical Optimization*, 2nd ed. (2006), chapter 3. Near a minimum differences of the loss
drown in rounding; there the slopes decide (W. Hager and H. Zhang, SIAM J. Optim. 16, 2005, "approximate Wolfe").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import whole_number
from ..errors import ArgumentError
from .grid import Grid

__all__ = ["ACCEPT", "FAIL", "GOES_ON", "Armijo", "LineSearch", "StrongWolfe", "Trial"]

GOES_ON, ACCEPT, FAIL = 0, 1, 2
"""What a search says of a trial."""


@dataclass(frozen=True)
class Trial:
    """What a search sees of φ(α) = f(w + α Δw).

    length: α. loss, slope: φ(α) and φ′(α). first_loss, first_slope: φ(0) and φ′(0) < 0. number: trials before this
    one. precision: the relative rounding error of the loss.
    """

    length: Any
    loss: Any
    slope: Any
    first_loss: Any
    first_slope: Any
    number: Any
    precision: Any


@dataclass(frozen=True)
class LineSearch:
    """What all line searches share.

    initial_memory: what the search starts with, once. restarted: (memory, loss at w) → memory for a new direction.
    judge: (trial, memory) → (GOES_ON, ACCEPT or FAIL, the next length to try, memory).
    """

    def initial_memory(self) -> Any:
        """What the search starts with."""
        raise ArgumentError(f"{type(self).__name__} has no method initial_memory(self)")

    def restarted(self, memory: Any, loss: Any) -> Any:
        """The memory with which a new direction is searched."""
        raise ArgumentError(f"{type(self).__name__} has no method restarted(self, memory, loss)")

    def judge(self, trial: Trial, memory: Any) -> tuple[Any, Any, Any]:
        """What to do after a trial."""
        raise ArgumentError(f"{type(self).__name__} has no method judge(self, trial, memory)")


def _check_between(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, Grid):
        return
    if not isinstance(value, int | float | np.number) or not low < value < high:
        raise ArgumentError(f"{name}={value!r}: expected a number between {low:g} and {high:g}")


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, Grid):
        whole_number(name, value)


def _falls_enough(trial: Trial, reference: Any, decrease: Any) -> Any:
    """φ(α) ≤ reference + c₁ α φ′(0). NaN does not."""
    return trial.loss <= reference + decrease * trial.length * trial.first_slope


def _is_flat_fall(trial: Trial, decrease: Any) -> Any:
    """The same by the slope, where the loss is known to its rounding error only."""
    noise = trial.precision * np.absolute(trial.first_loss)
    is_near = np.absolute(trial.loss - trial.first_loss) <= noise
    return is_near & (trial.slope <= (2 * decrease - 1) * trial.first_slope)


@dataclass(frozen=True)
class Armijo(LineSearch):
    """Backtracking: the length is shortened until the loss falls by a share of what the slope promises.

    decrease: c₁ in φ(α) ≤ φ(0) + c₁ α φ′(0). shrink: the factor by which a length is shortened at least; interpolation may
    shorten it more, down to a tenth. window: compare with the largest of so many recent losses (L. Grippo,
    F. Lampariello, S. Lucidi, 1986); 1 makes every step go down. most: trials for one direction.

    Source: L. Armijo (1966); Nocedal and Wright, algorithm 3.1.
    """

    decrease: float = 1e-4
    shrink: float = 0.5
    window: int = 1
    most: int = 50

    def __post_init__(self) -> None:
        _check_between("decrease", self.decrease, 0, 1)
        _check_between("shrink", self.shrink, 0, 1)
        _check_count("most", self.most)
        _check_count("window", self.window)

    def initial_memory(self) -> Any:
        """No losses are known yet."""
        return np.full(int(self.window), -np.inf)

    def restarted(self, memory: Any, loss: Any) -> Any:
        """The loss at w joins the recent ones."""
        if memory.shape[0] == 1:
            return np.reshape(loss, (1,))
        return np.concatenate([memory[1:], np.reshape(loss, (1,))])

    def judge(self, trial: Trial, memory: Any) -> tuple[Any, Any, Any]:
        """Accepts a sufficient fall; else shortens, by the minimum of the parabola through what is known."""
        reference = memory[0] if memory.shape[0] == 1 else np.max(memory)
        is_accepted = _falls_enough(trial, reference, self.decrease) | _is_flat_fall(trial, self.decrease)
        rise = trial.loss - trial.first_loss - trial.length * trial.first_slope
        parabola = -trial.first_slope * trial.length * trial.length / (2 * rise)
        is_usable = np.isfinite(parabola) & (parabola > 0.1 * trial.length)
        shorter = np.where(is_usable, np.minimum(parabola, self.shrink * trial.length), 0.1 * trial.length)
        is_over = trial.number + 1 >= self.most
        verdict = np.where(is_accepted, ACCEPT, np.where(is_over, FAIL, GOES_ON))
        return verdict, shorter, memory


@dataclass(frozen=True)
class StrongWolfe(LineSearch):
    """A length at which the loss has fallen enough and its slope has become small: the strong Wolfe conditions.

    decrease: c₁ in φ(α) ≤ φ(0) + c₁ α φ′(0). curvature: c₂ in |φ′(α)| ≤ c₂ |φ′(0)|, c₁ < c₂ < 1. most: trials for one direction.

    Brackets such a length, then narrows the bracket by cubic interpolation.

    Source: Nocedal and Wright, algorithms 3.5 and 3.6, equation 3.59.
    """

    decrease: float = 1e-4
    curvature: float = 0.9
    most: int = 20

    def __post_init__(self) -> None:
        _check_between("decrease", self.decrease, 0, 1)
        _check_between("curvature", self.curvature, 0, 1)
        _check_count("most", self.most)
        grids = isinstance(self.decrease, Grid) or isinstance(self.curvature, Grid)
        if not grids and not self.decrease < self.curvature:
            raise ArgumentError(f"decrease={self.decrease!r} must be smaller than curvature={self.curvature!r}")

    def initial_memory(self) -> Any:
        """No bracket: `low` is its better end, `high` the other; `is_last` when the better end is all that is left."""
        zero = np.float64(0)
        return {
            "is_bracketed": np.bool_(False),
            "is_last": np.bool_(False),
            **{f"{end}_{what}": zero for end in ("low", "high") for what in ("length", "loss", "slope")},
        }

    def restarted(self, memory: Any, loss: Any) -> Any:
        """The bracket is forgotten; the better end is w itself."""
        return {name: 0 * value if value.dtype.kind == "f" else value & False for name, value in memory.items()}

    def judge(self, trial: Trial, memory: Any) -> tuple[Any, Any, Any]:
        """Accepts if both conditions hold; else brackets, or narrows the bracket."""
        is_first = (memory["low_length"] == 0) & ~memory["is_bracketed"]
        low_length = memory["low_length"]
        low_loss = np.where(is_first | (low_length == 0), trial.first_loss, memory["low_loss"])
        low_slope = np.where(is_first | (low_length == 0), trial.first_slope, memory["low_slope"])
        falls, flat = _falls_enough(trial, trial.first_loss, self.decrease), _is_flat_fall(trial, self.decrease)
        is_level = np.absolute(trial.slope) <= -self.curvature * trial.first_slope
        is_accepted = is_level & (falls | flat)
        is_too_far = ~(falls | flat) | ~((trial.loss < low_loss) | flat)
        is_too_far = np.where(memory["is_bracketed"] | ~is_first, is_too_far, ~(falls | flat))
        # Once bracketed, the slope at a better point says on which side of it the minimum lies.
        is_past = np.where(
            memory["is_bracketed"],
            trial.slope * (memory["high_length"] - low_length) >= 0,
            trial.slope >= 0,
        )
        to_high = np.where(is_too_far, True, is_past)
        new = {
            "low_length": np.where(is_too_far, low_length, trial.length),
            "low_loss": np.where(is_too_far, low_loss, trial.loss),
            "low_slope": np.where(is_too_far, low_slope, trial.slope),
            "high_length": np.where(is_too_far, trial.length, np.where(to_high, low_length, memory["high_length"])),
            "high_loss": np.where(is_too_far, trial.loss, np.where(to_high, low_loss, memory["high_loss"])),
            "high_slope": np.where(is_too_far, trial.slope, np.where(to_high, low_slope, memory["high_slope"])),
            "is_bracketed": memory["is_bracketed"] | to_high,
        }
        inside = _between(new)
        further = _beyond(trial, low_length, low_loss, low_slope)
        width = np.absolute(new["high_length"] - new["low_length"])
        is_tight = new["is_bracketed"] & (width <= 4 * trial.precision * np.maximum(new["low_length"], 1e-300))
        is_over = (trial.number + 1 >= self.most) | is_tight
        has_better = new["low_length"] > 0
        # The better end has a sufficient fall; it was only not level enough. It is computed once more, and taken.
        is_accepted = is_accepted | memory["is_last"]
        verdict = np.where(is_accepted, ACCEPT, np.where(is_over & ~has_better, FAIL, GOES_ON))
        following = np.where(new["is_bracketed"], inside, further)
        new["is_last"] = is_over & has_better
        return verdict, np.where(new["is_last"], new["low_length"], following), new


def _cubic(a: Any, fa: Any, da: Any, b: Any, fb: Any, db: Any) -> Any:
    """The minimum of the cubic with these values and slopes at a and b; NaN if it has none."""
    d1 = da + db - 3 * (fa - fb) / (a - b)
    d2 = np.sign(b - a) * np.sqrt(d1 * d1 - da * db)
    return b - (b - a) * (db + d2 - d1) / (db - da + 2 * d2)


def _between(memory: Any) -> Any:
    """A length inside of the bracket, not too close to its ends; the middle where the cubic has no minimum there."""
    low, high = memory["low_length"], memory["high_length"]
    cubic = _cubic(low, memory["low_loss"], memory["low_slope"], high, memory["high_loss"], memory["high_slope"])
    left, right = np.minimum(low, high), np.maximum(low, high)
    margin = 0.1 * (right - left)
    is_inside = (cubic >= left + margin) & (cubic <= right - margin)
    near = np.where(cubic < left + margin, left + margin, right - margin)
    return np.where(is_inside, cubic, np.where(np.isfinite(cubic), near, 0.5 * (low + high)))


def _beyond(trial: Trial, low_length: Any, low_loss: Any, low_slope: Any) -> Any:
    """A longer length: the cubic's minimum, between 1.1 and 9 times the last stretch away; 4 where it has none ahead."""
    cubic = _cubic(low_length, low_loss, low_slope, trial.length, trial.loss, trial.slope)
    gone = trial.length - low_length
    is_ahead = np.isfinite(cubic) & (cubic > trial.length)
    return trial.length + np.where(is_ahead, np.clip(cubic - trial.length, 1.1 * gone, 9 * gone), 4 * gone)
