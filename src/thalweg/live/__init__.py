"""Watching a descent while it runs, and steering it: as a page in the browser, and as a chart in the terminal."""

from .page import Live
from .terminal import TerminalChart
from .watching import Watch, watched

__all__ = ["Live", "TerminalChart", "Watch", "watched"]
