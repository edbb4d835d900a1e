"""Files of text: their encoding, where the text begins, and which lines they have."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, AnyStr

import numpy as np
import pyarrow as pa

from ..errors import ArgumentError, TableError
from .files import io_errors, open_stream

__all__ = ["TextFile", "blocks_of_lines", "line_of_row", "read_text"]

_BLOCK, _PIECE = 1 << 20, 1 << 18
_WITH_ASCII = frozenset({"utf-8", "cp949", "cp1252"})
"""Encodings in which bytes below 128 stand for ASCII, unless a character has begun."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARK = "\ufeff"
_BLANK = ",;\t| \r\n"
_NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp949": "CP949", "cp1252": "Windows-1252"}
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_HANGUL = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")
"""A syllable of the Korean standard KS X 1001."""
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]")
"""A letter beyond ASCII in UTF-8, as a file has it that is UTF-8 but for a broken byte."""


@dataclass(frozen=True)
class TextFile:
    """A file of text that was looked through once.

    start: the number of bytes, in UTF-8, before the first line that is not empty. first_line: that line's number.
    quotes: how many double quotes there are. blank_lines: at the end, with nothing in them but delimiters and white space. sample: the
    beginning, from the first line on.
    """

    path: str
    encoding: str
    start: int
    first_line: int
    quotes: int
    blank_lines: int
    sample: str
    is_whole: bool
    """Whether the sample is all of the text."""
    has_spaces: bool = False
    """Whether spaces part the fields; they are read as tabs."""

    @property
    def how(self) -> str:
        """The encoding, for a person."""
        return _NAMES.get(self.encoding, self.encoding)

    def from_line(self, count: int) -> TextFile:
        """The same without the first lines, and without those that then come first and are empty."""
        rest = self.sample.split("\n", count)[-1].lstrip("\r\n")
        dropped = self.sample[: len(self.sample) - len(rest)]
        start, first_line = self.start + len(dropped.encode()), self.first_line + dropped.count("\n")
        return replace(self, start=start, first_line=first_line, sample=rest)

    def with_tabs(self) -> TextFile:
        """The same with a tab for any spaces and tabs in a row, and none at the ends of lines."""
        return replace(self, blank_lines=0, sample=_with_tabs(self.sample), has_spaces=True)

    def stream(self) -> Any:
        """The text in UTF-8, as an Arrow stream, from the first line that is not empty.

        A short text ends in a line end, which Arrow asks for after a header.
        """
        if self.is_whole:
            content = self.sample.encode()
            return pa.BufferReader(content if content.endswith(b"\n") else content + b"\n")
        if self.has_spaces:
            return pa.PythonFile(
                _Blocks(_with_tabs(block) for _, block in blocks_of_lines(replace(self, has_spaces=False))), "r"
            )
        stream = open_stream(self.path)
        if self.encoding != "utf-8":
            stream = pa.transcoding_input_stream(stream, self.encoding, "utf-8")
        left = self.start
        while left:
            left -= len(stream.read(min(left, _BLOCK)))
        return stream

    def lines(self) -> io.TextIOWrapper:
        """The same as Python reads it."""
        return io.TextIOWrapper(self.stream(), encoding="utf-8", newline="")


def read_text(path: str, encoding: str | None = None) -> TextFile:
    """Looks through a file of text.

    Without a given encoding: UTF-16 if it begins with UTF-16's mark, UTF-8 if all of it is, Windows-1252 if it looks like a
    Western European language, else CP949. Raises TableError if it is not there, is empty, or is text in another encoding;
    ArgumentError for an unknown encoding.
    """
    if encoding is not None:
        try:
            encoding = codecs.lookup(encoding).name
        except LookupError:
            raise ArgumentError(
                f"encoding={encoding!r} is unknown to Python. Try 'utf-8', 'cp949' or 'latin-1'."
            ) from None
        return _survey(path, encoding.replace("utf-8-sig", "utf-8"))
    with open_stream(path) as stream, io_errors(path):
        if stream.read(2) in _UTF16:
            return _survey(path, "utf-16")
    try:
        return _survey(path, "utf-8")
    except _UndecodableError as first:
        try:
            return _survey(path, "cp1252" if _looks_western(path) else "cp949")
        except _UndecodableError as second:
            later = max(first, second, key=lambda error: error.line)
            raise TableError(later.message(f"neither UTF-8 nor {_NAMES[second.encoding]}")) from None


def _looks_western(path: str) -> bool:
    """Whether most letters beyond ASCII stand alone or in twos, as in °C, Größe or São, and are neither Korean nor broken UTF-8."""
    western = others = 0
    with open_stream(path) as stream, io_errors(path):
        while block := stream.read(_PIECE):
            for run in _BEYOND_ASCII.findall(block):
                is_other = len(run) > 2 or _HANGUL.match(run) or _UTF8.match(run)
                others, western = others + bool(is_other), western + (not is_other)
    return western > others


