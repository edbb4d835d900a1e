"""Compiled code on disk, under a hash of all that it was made from.

The folder belongs to the user alone: it holds code that will be executed. A file is its own digest, then a line of
JSON, then machine code; it is written whole to a temporary name and then renamed, so that two processes may write at
once; one that is damaged is ignored and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "load", "store"]

_DIGEST = 32
_MOST_FILES = 4000
"""When there are more, the half that was used longest ago is deleted."""


def cache_folder() -> Path:
    """The folder of compiled code: $THALWEG_CACHE, or the user's cache folder."""
    chosen = os.environ.get("THALWEG_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "thalweg"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "thalweg"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "thalweg"


def _is_private(folder: Path) -> bool:
    """Whether only this user can write into the folder."""
    if os.name == "nt":
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def load(key: str) -> tuple[bytes, dict[str, Any]] | None:
    """Machine code and its description, if they are there and whole."""
    path = cache_folder() / key
    try:
        if not _is_private(path.parent):
            return None
        content = path.read_bytes()
        digest, body = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(key.encode() + body).digest() != digest:
            return None
        line, code = body.split(b"\n", 1)
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        return code, json.loads(line)
    except (OSError, ValueError):
        return None


def _prune(folder: Path) -> None:
    """Keeps the folder from growing without end."""
    files = [entry for entry in os.scandir(folder) if entry.is_file()]
    if len(files) > _MOST_FILES:
        for entry in sorted(files, key=lambda entry: entry.stat().st_mtime)[: len(files) // 2]:
            Path(entry.path).unlink(missing_ok=True)


def store(key: str, code: bytes, description: dict[str, Any]) -> None:
    """Keeps machine code; a folder that cannot be written to is no error."""
    body = json.dumps(description).encode() + b"\n" + code
    content = hashlib.sha256(key.encode() + body).digest() + body
    folder = cache_folder()
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):
            return
        handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, folder / key)
            _prune(folder)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
