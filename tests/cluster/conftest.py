"""A real Ray on this machine, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import thalweg as tw

ray = pytest.importorskip("ray")


@pytest.fixture(scope="session")
def cluster() -> Iterator[tw.Cluster]:
    yield tw.Cluster(workers=2)
    ray.shutdown()
