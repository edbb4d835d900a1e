"""The pictures of a result as files."""

from __future__ import annotations

from pathlib import Path

from ..descent import Result
from ..errors import ArgumentError
from ..pictures import Album, Depicted, Fitted
from ..pictures.drawing import save

__all__ = ["pictures"]


def pictures(
    result: Result,
    name: str,
    path: str | Path,
    theme: str = "light",
    fitted: Fitted | None = None,
    further: tuple[Depicted, ...] = (),
) -> tuple[Path, ...]:
    """Writes a picture to a file, or with the name "all" every one, each with its name put in before the ending.

    Raises ArgumentError if there is no such picture of this result, with those that there are.
    """
    album = Album(result, fitted, further)
    path = Path(path)
    if name == "all":
        return tuple(
            save(picture, path.with_name(f"{path.stem}-{picture.name}{path.suffix}"), theme) for picture in album
        )
    picture = album.find(name)
    if picture is None:
        there = ", ".join(found.name for found in album)
        raise ArgumentError(f"picture {name!r}: this result has none of that kind; it has {there}")
    return (save(picture, path, theme),)
