"""The names of columns: each its own; and errors that suggest the one that was meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import TableError

__all__ = ["INDEX", "check_names", "is_pandas_index", "names_nothing", "no_such_column"]

_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
INDEX = "__index_level_0__"
"""What pandas calls an index without a name in a Parquet file; in CSV it, and R, leave its name empty."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def is_pandas_index(name: str) -> bool:
    """Whether pandas put its index into the table under that name."""
    return _PANDAS_INDEX.fullmatch(name) is not None


def check_names(names: Sequence[str], path: str) -> None:
    """Raises TableError unless each column has a name of its own. path: the place, for the message."""
    if not names:
        raise TableError(f"{path}: the table has no columns")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise TableError(f"{path}: column {number} of {len(names)} has no name. Name it, or delete it.")
        first = seen.setdefault(name, number)
        if first < number:
            raise TableError(f"{path}: columns {first} and {number} are both called {name!r}. Rename one of them.")


def names_nothing(place: str) -> TableError:
    """The error for a header without a single name. place: of its line."""
    return TableError(f"{place} has to name the columns, and is blank: delete what stands above their names.")


def no_such_column(path: str, name: str, names: Sequence[str]) -> TableError:
    """The error for a column that is not there, with names like it."""
    import difflib  # of errors alone

    near = difflib.get_close_matches(name, names, 3)
    few = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    if len(names) == 1:
        few = f"{few!r} and no other column: if a mark other than comma, semicolon, tab, bar and spaces parts them, --delimiter names it"
    elif all(_NUMBER.fullmatch(each) for each in names[:20]):
        few += ". Are these values? The first line has to name the columns"
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"It has {few}."
    return TableError(f"{path} has no column {name!r}. {hint}")
