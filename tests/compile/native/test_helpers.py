"""Threads that help with a call: all are begun, all have returned at the end, and the call does without those that there are none left for."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from typing import Any

import pytest

from thalweg.compile.native.helpers import helpers


def test_each_argument_list_has_a_thread_and_all_have_returned_at_the_end() -> None:
    seen: list[tuple[int, int]] = []
    quits = threading.Event()

    def work(a: int, b: int) -> None:
        quits.wait()
        time.sleep(0.01 * a)
        seen.append((a, b))

    with helpers(work, [(3, 4), (1, 2)], quits.set, None):
        assert seen == []
    assert sorted(seen) == [(1, 2), (3, 4)]


def test_an_error_in_the_call_waits_for_them_too() -> None:
    seen: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.02)
        seen.append(number)

    with pytest.raises(KeyError), helpers(work, [(1,)], bool, None):
        raise KeyError("of the call")
    assert seen == [1]


def test_an_interrupt_while_they_begin_sends_home_those_that_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, sent = _thread.start_new_thread, threading.Event()
    began: list[int] = []

    def interrupted(*arguments: Any) -> int:
        if began:
            raise KeyboardInterrupt
        began.append(begin(*arguments))
        return began[0]

    monkeypatch.setattr(_thread, "start_new_thread", interrupted)
    with pytest.raises(KeyboardInterrupt), helpers(sent.wait, [(), ()], sent.set, None):
        pass
    assert sent.is_set()


def test_a_system_without_threads_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refused)
    with helpers(print, [(1,), (2,)], bool, None):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told where threads run")
def test_threads_may_run_where_they_could_before() -> None:
    allowed: list[set[int]] = []
    with helpers(lambda: allowed.append(os.sched_getaffinity(0)), [(), (), ()], bool, None):
        pass
    assert allowed == [os.sched_getaffinity(0)] * 3
