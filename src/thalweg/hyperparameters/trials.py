"""Trials, and the file that records them: JSON lines, which a person and a program can read, and a search can go on from.

The first line holds the configuration of the search, each further line a trial:

    {"thalweg_search": 1, "version": "0.1.0", "seed": 0, "trials": 32, "ranges": {"learning_rate": {"kind": ...}}, ...}
    {"number": 0, "round": 0, "values": {"learning_rate": 0.0123}, "seed": 2968811710, "budget": 1.0, "steps": 1000, ...}

Lines are only ever added, and are on disk before the search goes on. The line that a crash cut short is dropped.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ArgumentError, RunError
from ..storage import Lock, differences
from .ranges import plain

__all__ = ["FORMAT", "Record", "Status", "Trial", "ranked"]

FORMAT = 1
"""Of the file. A file of a later one is refused."""


class Status(Enum):
    """How a trial ended."""

    COMPLETE = "complete"
    STOPPED_EARLY = "stopped early"
    NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Trial:
    """One training with values of its own, and how good it was.

    number: from 0 on, over all rounds. values: of the hyperparameters, by name. seed: from which they, and a random start,
    were drawn. budget: the share of its steps that the trial was given; below 1 it was stopped early by successive halving.
    training_loss: of the whole objective, over all training data. score: on validation data; smaller is better, and infinite
    if it is not finite. seconds: its share of the time of the trials that ran with it.
    """

    number: int
    round: int
    values: Mapping[str, Any]
    seed: int
    budget: float
    steps: int
    training_loss: float
    score: float
    status: Status
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As plain data; what is not finite becomes None."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        found["values"] = {name: plain(value) for name, value in self.values.items()}
        found["status"] = self.status.value
        for name in ("training_loss", "score"):
            found[name] = found[name] if math.isfinite(found[name]) else None
        return found

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Trial:
        """From plain data. Raises KeyError, TypeError or ValueError if they are no trial's."""
        named = {item.name: found[item.name] for item in fields(cls)}
        for name in ("training_loss", "score"):
            named[name] = math.inf if named[name] is None else float(named[name])
        named["status"] = Status(named["status"])
        return cls(**named)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """The best first. Those that were given more of their steps come before others; those that failed come last."""
    return sorted(
        trials, key=lambda x: (x.status is Status.NOT_FINITE, not math.isfinite(x.score), -x.budget, x.score, x.number)
    )


_FREE = ("version", "rounds")
"""What may change when a search goes on: more rounds continue where fewer ended."""


@dataclass(eq=False)
class Record:
    """The file of a search. trials: those it holds. notes: for the user."""

    path: Path | None
    trials: dict[int, Trial]
    notes: list[str]
    lock: Lock | None = None

    @classmethod
    def open(cls, path: str | Path | None, configuration: Mapping[str, Any]) -> Record:
        """A new record, or one to go on with. Without a path nothing is written.

        Raises ArgumentError if the file is of another search, is no record of one, or cannot be written, and RunError if
        another search goes on with it now.
        """
        if path is None:
            return cls(None, {}, [])
        record = cls(Path(path), {}, [])
        header = {"thalweg_search": FORMAT, "version": __version__, **configuration}
        try:
            record.lock = Lock(path, f"the record of the search, {path},", is_signed=False)
            record._begin(header)
        except BaseException as error:
            record.close()
            if isinstance(error, OSError) and not isinstance(error, RunError):
                raise _not_written(path, error) from None
            raise
        return record

    def close(self) -> None:
        """Lets other searches go on with the file."""
        if self.lock is not None:
            self.lock.release()
            self.lock = None

    def _begin(self, header: Mapping[str, Any]) -> None:
        """Reads what is there."""
        assert self.path is not None
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole:
            self._read(whole, header)
        elif content and not b'{"thalweg_search"'.startswith(content[:17]):
            raise _no_record(self.path)
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
            self.notes.append(f"the last line of {self.path} was cut short and is dropped; its trial runs again")
        if not whole:
            self._write([header])

    def add(self, trials: Sequence[Trial]) -> None:
        """Records trials; they are on disk when this returns."""
        for trial in trials:
            self.trials[trial.number] = trial
        self._write([trial.to_dict() for trial in trials])

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if self.path is None or not lines:
            return
        text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
        try:
            with open(self.path, "ab") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise _not_written(self.path, error) from None

    def _read(self, content: bytes, header: Mapping[str, Any]) -> None:
        first, *rest = content.decode(errors="replace").splitlines()
        self._check(first, json.loads(json.dumps(header)))
        for number, line in enumerate(rest, 2):
            try:
                trial = Trial.from_dict(json.loads(line))
            except (KeyError, TypeError, ValueError):
                raise ArgumentError(
                    f"{self.path}, line {number} is no trial: {line[:80]!r}. Remove the line, and its trial runs again."
                ) from None
            self.trials[trial.number] = trial

    def _check(self, line: str, header: Mapping[str, Any]) -> None:
        """Whether the file is of this search."""
        try:
            found = json.loads(line)
            format = int(found["thalweg_search"])
        except (KeyError, TypeError, ValueError):
            raise _no_record(self.path) from None
        if format > FORMAT:
            raise ArgumentError(
                f"{self.path} was written by a later thalweg (format {format}; this one reads {FORMAT}). "
                "Update: pip install -U thalweg"
            )
        told = differences(found, header, _FREE)
        if told:
            raise ArgumentError(
                f"{self.path} records another search ({told}). Ask for the same to go on with it, or name another file."
            )


def _not_written(path: Any, error: OSError) -> ArgumentError:
    return ArgumentError(
        f"the trials cannot be recorded in file={str(path)!r}: {error.strerror or error}. Trials that are there stay; "
        "the search goes on with them when it is called again."
    )


def _no_record(path: Any) -> ArgumentError:
    return ArgumentError(f"file={str(path)!r} exists and is no record of a search: name another file")
