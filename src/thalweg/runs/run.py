"""A run folder: one process at a time reads and writes it, and at every moment all in it is whole.

run.json                          what was asked for
history.jsonl                     the history, a line for each row
checkpoint-000000012000.safetensors   the two latest checkpoints, named by their iteration
lock                              held while a process uses the folder
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import __version__
from ..descent.checkpoint import Checkpoint, Kept
from ..descent.identity import FREE
from ..errors import RunError
from ..graph import Array
from ..storage import Lock, differences, remove_leftovers, write_whole
from .checkpoint_file import Damaged, checkpoint_files, read_checkpoint, write_checkpoint
from .history import lines_of, whole_history

__all__ = ["VERSION", "Run"]

VERSION = 1
"""Of the folder's format. One of a later version is refused."""

_KEPT = 2
_LARGEST_SHARE = 0.01
"""Of the time, for writing checkpoints."""


class Run:
    """A run folder in use: `with Run(folder) as run`. Only one process, and one part of it, can hold it.

    folder: made if it is not there, unless the run must have begun. every: the seconds between checkpoints. about: what run.json
    holds.

    Raises RunError if the folder is in use, was written by a later thalweg, holds something else, or cannot be written to.
    """

    def __init__(self, folder: str | Path, every: float = 30.0, has_begun: bool = False) -> None:
        self.folder = Path(folder)
        self._has_begun = has_begun
        self.every = every
        self.about: dict[str, Any] = {"thalweg_run": VERSION, "thalweg_version": __version__}

    def __enter__(self) -> Run:
        if self._has_begun and not self._file.is_file():
            raise RunError(
                f"there is no run in {self.folder}. Begin one with: thalweg fit TABLE --target COLUMN --run {self.folder}"
            )
        with self._writing():
            self._check_is_ours()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.folder / "lock", f"the run folder {self.folder}")
        try:
            with self._writing():
                remove_leftovers(self.folder)
            self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    # What was asked for
    @property
    def _file(self) -> Path:
        return self.folder / "run.json"

    def _check_is_ours(self) -> None:
        """Raises RunError for a folder with other things in it, before anything is written there."""
        if self.folder.is_dir() and not self._file.exists():
            others = sorted(file.name for file in self.folder.iterdir() if file.name != "lock")
            others = [name for name in others if not name.startswith(".run.json.")]
            if others:
                raise RunError(
                    f"{self.folder} is no run folder, and holds {others[0]!r}: name a folder that is empty, or not yet there."
                )

    def _read(self) -> None:
        try:
            if not self._file.exists():
                return
            found = json.loads(self._file.read_bytes())
            version = int(found["thalweg_run"])
        except OSError as error:
            raise RunError(f"{self._file} cannot be read: {error.strerror or error}.") from None
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{self._file} is damaged, or no thalweg's: name another run folder.") from None
        if version > VERSION:
            raise RunError(
                f"{self._file} was written by a later thalweg (format {version}; this one reads {VERSION}). "
                "Update: pip install -U thalweg"
            )
        self.about = found

    def decided(self, name: str, value: Any) -> Any:
        """What was decided when the run began; now, if it begins."""
        if name not in self.about:
            self._put(name, value)
        return self.about[name]

    def _put(self, name: str, value: Any) -> None:
        self.about[name] = value
        with self._writing():
            write_whole(self._file, json.dumps(self.about, ensure_ascii=False, indent=1).encode() + b"\n")

    def note(self, name: str, value: Mapping[str, Any], free: Sequence[str] = ()) -> None:
        """Puts down a part of what was asked for, or checks that it is what the folder holds already, but for `free`.

        Raises RunError, which names what differs, if it is not.
        """
        new = json.loads(json.dumps(value))
        old = self.about.get(name)
        if old is not None:
            told = differences(old, new, free)
            if told:
                raise RunError(
                    f"{self.folder} is the run folder of something else ({told}). Ask for the same to go on with it, or name another."
                )
        if new != old:
            self._put(name, new)

    # Checkpoints
    @contextmanager
    def of(self, identity: Mapping[str, Any]) -> Iterator[Kept]:
        """The checkpoints of a descent, for as long as it runs. Raises RunError if those there are of another one."""
        machine = self.about.get("descent", identity)["machine"]
        self.note("descent", identity, FREE)
        kept = _Kept(self)
        if kept.found is not None and machine != identity["machine"]:
            kept.notes.append(_OTHER_MACHINE)
        yield kept

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except RunError:
            raise
        except OSError as error:
            raise RunError(
                f"the run folder {self.folder} cannot be written to: {error.strerror or error}. What is there stays as it is; the run "
                "goes on from there when it is asked for again."
            ) from None


_OTHER_MACHINE = (
    "it began on another kind of processor, or with another version of thalweg or LLVM, so the last digits may differ from those of "
    "a descent that was not disturbed"
)


class _Kept:
    """A descent's checkpoints, and its history, in a run folder."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.found: Checkpoint | None = None
        self.notes: list[str] = []
        for file in checkpoint_files(run.folder):
            try:
                self.found = read_checkpoint(file)
                self._good = [file]
                break
            except Damaged as error:
                self.notes.append(f"the checkpoint {file} is damaged ({error}), so the one before it was taken")
        else:
            self._good = []
            self.notes = [note.replace("the one before it was taken", "the descent began anew") for note in self.notes]
        if self.found is not None:
            step = int(self.found.state["step"])
            self.notes.append(f"gone on from the checkpoint of step {step:,}")
        with run._writing():
            write_whole(self._history, whole_history(self.found).encode())
        self._last = time.perf_counter()
        self._pause = run.every

    @property
    def _history(self) -> Path:
        return self._run.folder / "history.jsonl"

    def follow(self, rows: Array, checks: Sequence[tuple[int, int, float]]) -> None:
        """What a stretch added to the history; a loss of power may take the last of it."""
        if len(rows) or checks:
            with self._run._writing(), open(self._history, "ab", buffering=0) as stream:
                stream.write(lines_of(rows, checks).encode())

    def is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.perf_counter() - self._last >= self._pause

    def keep(self, checkpoint: Checkpoint) -> None:
        """One more checkpoint; it is on disk when this returns. The one before it stays, older ones go."""
        begin = time.perf_counter()
        with self._run._writing():
            file = write_checkpoint(self._run.folder, checkpoint)
            self._good = [file, *(good for good in self._good if good != file)][:_KEPT]
            for other in checkpoint_files(self._run.folder):
                if other not in self._good:
                    other.unlink()
        self._last = time.perf_counter()
        self._pause = max(self._run.every, (self._last - begin) / _LARGEST_SHARE)
