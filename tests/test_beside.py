"""Another thread at work."""

import os
import threading
from multiprocessing import get_context

import numpy as np
import pytest

from thalweg.beside import beside, shared


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
