"""How pictures are drawn: one function for each kind of data, in the colours of the pages' theme."""

from .figure import check_can_draw, save, svg_alone, svg_for_page

__all__ = ["check_can_draw", "save", "svg_alone", "svg_for_page"]
