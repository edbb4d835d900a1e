"""Data of a descent: arrays in memory, or a stream of chunks that need not fit there."""

from .ahead import Ahead
from .data import ArrayData, Data, ScatteredData, StreamData, check_data, check_finite, data_of
from .memory import bytes_of, size_text
from .pieces import Chunk
from .stream import Stream
from .totals import ChunkTotals, Totals, in_own_types, lies_by_columns, total_of_chunks

__all__ = [
    "Ahead",
    "ArrayData",
    "Chunk",
    "ChunkTotals",
    "Data",
    "ScatteredData",
    "Stream",
    "StreamData",
    "Totals",
    "bytes_of",
    "check_data",
    "check_finite",
    "data_of",
    "in_own_types",
    "lies_by_columns",
    "size_text",
    "total_of_chunks",
]
