"""One process at a time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from ..errors import RunError

if sys.platform != "win32":
    import fcntl

__all__ = ["Lock"]


class Lock:
    """Holds a file for one process; the system lets go of it when the process ends, however it ends.

    path: of the file; it is made if it is not there. what: is in use, for the message. is_signed: whether the file is the lock's
    own, in which the holder's process and host stand. Only those who ask for the lock are kept out. On Windows none is taken.

    Raises RunError if another process, or another part of this one, holds it, and OSError if the file cannot be written.
    """

    def __init__(self, path: str | Path, what: str, is_signed: bool = True) -> None:
        self._is_signed = is_signed
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if sys.platform != "win32":
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign(json.dumps({"process": os.getpid(), "host": socket.gethostname()}))
        except BlockingIOError:
            holder = _holder(path) if is_signed else _ANOTHER
            os.close(self._handle)
            raise RunError(f"{what} is in use{holder}. Wait until that has ended, or stop it.") from None
        except BaseException:
            os.close(self._handle)
            raise

    def release(self) -> None:
        """Lets go of it."""
        with contextlib.suppress(OSError):
            self._sign("")
        os.close(self._handle)

    def _sign(self, text: str) -> None:
        if self._is_signed:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)


_ANOTHER = " by another process"


def _holder(path: str | Path) -> str:
    """The process that holds a lock, as far as it has said so."""
    try:
        found = json.loads(Path(path).read_text())
        return f" by process {int(found['process'])} on {found['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return _ANOTHER
