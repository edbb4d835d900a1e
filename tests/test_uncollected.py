"""The search for garbage pauses while anybody makes graphs, and is afterwards as it was."""

from __future__ import annotations

import gc
import threading

import pytest

from thalweg.uncollected import uncollected


def test_it_goes_on_when_the_last_has_finished() -> None:
    assert gc.isenabled()
    inside, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with uncollected():
            inside.set()
            may_end.wait(10)

    thread = threading.Thread(target=work)
    with uncollected():
        thread.start()
        assert inside.wait(10)
    assert not gc.isenabled()
    may_end.set()
    thread.join()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"), uncollected(), uncollected():
        raise ValueError("wrong")
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
