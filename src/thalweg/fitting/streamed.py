"""A table that does not fit in memory, as a descent needs it: streams of training and validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..descent.data import Stream
from ..graph import Array
from ..models import Model
from .settings import Settings

if TYPE_CHECKING:
    from ..tables import Encoding, Survey, Target

__all__ = ["PreparedStream", "StreamedPart"]


@dataclass(frozen=True, eq=False)
class StreamedPart:
    """Some rows, as a descent sees them, chunk by chunk. data: X, y, and weights if there are any."""

    data: Stream
    dtype: np.dtype[Any]

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.data.examples


@dataclass(frozen=True, eq=False)
class PreparedStream:
    """A table that need not fit in memory, understood: what will be fitted.

    survey: what was found out of it. fitted, kept: training and validation rows; `kept` is None if there are none. mean, scale: of
    the target, as in `Prepared`. memory: what reading may take, in bytes.
    """

    survey: Survey
    settings: Settings
    model: Model
    fitted: StreamedPart
    kept: StreamedPart | None
    mean: Array
    scale: Array
    memory: int

    @property
    def path(self) -> str:
        """Of the table."""
        return self.survey.source.path

    @property
    def missing_marks(self) -> tuple[str, ...]:
        """Of the table."""
        return self.survey.source.missing_marks

    @property
    def target(self) -> Target:
        """The target; its values are some of the rows' only."""
        return self.survey.target

    @property
    def encoding(self) -> Encoding:
        """How the table becomes features."""
        return self.survey.encoding
