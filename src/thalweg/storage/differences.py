"""What differs between what a file holds and what is asked for now."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["differences"]


def differences(there: Mapping[str, Any], now: Mapping[str, Any], free: Collection[str] = ()) -> str:
    """What differs between plain data, for a message; empty if nothing does. free: names of what may.

    >>> differences({"seed": 0, "steps": 3}, {"seed": 1, "steps": 3})
    'seed: 0 there, 1 now'
    """
    names = [name for name in {**there, **now} if name not in free and there.get(name) != now.get(name)]
    return "; ".join(f"{name}: {_short(there.get(name))} there, {_short(now.get(name))} now" for name in names)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
