"""Data of a descent: arrays in memory, or a stream of chunks that need not fit there."""

from .ahead import Ahead
from .data import ArrayData, Data, StreamData, check_data, check_finite, data_of
from .memory import bytes_of, size_text
from .stream import Chunk, Piece, Stream

__all__ = [
    "Ahead",
    "ArrayData",
    "Chunk",
    "Data",
    "Piece",
    "Stream",
    "StreamData",
    "bytes_of",
    "check_data",
    "check_finite",
    "data_of",
    "size_text",
]
