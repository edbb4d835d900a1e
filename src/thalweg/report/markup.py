"""HTML that is safe by construction: text is escaped unless it is markup already."""

from __future__ import annotations

import json
from html import escape
from typing import Any

__all__ = ["Markup", "joined", "script_data", "tag"]


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


_EMPTY = frozenset({"meta", "br", "input", "img"})

Child = Markup | str | int | float | None


def _child(child: Any) -> str:
    if child is None:
        return ""
    return str(child) if isinstance(child, Markup) else escape(str(child), quote=False)


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """An element. Attributes are written class_, aria_label, ...; True stands alone, None and False are left out.

    >>> tag("p", "1 < 2", tag("b", "!"), class_="soft")
    '<p class="soft">1 &lt; 2<b>!</b></p>'
    """
    parts = [name]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(label)
        elif value is not None and value is not False:
            parts.append(f'{label}="{escape(str(value))}"')
    head = f"<{' '.join(parts)}>"
    return Markup(head if name in _EMPTY else f"{head}{''.join(map(_child, children))}</{name}>")


def joined(*children: Child) -> Markup:
    """Children without an element around them."""
    return Markup("".join(map(_child, children)))


def script_data(identity: str, value: Any) -> Markup:
    """Data for the page's scripts, which no text in them can end early."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(f'<script type="application/json" id="{escape(identity)}">{text}</script>')
