"""Files that survive: written whole or not at all, with a digest that is verified, and one writer at a time."""

from .atomic import remove_leftovers, whole_file, write_whole
from .differences import differences
from .digest import digest_of
from .lock import Lock
from .tensors import Fault, TensorFileError, packed, unpacked

__all__ = [
    "Fault",
    "Lock",
    "TensorFileError",
    "differences",
    "digest_of",
    "packed",
    "remove_leftovers",
    "unpacked",
    "whole_file",
    "write_whole",
]