class _UndecodableError(TableError):
    """Bytes that an encoding does not have."""

    def __init__(self, path: str, line: int, byte: int, encoding: str) -> None:
        self.path, self.line, self.byte, self.encoding = path, line, byte, encoding
        super().__init__(self.message(f"not {_NAMES.get(encoding, encoding)}"))

    def message(self, what: str) -> str:
        return (
            f"{self.path}, line {self.line:,}: the text is {what}: it has the byte 0x{self.byte:02x} there. Save the file as "
            "UTF-8 in the program it comes from, or give its encoding, such as cp1252 (Western Europe), "
            "cp1251 (Cyrillic) or gb18030 (China): --encoding cp1252 (in Python: encoding='cp1252')."
        )


def _survey(path: str, encoding: str) -> TextFile:
    sample: list[str] = []
    tail: list[str] = []
    length = start = quotes = 0
    first_line = 1
    for content in _decoded(path, encoding):
        if length < _BLOCK:
            text = content if isinstance(content, str) else content.decode("ascii")
            kept = text
            if not length:
                kept = text.lstrip("\r\n" + _MARK)
                dropped = text[: len(text) - len(kept)]
                start += len(dropped.encode())
                first_line += _count_lines(dropped)
            sample.append(kept)
            length += len(kept)
        else:
            length += len(content)
        quotes += _count_quotes(content)
        blank = _blank_end(content)
        if len(blank) < len(content):
            tail.clear()
        tail.append(blank)
    beginning = "".join(sample)
    if not beginning.strip():
        raise TableError(f"{path} is empty. A table needs the names of its columns, then rows.")
    blank_lines = sum(bool(line) for line in re.split(r"[\r\n]+", "".join(tail))[1:])
    return TextFile(path, encoding, start, first_line, quotes, blank_lines, beginning, len(beginning) == length)


def _blank_end(content: str | bytes) -> str:
    """What stands behind the last character that is neither white space nor a delimiter."""
    if isinstance(content, str):
        return content[len(content.rstrip(_BLANK)) :]
    return content[len(content.rstrip(_BLANK.encode())) :].decode()


def _count_quotes(content: str | bytes) -> int:
    """How many double quotes there are."""
    if isinstance(content, str):
        return content.count('"')
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == ord('"')))


def _decoded(path: str, encoding: str) -> Iterator[str | bytes]:
    """The text in pieces; those of ASCII alone as bytes, which need no decoding where the encoding agrees with ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)()
    has_ascii = encoding in _WITH_ASCII
    before = 0
    with open_stream(path) as stream:
        while True:
            with io_errors(path):
                block = stream.read(_PIECE)
            if has_ascii and block and block.isascii() and not decoder.getstate()[0]:
                before += len(block)
                yield block
                continue
            try:
                text = decoder.decode(block, not block)
            except UnicodeError as error:
                held: bytes = getattr(error, "object", block)
                place = getattr(error, "start", 0)
                line = _line_after(path, encoding, before + len(block) - len(held) + place)
                raise _UndecodableError(path, line, held[place] if held else 0, encoding) from None
            before += len(block)
            if text:
                yield text
            if not block:
                return


def _line_after(path: str, encoding: str, size: int) -> int:
    """The number of the line that stands after so many bytes. Only errors ask for it: counting takes as long as decoding."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    line = 1
    with open_stream(path) as stream:
        while size > 0 and (block := stream.read(min(size, _BLOCK))):
            line += _count_lines(decoder.decode(block))
            size -= len(block)
    return line


def _count_lines(text: str) -> int:
    r"""How many lines end: at \n, \r\n, or \r as on old Macintosh computers."""
    return text.count("\n") or text.count("\r")


def _with_tabs(text: AnyStr) -> AnyStr:
    if isinstance(text, bytes):
        return re.sub(rb"(?m)^\t|\t(?=\r?$)", b"", re.sub(rb"[ \t]+", b"\t", text))
    return re.sub(r"(?m)^\t|\t(?=\r?$)", "", re.sub(r"[ \t]+", "\t", text))


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a file that is read once."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if not self._held:
            self._held = memoryview(next(self._blocks, b""))
        count = min(len(into), len(self._held))
        into[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


def blocks_of_lines(text: TextFile) -> Iterator[tuple[int, bytes]]:
    """The text in blocks of whole lines, each with the number of its first line."""
    line = text.first_line
    held = b""
    with text.stream() as stream:
        for block in chain(iter(lambda: stream.read(16 << 20), b""), [None]):
            if block is None:
                complete, held = held, b""
            else:
                end = block.rfind(b"\n") + 1
                complete, held = (held + block[:end], block[end:]) if end else (b"", held + block)
            if complete:
                yield line, complete
                line += complete.count(b"\n")


def line_of_row(text: TextFile, row: int, is_row: Callable[[bytes], bool]) -> int | None:
    """The number of the line that holds a row, counted from 0; None if there are not so many. is_row: whether a line is one."""
    count = -1
    for first, block in blocks_of_lines(text):
        for number, line in enumerate(block.split(b"\n"), first):
            count += is_row(line)
            if count == row:
                return number
    return None
