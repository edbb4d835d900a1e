"""Pictures as files and in pages: every kind is drawn, follows the theme, and holds names as they are."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg.pictures import Album, Fitted, Narrowed, Narrowing
from thalweg.pictures.drawing import save, svg_for_page
from thalweg.pictures.drawing.layout import lay_out
from thalweg.pictures.drawing.palette import palette_of


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


NAMES = ("<script>alert(1)</script>", "$x_1$ & \\frac", 'a "b"')


def depicted() -> dict[str, object]:
    """One of each kind."""
    generator = np.random.default_rng(0)
    fitted = Fitted(NAMES[1], dict(zip(NAMES, (1.0, -2.0, 0.5), strict=True)), np.arange(3), np.arange(3), NAMES)
    numbers = Fitted("price, rent", {}, *generator.normal(size=(2, 50, 2)), targets=("price", "rent"))
    both = np.array([1e-3, 1e-2]), np.array([1.0, 1e-1])
    search = Narrowing(
        (Narrowed("rate", *both, np.array([0.1, 0.01, 0.5]), True),), np.zeros(3), np.array([1.0, 0.5, np.inf]), 1
    )
    population = tw.minimize(
        himmelblau,
        np.zeros(2),
        start=tw.Uniform(-4, 4),
        restarts=12,
        method=tw.GradientDescent(tw.grid(1e-4, 1e-2, 1.0)),
        stop=tw.GradientBelow(1e-6) | tw.MaxSteps(400),
    )
    curve = tw.minimize(lambda x: np.sum(x**4 - 3 * x**2), np.ones(1), method=tw.GradientDescent(0.01))
    many = tw.minimize(lambda w: np.sum((w - np.arange(5)) ** 4), np.zeros(5), stop=tw.MaxSteps(20))
    albums = [Album(population, fitted, (search,)), Album(curve, numbers), Album(many)]
    return {picture.name: picture for album in albums for picture in album}


DEPICTED = depicted()


def test_there_is_one_of_every_kind() -> None:
    assert set(DEPICTED) == {*Album(tw.minimize(himmelblau, np.zeros(2))).names, "ranges"}


@pytest.mark.parametrize("name", DEPICTED)
def test_a_picture_in_a_page_has_no_colour_of_its_own(name: str) -> None:
    text = svg_for_page(DEPICTED[name])
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    styles = re.findall(r'style="([^"]*)"', text)
    assert any("var(--" in style for style in styles)
    assert not [style for style in styles if re.search(r"#[0-9a-f]{6}", style)]
    assert "href=" not in re.sub(r'href="#', "", text)
    assert len(text) < 400_000


def test_names_are_shown_as_they_are() -> None:
    for name in ("coefficients", "confusion"):
        text = svg_for_page(DEPICTED[name])
        seen = "".join(ElementTree.fromstring(text).itertext())
        assert "<script>" not in text
        assert "script>" in seen
        assert "$x_1$ & \\frac" in seen


def test_numbers_in_a_picture_keep_their_digits() -> None:
    result = tw.minimize(lambda x: np.sum(x**2) + 0.123456, np.array([3.5, 1.0]), stop=tw.MaxSteps(1))
    assert "0.123456" in svg_for_page(Album(result).find("graph"))


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_files_are_what_their_endings_say(ending: str, tmp_path: Path) -> None:
    heads = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    path = save(DEPICTED["contour"], tmp_path / f"contour.{ending}", theme="dark")
    assert path.read_bytes().startswith(heads[ending])


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    first, second = (save(DEPICTED["curve"], tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second


def test_endings_and_themes_that_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(tw.ArgumentError, match=r"\.svg, \.png or \.pdf"):
        save(DEPICTED["curve"], tmp_path / "curve.gif")
    with pytest.raises(tw.ArgumentError, match='"light" or "dark"'):
        save(DEPICTED["curve"], tmp_path / "curve.svg", theme="blue")


def test_colours_of_a_palette_are_told_apart() -> None:
    palette = palette_of("light")
    mixed = [palette.mix("curve-1", "depth-high", share / 100) for share in range(101)]
    plain = [palette[name] for name in ("ink", "panel", "accent", "curve-1", "accent-ink")]
    assert len({*mixed, *plain}) == len({palette.in_css[colour] for colour in [*mixed, *plain]})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40).flatmap(lambda n: st.lists(st.tuples(st.integers(0, n), st.integers(0, n)), max_size=60)))
def test_boxes_do_not_overlap_and_edges_lead_down(pairs: list[tuple[int, int]]) -> None:
    edges = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    widths = {node: 30.0 + 7 * (node % 5) for node in range(1 + max((b for _, b in edges), default=0))}
    layout = lay_out(widths, edges)
    for a, b in edges:
        assert layout.places[a][1] < layout.places[b][1]
        assert layout.routes[a, b][0] == layout.places[a]
        assert layout.routes[a, b][-1] == layout.places[b]
    for a, b in combinations(widths, 2):
        if layout.places[a][1] == layout.places[b][1]:
            room = abs(layout.places[a][0] - layout.places[b][0]) - (widths[a] + widths[b]) / 2
            assert room > 16.0 - 1e-6
    assert all(
        widths[node] / 2 - 1e-6 <= x <= layout.width - widths[node] / 2 + 1e-6 for node, (x, _) in layout.places.items()
    )
