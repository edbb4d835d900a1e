"""How many processors there are for this process."""

from __future__ import annotations

import os

__all__ = ["available_processors"]


def available_processors() -> int:
    """The processors on which this process may run."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1
