"""What a proof may cost beyond the rules, which look at each node once."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Effort"]


@dataclass
class Effort:
    """Attempts are counted in nodes looked at, not in seconds, so that a proof succeeds on every machine or on none.

    left: how many. Where none are left nothing stronger than the rules is tried, and what they do not show stays unknown.
    """

    left: int

    def affords(self, nodes: int) -> bool:
        """Whether so many are left; then they are spent."""
        is_enough = nodes <= self.left
        self.left -= nodes if is_enough else 0
        return is_enough
