"""Successive halving: all trials of a round begin, and again and again only the best go on, with more steps each time.

Sources: K. Jamieson and A. Talwalkar, *Non-stochastic Best Arm Identification and Hyperparameter Optimization*, AISTATS 2016;
L. Li et al., *Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization*, JMLR 18 (2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..arguments import whole_number
from ..descent.stopping import AnyOf, MaxSteps, StoppingRule

__all__ = ["Halving", "limited", "steps_of"]


@dataclass(frozen=True)
class Halving:
    """How weak trials are stopped early. factor: one of so many goes on, with so many times the steps. rungs: how often trials
    are compared before the end; by default until one would be left.

    What learns slowly and ends well, such as a small learning rate, may be stopped: `factor=2` and few rungs are gentle.

    >>> Halving(factor=3).budgets(27)
    (0.037..., 0.111..., 0.333..., 1.0)
    """

    factor: int = 3
    rungs: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("factor", 2), ("rungs", 1)):
            value = getattr(self, name)
            if value is not None or name != "rungs":
                object.__setattr__(self, name, whole_number(name, value, least))

    def budgets(self, trials: int) -> tuple[float, ...]:
        """The share of all its steps that a trial has taken at each comparison, and in the end: 1."""
        most = max(1, math.floor(math.log(max(trials, 2), self.factor) + 1e-9))
        rungs = most if self.rungs is None else self.rungs
        return tuple(float(self.factor) ** -(rungs - i) for i in range(rungs + 1))

    def count(self, trials: int) -> int:
        """How many of so many trials go on."""
        return math.ceil(trials / self.factor)


def steps_of(rule: StoppingRule) -> int | None:
    """The steps after which a rule ends a descent in any case; None if there is no such number."""
    parts = rule.rules if isinstance(rule, AnyOf) else (rule,)
    limits = [part.steps for part in parts if isinstance(part, MaxSteps)]
    return min(limits) if limits else None


def limited(rule: StoppingRule, steps: int) -> StoppingRule:
    """The same rule, with this limit of steps."""
    if isinstance(rule, MaxSteps):
        return MaxSteps(min(steps, rule.steps))
    if isinstance(rule, AnyOf):
        return replace(rule, rules=tuple(limited(part, steps) for part in rule.rules))
    return rule
