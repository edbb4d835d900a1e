"""A chart of a descent in the terminal; plain lines where the output is no terminal, such as a log."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..descent import Progress
from ..descent.result import duration
from .braille import log_curve

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

__all__ = ["TerminalChart"]

_HEIGHT = 7
_WIDEST = 110
_NARROWEST = 40
_SIDE_BY_SIDE = 72
_BETWEEN_PICTURES = 0.2
_FIRST_LINE = 1.0
_LONGEST_SILENCE = 60.0


class TerminalChart:
    """Follows a descent: loss and gradient norm against the step. Use it as a context; the chart goes when the descent ends.

    console: of rich; by default one for the standard error output. examples: that each step sees, for its speed. In a log there
    is a line after 1, 2, 4, 8, ... seconds, then every minute.
    """

    def __init__(self, console: Console | None = None, examples: int | None = None) -> None:
        from rich.console import Console

        self._console = console or Console(stderr=True, highlight=False)
        self._examples = examples
        self._is_chart = (
            self._console.is_terminal
            and not self._console.is_dumb_terminal
            and os.environ.get("TERM") != "dumb"
            and self._console.width >= _NARROWEST
            and self._console.height >= 2 * _HEIGHT
        )
        self._live: Live | None = None
        self._next_picture = 0.0
        self._next_line = _FIRST_LINE

    def __enter__(self) -> TerminalChart:
        if self._is_chart:
            from rich.live import Live

            self._live = Live(console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, now: Progress) -> None:
        """Shows where the descent stands, a few times a second."""
        if self._live is not None:
            if time.monotonic() >= self._next_picture:
                self._live.update(self._picture(now), refresh=True)
                self._next_picture = time.monotonic() + _BETWEEN_PICTURES
        elif now.seconds >= self._next_line:
            self._console.print(self._line(now), markup=False, highlight=False, soft_wrap=True)
            self._next_line = min(2 * self._next_line, self._next_line + _LONGEST_SILENCE)
            while self._next_line <= now.seconds:
                self._next_line += _LONGEST_SILENCE

    def _line(self, now: Progress) -> str:
        speed = ""
        if self._examples and now.seconds > 0:
            speed = f"  {now.step * self._examples / now.seconds:.3g} examples/s"
        loss, norm = f"loss {now.loss:.6g}", f"gradient norm {now.gradient_norm:.2e}"
        return f"step {now.step:,}  {loss}  {norm}  {duration(now.seconds)}{speed}"

    def _picture(self, now: Progress) -> Any:
        from rich.table import Table
        from rich.text import Text

        history, width = now.history, min(self._console.width - 1, _WIDEST)
        if len(history) < 2:
            return Text(self._line(now))
        is_wide = width >= _SIDE_BY_SIDE
        each = (width - 2) // 2 if is_wide else width
        charts = [
            Text("\n".join([name, *log_curve(history.step, values, each, _HEIGHT)]), style=colour, no_wrap=True)
            for name, values, colour in (
                ("loss", history.loss, "cyan"),
                ("gradient norm", history.gradient_norm, "yellow"),
            )
        ]
        grid = Table.grid(padding=(0, 2, 0, 0))
        if is_wide:
            grid.add_row(*charts)
        else:
            for chart in charts:
                grid.add_row(chart)
        whole = Table.grid()
        whole.add_row(grid)
        whole.add_row(Text(self._line(now), no_wrap=True, overflow="ellipsis"))
        return whole
