"""Watching a descent while it runs, and steering it: as a page in the browser, and as a chart in the terminal."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand

if TYPE_CHECKING:
    from .page import Live
    from .terminal import TerminalChart
    from .watching import Watch, watched

__all__ = ["Live", "TerminalChart", "Watch", "watched"]

# A chart in the terminal needs no server of pages.
__getattr__ = on_demand(__name__, {"page": ["Live"], "terminal": ["TerminalChart"], "watching": ["Watch", "watched"]})
