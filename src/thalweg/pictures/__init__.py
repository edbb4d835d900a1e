"""What a result looks like: the data of each picture, worked out from the loss, and how it is drawn."""

from .album import Album, Depicted
from .fitted import Fitted
from .narrowing import Narrowed, Narrowing

__all__ = ["Album", "Depicted", "Fitted", "Narrowed", "Narrowing"]
