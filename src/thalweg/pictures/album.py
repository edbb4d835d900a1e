"""The pictures that there are of a result, by name: each is worked out when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Protocol

from ..descent import Result
from ..errors import ArgumentError
from .basins import attraction_of, reached_of
from .computation import computation_of
from .curve import curve_of
from .descending import descending_of
from .fitted import Fitted, coefficients_of, confusion_of, residuals_of
from .landscape import landscape_of, principal_plane_of
from .plane import Plane, contour_of
from .rates import rates_of
from .slices import slices_of
from .subject import Subject
from .surface import Surface

__all__ = ["Album", "Depicted"]


class Depicted(Protocol):
    """The data of a picture."""

    @property
    def name(self) -> str:
        """By which it is asked for."""
        ...

    @property
    def title(self) -> str:
        """A few words above it."""
        ...

    @property
    def description(self) -> str:
        """What a person would see, for those who do not."""
        ...


def _given(picture: Depicted) -> Depicted:
    return picture


class Album:
    """The pictures of a result. fitted: what else is known of its model; further: pictures that others have made."""

    def __init__(self, result: Result, fitted: Fitted | None = None, further: tuple[Depicted, ...] = ()) -> None:
        subject = Subject(result)

        @cache
        def contour() -> Plane | None:
            return contour_of(subject)

        @cache
        def landscape() -> Plane | None:
            return landscape_of(subject)

        self._makers: Mapping[str, Callable[[], Any]] = {
            "contour": contour,
            "curve": lambda: curve_of(subject),
            "surface": lambda: Surface.of(contour() or landscape()),
            "rates": lambda: rates_of(subject),
            "basins": lambda: attraction_of(subject),
            "members": lambda: reached_of(subject),
            "landscape": landscape,
            "principal": lambda: principal_plane_of(subject),
            "slices": lambda: slices_of(subject),
            "descent": lambda: descending_of(result),
            "coefficients": lambda: coefficients_of(fitted),
            "confusion": lambda: confusion_of(fitted),
            "residuals": lambda: residuals_of(fitted),
            "graph": lambda: computation_of(subject),
            **{picture.name: partial(_given, picture) for picture in further},
        }
        self._found: dict[str, Depicted | None] = {}
        self._subject = subject

    @property
    def note(self) -> str:
        """What is to be said of all pictures of the loss; empty if nothing."""
        return self._subject.note

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for, whether this result has it or not."""
        return tuple(self._makers)

    def find(self, name: str) -> Depicted | None:
        """A picture; None if there is none of that kind of this result. Raises ArgumentError for a name that is not known."""
        if name not in self._makers:
            raise ArgumentError(f"picture {name!r}: expected one of {', '.join(self._makers)}")
        if name not in self._found:
            self._found[name] = self._makers[name]()
        return self._found[name]

    def __iter__(self) -> Iterator[Depicted]:
        for name in self._makers:
            picture = self.find(name)
            if picture is not None:
                yield picture
