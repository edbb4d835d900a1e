"""Who watches a descent: a page, a terminal, a function of the user's, or several of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from ..descent import Controls, Progress, Result
from ..errors import ArgumentError
from .page import Live, Page
from .terminal import TerminalChart

__all__ = ["Watch", "watched"]

OnProgress = Callable[[Progress], object]


@dataclass(frozen=True, eq=False)
class Watch:
    """What a descent is called with so that it is watched. finish: shows the result, with its verdict."""

    on_progress: OnProgress | None
    controls: Controls | None
    finish: Callable[[Result], None]


@contextmanager
def watched(
    live: Any = False, progress: Any = False, on_progress: OnProgress | None = None, controls: Controls | None = None
) -> Iterator[Watch]:
    """Opens a page or a chart, and closes it when the descent has ended, or failed.

    live: True, or `tw.Live(...)`. progress: True for a chart in the terminal. Raises ArgumentError for anything else.
    """
    if not isinstance(live, bool | Live):
        raise ArgumentError(f"live={live!r}: expected True, False or tw.Live(port=..., open_browser=...)")
    if not isinstance(progress, bool):
        raise ArgumentError(f"progress={progress!r}: expected True or False")
    with ExitStack() as stack:
        watchers: list[OnProgress] = []
        finishers: list[Callable[[Result], None]] = []
        if progress:
            watchers.append(stack.enter_context(TerminalChart()).update)
        if live:
            controls = controls or Controls()
            page = stack.enter_context(Page(live if isinstance(live, Live) else Live(), controls))
            watchers.append(page.update)
            finishers.append(page.finish)
        if on_progress is not None:
            watchers.append(on_progress)

        def finish(result: Result) -> None:
            for finisher in finishers:
                finisher(result)

        yield Watch(_all_of(watchers), controls, finish)


def _all_of(watchers: Sequence[OnProgress]) -> OnProgress | None:
    if len(watchers) < 2:
        return watchers[0] if watchers else None

    def show(now: Progress) -> bool:
        answers = [watcher(now) for watcher in watchers]  # all of them look, whatever one says
        return any(answer is True for answer in answers)

    return show
