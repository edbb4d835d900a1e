"""The live page: a server beside the descent, which tells every viewer what happens, and takes orders from them."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ..descent import Controls, Progress, Result
from ..errors import ArgumentError
from ..pages import Action, File, Number, OneOf, Record, Server, Stream, asset, file_of
from .story import Story

__all__ = ["Live", "Page"]

_ASSETS = ("live.css", "live.js", "curves.js", "valley.js", "state.js")
_SHARED = ("theme.css", "theme.js", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css")

_UNTIL_BROWSER_IS_THERE = 10.0
_UNTIL_OTHERS_HAVE_IT = 1.0


@dataclass(frozen=True)
class Live:
    """How a descent is shown in the browser: `minimize(..., live=Live(port=8000))`.

    port: to listen at, on 127.0.0.1 only; by default a free one. open_browser: whether to open the page; its address is
    printed in any case.
    """

    port: int = 0
    open_browser: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.port, int) or isinstance(self.port, bool) or not 0 <= self.port < 1 << 16:
            raise ArgumentError(f"port={self.port!r}: expected a whole number from 0 to 65535; 0 takes a free one")


class Page:
    """The page of one call of `minimize`. Use it as a context: it ends with the descent.

    After the end the server waits, in the background, until those who watch have got everything; a browser that was just opened
    has ten seconds to come. Then the page lives on in the browser, by itself.
    """

    def __init__(self, live: Live, controls: Controls) -> None:
        self._controls = controls
        self._story = Story(controls)
        self._stream = Stream(self._story.since)
        self._server = Server(_files(), {"/control": Action(_ORDER, self._obey)}, {"/events": self._stream}, live.port)
        print(f"Live: {self._server.address}", file=sys.stderr, flush=True)
        self._is_awaited = live.open_browser and _open(self._server.address)

    @property
    def address(self) -> str:
        """Where the page is."""
        return self._server.address

    def update(self, now: Progress) -> None:
        """Tells the viewers where the descent stands: costs the descent some microseconds."""
        self._story.update(now, is_watched=self._stream.viewers > 0)
        self._stream.wake()

    def finish(self, result: Result) -> None:
        """Tells them the result, and then its verdict."""
        self._story.finish(result)
        self._stream.wake()
        self._story.look_around(result)
        self._stream.wake()
        self._story.judge(result)
        self._stream.wake()

    def _obey(self, order: dict[str, Any]) -> Any:
        match order["action"]:
            case "pause":
                self._controls.pause()
            case "resume":
                self._controls.resume()
            case "stop":
                self._controls.stop()
            case "stop and keep best":
                self._controls.stop(keep_best=True)
            case "rate":
                if "factor" not in order:
                    raise ArgumentError("factor is missing")
                self._controls.change_learning_rate(order["factor"])
        self._stream.wake()
        return {}

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._story.fail(f"{type(error).__name__}: {error}")
        self._stream.close()
        threading.Thread(target=self._linger, name="thalweg-live-end").start()

    def _linger(self) -> None:
        patience = _UNTIL_BROWSER_IS_THERE if self._is_awaited else _UNTIL_OTHERS_HAVE_IT * (self._stream.viewers > 0)
        self._stream.wait_until_served(patience, _UNTIL_OTHERS_HAVE_IT)
        self._server.close()


_ORDER = Record(
    {"action": OneOf(("pause", "resume", "stop", "stop and keep best", "rate"))}, {"factor": Number(1e-6, 1e6)}
)


def _files() -> dict[str, File]:
    files = {f"/{name}": file_of(__package__, f"assets/{name}") for name in _ASSETS}
    files |= {f"/{name.rpartition('/')[2]}": asset(name) for name in _SHARED}
    return {"/": file_of(__package__, "assets/live.html"), **files}


def _open(address: str) -> bool:
    """Opens a browser, if there is one with windows: one that runs in the terminal would take it over."""
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    threading.Thread(target=browser.open, args=(address,), daemon=True).start()
    return True
