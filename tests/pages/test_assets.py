"""The files of pages: there, unchanged where they are others', and free of addresses elsewhere."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.pages import asset, json_numbers, text_of, thinned


def test_vendored_files_are_what_their_readme_says() -> None:
    stated = re.findall(r"\| (\S+) \| ([0-9a-f]{64}) \|", text_of("uplot/README.md"))
    assert len(stated) == 2
    for name, digest in stated:
        assert hashlib.sha256(asset(f"uplot/{name}").body).hexdigest() == digest
    assert "MIT License" in files("thalweg.pages").joinpath("assets/uplot/LICENSE").read_text()


@pytest.mark.parametrize("name", ["theme.css", "theme.js", "uplot/uPlot.min.css"])
def test_no_file_loads_anything_from_elsewhere(name: str) -> None:
    assert not re.search(r"@import|url\(|fetch\(|https?://", text_of(name))


def test_every_colour_has_a_light_and_a_dark_side() -> None:
    colours = re.findall(r"--[\w-]+: (light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)|#.*?);", text_of("theme.css"))
    assert len(colours) > 15
    assert all(colour.startswith("light-dark") for colour in colours)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["ink", "soft-ink", "accent", "good", "warning", "bad"])
@pytest.mark.parametrize("side", [0, 1])
def test_text_stands_out_from_its_ground(name: str, side: int) -> None:
    """A contrast of 4.5, as the Web Content Accessibility Guidelines ask for."""

    def colour(wanted: str) -> float:
        found = re.search(rf"--{wanted}: light-dark\((#\w+), (#\w+)\)", text_of("theme.css"))
        assert found
        return luminance(found.group(1 + side))

    for ground in ("paper", "panel", "raised"):
        low, high = sorted([colour(name), colour(ground)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, ground


@given(st.lists(st.floats(allow_nan=True), max_size=300), st.integers(4, 50))
def test_a_thinned_curve_keeps_its_ends_and_extremes(values: list[float], most: int) -> None:
    places = thinned(values, most)
    assert len(places) <= most
    assert (np.diff(places) > 0).all()
    if values:
        assert places[0] == 0
        assert places[-1] == len(values) - 1
        numbers = np.array(values)
        if not np.isnan(numbers).all():
            assert np.nanmin(numbers) == np.nanmin(numbers[places])
            assert np.nanmax(numbers) == np.nanmax(numbers[places])


def test_numbers_that_json_does_not_know_become_null() -> None:
    assert json_numbers([[1 / 3, np.inf], [np.nan, -2.0]]) == [[0.3333333, None], [None, -2.0]]
    assert json_numbers(np.arange(3)) == [0, 1, 2]
    assert json_numbers([1 / 3], digits=17) == [1 / 3]
