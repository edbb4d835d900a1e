"""A descent that is interrupted and goes on ends in the same digits as one that was not disturbed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.engines import NativeEngine, NumpyEngine

from .descents import DESCENTS, assert_equal


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> np.random.Generator:
    """Stretches of random length, since those of a real run are as long as the time says."""
    draw = np.random.default_rng(1)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # takes most of the time here
    for engine in (NativeEngine, NumpyEngine):
        advance = engine.advance

        def shorter(self: Any, iterations: int, outside: Any, advance: Any = advance) -> int:
            length = int(draw.integers(1, 30)) ** 2 // 8 + 1
            status: int = advance(self, min(iterations, length), outside)
            return status

        monkeypatch.setattr(engine, "advance", shorter)
    return draw


@pytest.mark.parametrize("name", DESCENTS)
def test_the_same_digits(name: str, tmp_path: Path, short_stretches: np.random.Generator) -> None:
    expected = DESCENTS[name]()
    kept = tw.Checkpoints(tmp_path / "run", every=1e-9)
    times = 0
    while True:
        left = int(short_stretches.integers(1, 4))

        def stop(_: tw.Progress) -> bool:
            nonlocal left
            left -= 1
            return left == 0

        found = DESCENTS[name](checkpoints=kept, on_progress=stop)
        times += 1
        if found.stopped_by.reason != "interrupted":
            break
    assert_equal(found, expected)
    assert times > 1
    assert_equal(DESCENTS[name](checkpoints=kept), expected)  # it has ended: nothing is done anew
