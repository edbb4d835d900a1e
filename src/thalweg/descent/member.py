"""One descent among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import Array
from .methods import Method

__all__ = ["Member"]


@dataclass(frozen=True, eq=False)
class Member:
    """One descent among several. vector: where it starts. own: what is told of it. seed: of methods that draw at random.
    numbers: of the loss, as the problem names them."""

    vector: Array
    method: Method
    own: Mapping[str, float]
    seed: int
    numbers: tuple[float, ...] = ()
