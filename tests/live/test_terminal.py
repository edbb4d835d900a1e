"""The chart in the terminal, and the lines in a log."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from thalweg.descent import Progress
from thalweg.live.braille import curve, log_curve
from thalweg.live.terminal import TerminalChart


def progress(steps: int, seconds: float) -> Progress:
    step = np.arange(steps, dtype=np.float64)
    rows = np.stack([step, step, np.exp(-step / 50), 2 * np.exp(-step / 80), step * 0 + 0.1, -step], axis=1)
    return Progress(steps - 1, float(rows[-1, 2]), float(rows[-1, 3]), seconds, rows)


def console(width: int = 100, is_terminal: bool = True, **environment: str) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    known = {"TERM": "xterm-256color", **environment}
    return Console(file=text, width=width, height=40, force_terminal=is_terminal, _environ=known), text


@pytest.mark.parametrize(("width", "lines"), [(100, 9), (50, 17)])
def test_a_terminal_shows_two_charts(width: int, lines: int) -> None:
    own, text = console(width)
    with TerminalChart(own) as chart:
        assert len(own.render_lines(chart._picture(progress(300, 1.0)))) == lines
        chart.update(progress(300, 1.0))
    shown = text.getvalue()
    assert "gradient norm" in shown
    assert any("\u2801" <= character <= "\u28ff" for character in shown)
    assert "step 299" in shown


def test_no_colour_where_none_is_wanted() -> None:
    own, text = console(NO_COLOR="1")
    with TerminalChart(own) as chart:
        chart.update(progress(300, 1.0))
    assert "\x1b[36m" not in text.getvalue()
    assert "\u28ff" > max(text.getvalue()) > "\u2800"


@pytest.mark.parametrize("how", ["log", "dumb", "narrow"])
def test_a_log_gets_plain_lines_fewer_and_fewer(how: str) -> None:
    own, text = console(30 if how == "narrow" else 100, how != "log", **({"TERM": "dumb"} if how == "dumb" else {}))
    with TerminalChart(own, examples=10) as chart:
        for tenth in range(2000):
            chart.update(progress(5, tenth / 10))
    lines = text.getvalue().replace("\x1b[?25l", "").replace("\x1b[?25h", "").splitlines()
    assert len([line for line in lines if line.strip()]) == 9  # after 1, 2, 4, ..., 64 seconds, then every minute
    assert lines[0].startswith("step 4  loss 0.9")
    assert lines[0].endswith("examples/s")


def test_a_rising_line_rises() -> None:
    lines = curve(np.arange(40.0), np.arange(40.0), 20, 10, 0, 39)
    tops = [next(row for row in range(10) if lines[row][column] != "⠀") for column in range(20)]
    assert tops == sorted(tops, reverse=True)
    assert (tops[0], tops[-1]) == (9, 0)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=200),
    st.integers(10, 80),
    st.integers(2, 10),
)
def test_any_curve_fits_its_place(values: list[float], width: int, height: int) -> None:
    lines = log_curve(np.arange(len(values)), np.array(values), width, height)
    assert len(lines) == height
    assert len({len(line) for line in lines}) == 1
    if np.isfinite(values).any():
        assert any(character > "⠀" for line in lines for character in line if character >= "⠀")
