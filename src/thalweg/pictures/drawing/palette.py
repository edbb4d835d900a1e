"""The colours of pictures: those of the pages' theme, and how a picture in a page follows the theme of its reader."""

from __future__ import annotations

import re
from functools import cache

from ...errors import ArgumentError
from ...pages import text_of

__all__ = ["Palette", "palette_of"]


@cache
def _theme() -> dict[str, tuple[str, str]]:
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", text_of("theme.css"))
    return {name: (light, dark) for name, light, dark in found}


class Palette:
    """Colours by the names that theme.css gives them. in_css: for each colour that was used, what it is in a page."""

    def __init__(self, side: int) -> None:
        self._side = side
        self.in_css: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._kept(_theme()[name][self._side], f"var(--{name})")

    def mix(self, first: str, second: str, share: float) -> str:
        """A colour between two: the share of the first, the rest of the second."""
        percent = round(100 * share)
        sides = [_theme()[name][self._side] for name in (first, second)]
        a, b = ([int(side[i : i + 2], 16) for i in (1, 3, 5)] for side in sides)
        parts = [round((percent * x + (100 - percent) * y) / 100) for x, y in zip(a, b, strict=True)]
        return self._kept(
            "#" + "".join(f"{x:02x}" for x in parts), f"color-mix(in srgb, var(--{first}) {percent}%, var(--{second}))"
        )

    def curve(self, number: int) -> str:
        """One of the eight colours of curves."""
        return self[f"curve-{number % 8 + 1}"]

    def _kept(self, colour: str, css: str) -> str:
        """The colour, changed by a hair if another goes by the same digits."""
        while self.in_css.setdefault(colour, css) != css:
            colour = f"#{(int(colour[1:], 16) + 1) % (1 << 24):06x}"
        return colour


def palette_of(theme: str) -> Palette:
    """The colours of a theme. Raises ArgumentError unless it is "light" or "dark"."""
    if theme not in ("light", "dark"):
        raise ArgumentError(f'theme={theme!r}: expected "light" or "dark"')
    return Palette(("light", "dark").index(theme))
