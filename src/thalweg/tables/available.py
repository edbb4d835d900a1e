"""Whether a table fits in the memory that is available."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from .source import Source

__all__ = ["available_memory", "reading_bound"]

_COPIES = 3
"""A table in memory is there as Arrow has it, as columns, and as features."""


def available_memory() -> int:
    """Bytes that can be used without swapping, as far as the system says; of a container, its limit."""
    found = 1 << 62
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    with contextlib.suppress(OSError):
        said = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        found = int(said[1]) * 1024 if said else found
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        found = min(found, limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return found


def reading_bound(source: Source, memory: int | str | None = None) -> int | None:
    """The memory, in bytes, with which a table is to be streamed, as things stand now; None if it is read whole.

    memory: what the user gave. Without it tables are streamed that would take more than half of what is available.
    """
    if memory is not None:
        from ..descent.data import bytes_of  # a table begins to be read before what descends is loaded

        return bytes_of(memory)
    available = available_memory()
    if _COPIES * sum(part.memory() for part in source.parts) <= available // 2:
        return None
    return max(available // 4, 1 << 27)
