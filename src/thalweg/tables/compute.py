"""Arrow's functions, loaded at the first call: a table of plain numbers needs none of them, and they take 20 ms."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import pyarrow.compute

    return getattr(pyarrow.compute, name)
