"""What was derived and compiled before, kept for the next call with the same loss.

Whatever a loss refers to counts as it is now: what it reads is compared with what it read before (`trace.reads`), and where that cannot
be known it is traced anew. If the graph turns out to be one that is known, all that follows from it (gradient, steps, programs) is taken
from here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from ..graph import Array, Graph, Node, constant, transform, with_operands
from ..uncollected import uncollected
from .line_search import LineSearch
from .methods import Method
from .penalties import Penalty
from .stopping import StoppingRule

__all__ = ["Known", "form_of", "graph_key", "with_own_constants"]

T = TypeVar("T")


class Known:
    """The most recently used values, by keys. Safe to use from several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable | None, make: Callable[[], T]) -> T:
        """The value of a key, made if it is not there. Without a key it is always made."""
        if key is None:
            with uncollected():
                return make()
        found = self._values.get(key, self)
        if found is not self:
            with contextlib.suppress(KeyError):  # another thread may have let go of it just now
                self._values.move_to_end(key)
            known: T = found
            return known
        with uncollected():
            value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
        return value


_LARGEST_CONSTANTS = 1 << 20


def graph_key(graph: Graph) -> Hashable | None:
    """What tells a traced graph from others in this process; None if it holds so many numbers that it is better not kept."""
    constants = sum(node.type.size * node.dtype.itemsize for node in graph.nodes if node.is_constant)
    if constants > _LARGEST_CONSTANTS:
        return None
    number = {node: index for index, node in enumerate(graph.inputs)}
    parts: list[Hashable] = [node.type for node in graph.inputs]
    for node in graph.nodes:
        if node.is_input:
            continue
        number[node] = len(number)
        if node.is_constant:
            parts.append((node.type, _content(node.value), node.source))
        else:  # the type follows
            operands = tuple([number[operand] for operand in node.operands])
            attributes = repr(node.attributes) if node.attributes else ""
            parts.append((node.primitive, operands, attributes, node.source))
    return (*parts, *[number[node] for node in graph.outputs])


def _content(array: Array) -> bytes:
    """What an array holds, or a digest of it if that is shorter."""
    content = array.tobytes()
    return content if len(content) <= 32 else hashlib.sha256(content).digest()


def with_own_constants(graph: Graph) -> Graph:
    """The same graph with copies of its constants: the arrays that a loss refers to belong to the user, who may change them.

    An array that it refers to several times is copied once, so that what is computed from it is still seen to be the same.
    """
    copies: dict[int, Node] = {}  # one for each array, since equal operations are known by their operands

    def rebuild(node: Node, operands: tuple[Node, ...]) -> Node:
        if not node.is_constant:
            return with_operands(node, operands)
        if id(node.value) not in copies:
            copies[id(node.value)] = constant(node.value.copy())
        return copies[id(node.value)]

    return Graph(graph.inputs, transform(graph.outputs, {node: node for node in graph.inputs}, rebuild))


def form_of(value: Method | StoppingRule | LineSearch | Penalty | None) -> Hashable | None:
    """What a method or rule is, apart from its numbers; None if it cannot be known, since it runs code of the user's."""
    if value is None:
        return ()
    kind: Any = type(value)
    if not kind.__module__.startswith(_PACKAGE):
        return None
    forms = [_form_of_field(getattr(value, name)) for name in _fields(kind)]
    return None if None in forms else (kind, *forms)


_PACKAGE = __name__.partition(".")[0] + "."


@lru_cache(maxsize=256)
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _form_of_field(found: Any) -> Hashable | None:
    if isinstance(found, tuple) and all(isinstance(part, str) for part in found):
        return found
    if isinstance(found, tuple):
        forms = tuple(form_of(part) for part in found)
        return None if None in forms else forms
    if found is None or isinstance(found, LineSearch):
        return form_of(found)
    if isinstance(found, float | np.floating):
        return "number"
    # Whole numbers may set sizes, so each is a form of its own. A function may refer to anything.
    return None if callable(found) or isinstance(found, np.ndarray) else (found,)
