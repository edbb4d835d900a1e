"""The table of rules: how a row is entered, and the primitives that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .facts import Facts

__all__ = ["ROWS", "WITHOUT_CURVATURE", "Row", "row"]


@dataclass(frozen=True)
class Row:
    """rule: (node, *operands' facts) → facts. sentence: for the derivation."""

    rule: Callable[..., Facts]
    sentence: str


ROWS: dict[str, Row] = {}

WITHOUT_CURVATURE = {
    "input": "the parameters themselves: affine by definition",
    "constant": "a known number",
    "remainder": "a saw-tooth",
    "tan": "poles on both sides of every branch",
    "arctan2": "neither convex nor concave in any half plane",
    "slogdet": "log|det A| is concave for positive definite matrices only, which it does not ask for; write "
    "2 * np.sum(np.log(np.diag(np.linalg.cholesky(A))))",
    "isfinite": "a truth value",
}
"""Primitives without a row: nothing is claimed of their values."""


def row(sentence: str, *names: str) -> Callable[[Callable[..., Facts]], Callable[..., Facts]]:
    """Enters a rule for primitives."""

    def enter(rule: Callable[..., Facts]) -> Callable[..., Facts]:
        for name in names:
            ROWS[name] = Row(rule, sentence)
        return rule

    return enter
