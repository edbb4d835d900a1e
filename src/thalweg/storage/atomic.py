"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["remove_leftovers", "whole_file", "write_whole"]

_LEFT_OVER = re.compile(r"\..+\.[0-9a-f]{8}")


def write_whole(path: str | Path, content: bytes) -> None:
    """Writes a file as `whole_file` does."""
    with whole_file(path) as stream:
        stream.write(content)


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write, so that at every moment, a loss of power included, there is the old one or the new one, whole.

    The content goes to a file beside it, which takes its place when the context ends well; a symbolic link stays one. Raises
    OSError if that fails; the old file is then as it was, and nothing is left beside it.
    """
    file = Path(os.path.realpath(path))
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with open(beside, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, file)
    except BaseException:  # an interrupt as well
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _keep_name(file.parent)


def remove_leftovers(folder: Path) -> None:
    """Removes what a process that was killed while it wrote has left in a folder that no other process writes to."""
    for file in folder.iterdir():
        if _LEFT_OVER.fullmatch(file.name):
            file.unlink()


def _keep_name(folder: Path) -> None:
    """Puts the folder's new entry on disk. Not every system can; the file is whole in any case."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
