"""What tests of the code for devices share: a GPU that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def h200() -> Iterator[None]:
    """Within one test, code for CUDA is made for this GPU."""
    sharding = pytest.importorskip("jax").sharding
    gpu = sharding.AbstractDevice("NVIDIA H200", 132, "gpu")
    with sharding.use_abstract_mesh(sharding.AbstractMesh((), (), abstract_device=gpu)):
        yield
