"""Run folders: what was asked for, the history, and the checkpoints from which a descent goes on to the same digits."""

from .checkpoints import Checkpoints
from .looking import about, result_so_far
from .run import Run

__all__ = ["Checkpoints", "Run", "about", "result_so_far"]
