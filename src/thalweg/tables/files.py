"""Paths: one file, a glob or a folder; compressed or not; and errors for what cannot be opened."""

from __future__ import annotations

import glob
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import TableError

__all__ = ["find_files", "io_errors", "open_random", "open_seekable", "open_stream", "split_ending"]

_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
_GLOB = frozenset("*?[")


def split_ending(path: str) -> tuple[str, str | None]:
    """The ending that tells the format, in lower case, and the compression.

    >>> split_ending("rows.CSV.gz")
    ('.csv', 'gzip')
    >>> split_ending("rows.parquet")
    ('.parquet', None)
    """
    file = Path(path.lower())
    compression = _COMPRESSED.get(file.suffix)
    return (file.with_suffix("") if compression else file).suffix, compression


def find_files(path: str, endings: frozenset[str]) -> list[str]:
    """The files that a path stands for, in alphabetical order: itself, those that a glob matches, those in a folder.

    endings: of the files in a folder that are taken; others, such as `_SUCCESS` or `README.md`, and hidden files are not.
    Raises TableError if there are none.
    """
    if Path(path).is_dir():
        return _in_folder(Path(path), endings)
    if Path(path).exists() or not _GLOB & set(path):
        return [path]
    found = sorted(name for name in glob.glob(path, recursive=True) if Path(name).is_file())
    if not found:
        raise TableError(f"no file matches {path!r}, seen from {Path.cwd()}.")
    return found


def _in_folder(folder: Path, endings: frozenset[str]) -> list[str]:
    with io_errors(str(folder)):
        entries = sorted(folder.iterdir())
    found = [
        str(entry)
        for entry in entries
        if entry.is_file() and entry.name[0] not in "._" and split_ending(entry.name)[0] in endings
    ]
    if not found:
        inner = next((entry.name for entry in entries if entry.is_dir()), None)
        hint = (
            f" It holds folders, such as {inner}, which are read if a glob names their files: {str(folder / '*' / '*')!r}."
            if inner
            else f" A table's file ends in one of {', '.join(sorted(endings))}."
        )
        raise TableError(f"the folder {folder} holds no table.{hint}")
    return found


@contextmanager
def io_errors(path: str) -> Iterator[None]:
    """Turns what goes wrong with a file into a TableError that says what, and where."""
    try:
        yield
    except FileNotFoundError:
        raise TableError(f"{path} does not exist. Is the path right, seen from {Path.cwd()}?") from None
    except (EOFError, lzma.LZMAError):
        raise _damaged(path) from None
    except OSError as error:
        if error.strerror is None and split_ending(path)[1]:  # Arrow's decompressors
            raise _damaged(path) from None
        raise TableError(f"{path} cannot be read: {error.strerror or error}.") from None


def _damaged(path: str) -> TableError:
    return TableError(
        f"{path} is cut short or damaged: it cannot be decompressed as its ending {Path(path).suffix!r} says. "
        "Copy or download it again."
    )


def _check_regular(path: str) -> None:
    if Path(path).exists() and not Path(path).is_file():
        what = "a folder" if Path(path).is_dir() else "a pipe or a device"
        raise TableError(f"{path} is {what}, and a table is read from a file. Save it to one first.")


def open_stream(path: str) -> Any:
    """The bytes of a file, decompressed, as an Arrow stream that reads them one after the other."""
    with io_errors(path):
        _check_regular(path)
        compression = split_ending(path)[1]
        if compression == "xz":
            return pa.PythonFile(lzma.open(path), "r")
        stream = pa.OSFile(path)
        return pa.CompressedInputStream(stream, compression) if compression else stream


def open_random(path: str) -> Any:
    """The bytes of a file, for reading here and there; not mapped into memory, so that what was read is not held there."""
    if split_ending(path)[1]:
        return open_seekable(path)
    with io_errors(path):
        _check_regular(path)
        return pa.OSFile(path) if Path(path).stat().st_size else io.BytesIO()


def open_seekable(path: str) -> Any:
    """The bytes of a file, for formats that are read from the end: mapped into memory, or decompressed into it."""
    if split_ending(path)[1]:
        with io_errors(path), open_stream(path) as stream:
            return pa.BufferReader(stream.read())
    with io_errors(path):
        _check_regular(path)
        return pa.memory_map(path) if Path(path).stat().st_size else io.BytesIO()
