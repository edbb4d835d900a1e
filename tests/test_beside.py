"""Another thread at work."""

import os
import signal
import sys
import threading
import time
from multiprocessing import get_context

import numpy as np
import pytest

from thalweg.beside import beside, shared, unforked


def test_both_go_on_at_once() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert may_end.wait(10)
        return 42

    wait = beside(work)
    assert begun.wait(10)
    may_end.set()
    assert wait() == 42
    assert wait() == 42


def test_an_error_is_raised_for_who_waits() -> None:
    def fail() -> None:
        raise ValueError("no")

    wait = beside(fail)
    with pytest.raises(ValueError, match="no"):
        wait()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="threads get no signals here")
def test_who_was_interrupted_may_wait_once_more() -> None:
    may_end = threading.Event()
    wait = beside(lambda: may_end.wait(10))
    interrupt = threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        wait()
    threading.Timer(0.1, may_end.set).start()
    assert wait()


def test_without_threads_the_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert beside(lambda: 42)() == 42
    monkeypatch.undo()
    assert beside(lambda: 43)() == 43


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="there are no forks here")
def test_a_fork_finds_the_work_done() -> None:
    may_end = threading.Event()
    wait = beside(lambda: may_end.wait(10))
    threading.Timer(0.1, may_end.set).start()
    child = get_context("fork").Process(target=wait)
    child.start()
    child.join(20)
    assert child.exitcode == 0


def test_threads_share_the_items() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(x: int) -> tuple[int, str]:
        both.wait()  # each item has a thread of its own, or this never ends
        return x * x, np.geterr()["over"]

    with np.errstate(over="ignore"):
        assert shared(work, [2, 3], threads=2) == [(4, "ignore"), (9, "ignore")]


@pytest.mark.parametrize("threads", [1, 3])
def test_of_several_errors_the_first_items_is_raised(threads: int) -> None:
    def work(x: int) -> int:
        raise ValueError(str(x))

    with pytest.raises(ValueError, match="^0$"):
        shared(work, range(100), threads)


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="there are no forks here")
def test_no_fork_cuts_work_in_two_that_holds_a_lock() -> None:
    lock, begun = threading.Lock(), threading.Event()

    def work() -> None:
        with unforked(), lock:
            begun.set()
            assert beside(lambda: 42)() == 42  # a part of the work, which does not wait for the fork
            time.sleep(0.1)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    child = get_context("fork").Process(target=lambda: sys.exit(not lock.acquire(timeout=1)))
    child.start()
    child.join(20)
    thread.join()
    assert child.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="there are no forks here")
def test_work_may_fork_itself() -> None:
    with unforked():
        child = get_context("fork").Process(target=lambda: None)
        child.start()
        child.join(20)
    assert child.exitcode == 0
