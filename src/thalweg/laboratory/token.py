"""The token of the laboratory's address: kept in a file of the user's own, so that bookmarks of scenes go on to work."""

from __future__ import annotations

import contextlib
import os
import re
import secrets

from ..compile.cache import cache_folder

__all__ = ["kept_token"]

_NAME = "laboratory-token"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")


def kept_token() -> str | None:
    """The token of this user; None if there is no place that only this user can read and write."""
    path = cache_folder() / _NAME
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with contextlib.suppress(FileExistsError):  # another laboratory was faster
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_urlsafe(24))
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle) as file:
            status = os.fstat(file.fileno())
            is_own = os.name == "nt" or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
            found = file.read(64)
        if is_own and _SHAPE.fullmatch(found):
            return found
    return None
