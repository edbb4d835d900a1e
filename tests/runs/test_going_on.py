"""A descent that is interrupted and goes on ends in the same digits as one that was not disturbed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.descent.device.resident import DeviceEngine
from thalweg.descent.native_engine import NativeEngine
from thalweg.descent.stepped_engine import SteppedEngine

from .descents import DESCENTS, assert_equal


class Disturbance:
    """Stretches of random length, since those of a real run are as long as the time says; Ctrl-C after so many of them."""

    def __init__(self, patch: pytest.MonkeyPatch, longest: int) -> None:
        self.longest = longest
        self.draw = np.random.default_rng(1)
        self.left = -1
        patch.setattr(os, "fsync", lambda handle: None)  # takes most of the time here
        for engine in (NativeEngine, SteppedEngine, DeviceEngine):
            self._patch(patch, engine)

    def _patch(self, patch: pytest.MonkeyPatch, engine: Any) -> None:
        advance = engine.advance

        def disturbed(engine: Any, iterations: int, outside: Any) -> Any:
            length = 1 + int(self.longest * self.draw.random() ** 4)
            recorded = advance(engine, min(iterations, length), outside)
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
            return recorded

        patch.setattr(engine, "advance", disturbed)


NAMES = [pytest.param(name, marks=pytest.mark.slow) if name == "jax" else name for name in DESCENTS]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_digits(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = DESCENTS[name]()
    disturbance = Disturbance(monkeypatch, max(250, expected.steps // 5))
    kept = tw.Checkpoints(tmp_path / "run", every=1e-9)
    disturbance.left = 1
    threads = 1
    while (found := DESCENTS[name](checkpoints=kept, threads=threads)).stopped_by.reason == "interrupted":
        threads = threads % 3 + 1
        disturbance.left = int(disturbance.draw.integers(1, 5))
    assert_equal(found, expected)
    assert any("gone on from" in note for note in found.notes)
    disturbance.left = -1
    assert_equal(DESCENTS[name](checkpoints=kept), expected)  # it has ended: nothing is done anew
