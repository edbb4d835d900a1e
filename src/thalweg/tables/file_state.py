"""What a table's files were like, to notice that they have changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .files import io_errors

__all__ = ["changes_of_files", "state_of_files"]

_BLOCK = 1 << 16
_BLOCKS = 64


def state_of_files(files: Sequence[str]) -> dict[str, dict[str, Any]]:
    """For each file its size, when it was modified, and a digest: of the whole of it up to 4 MiB, else of 64 blocks spread evenly.

    Plain data, for JSON. Raises TableError if a file cannot be read.
    """
    return {os.path.abspath(file): _state(file) for file in files}


def _state(file: str) -> dict[str, Any]:
    with io_errors(file), open(file, "rb") as stream:
        status = os.fstat(stream.fileno())
        digest = hashlib.sha256()
        last = max(status.st_size - _BLOCK, 0)
        is_small = status.st_size <= _BLOCK * _BLOCKS
        places = range(0, last + _BLOCK, _BLOCK) if is_small else [last * n // (_BLOCKS - 1) for n in range(_BLOCKS)]
        for place in places:
            stream.seek(place)
            digest.update(stream.read(_BLOCK))
    modified = datetime.fromtimestamp(status.st_mtime).isoformat(timespec="microseconds")
    return {"bytes": status.st_size, "modified": modified, "digest": digest.hexdigest()[:16]}


def changes_of_files(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What has changed, one sentence for each file. A small file that was only touched has not."""
    changes = [f"{file} is no longer there" for file in old if file not in new]
    changes += [f"{file} is new" for file in new if file not in old]
    for file in (file for file in new if file in old):
        was, now = old[file], new[file]
        if was["bytes"] != now["bytes"]:
            changes.append(f"{file} had {was['bytes']:,} bytes and has {now['bytes']:,} now")
        elif was["digest"] != now["digest"]:
            changes.append(f"{file} holds something else since {now['modified']}")
        elif now["bytes"] > _BLOCK * _BLOCKS and was["modified"] != now["modified"]:
            changes.append(f"{file} was modified at {was['modified']}, and again at {now['modified']}")
    return changes
