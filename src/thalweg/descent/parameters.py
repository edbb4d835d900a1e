"""Parameters as people write them (any nesting of dict, list, tuple, namedtuple, dataclass), and as one vector.

A descent sees one flat vector θ; the leaves are windows of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import optree

from ..errors import ArgumentError
from ..graph import Array, ArrayType
from ..trace.traced import supported_dtype

__all__ = ["Layout", "flatten", "has_plain_containers", "key_orders", "layout_of", "leaf_arrays"]

_NAMESPACE = "thalweg"
_registered: set[type] = set()


def _register_dataclass(kind: type) -> None:
    """Dataclasses are nestings, too; optree has to be told of each."""
    names = [field.name for field in dataclasses.fields(kind)]
    optree.register_pytree_node(
        kind,
        lambda value: ([getattr(value, name) for name in names], None, names),
        lambda _, children: kind(**dict(zip(names, children, strict=True))),
        namespace=_NAMESPACE,
    )
    _registered.add(kind)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a nesting, and what is needed to put leaves back: `optree.tree_unflatten(structure, leaves)`."""
    while True:
        leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
        unknown = {kind for kind in set(map(type, leaves)) - _registered if dataclasses.is_dataclass(kind)}
        if not unknown:
            return leaves, structure
        for kind in unknown:
            _register_dataclass(kind)


@lru_cache(maxsize=256)
def _kinds(structure: Any) -> frozenset[Any]:
    """The types of all containers in a nesting; None, for a leaf."""
    return frozenset({structure.type}).union(*map(_kinds, structure.children()))


def has_plain_containers(structure: Any) -> bool:
    """Whether nothing but tuples, lists and dicts holds the leaves: values without code of the user's."""
    return _kinds(structure) <= {None, type(None), tuple, list, dict}


def key_orders(structure: Any) -> Hashable:
    """The keys of all dicts of a nesting, and their types, in the order in which they were written, which functions may follow.

    Structures that differ in this alone are equal.
    """
    if not any(kind is not None and issubclass(kind, dict) for kind in _kinds(structure)):
        return ()
    children = structure.children()
    own: Any = ()
    if structure.type is not None and issubclass(structure.type, dict):
        keys = optree.tree_unflatten(structure.one_level(), [None] * len(children))
        own = tuple([(type(key), key) for key in keys])  # 1 equals 1.0 and True
    return (own, *[key_orders(child) for child in children])


@dataclass(frozen=True)
class Layout:
    """Where the leaves of the parameters lie in the vector.

    names: a path for each leaf, such as `["w"]`. types: shape and dtype of each leaf. dtype: that of the vector.
    """

    structure: Any
    names: tuple[str, ...]
    types: tuple[ArrayType, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(type.size for type in self.types)

    def vector(self, tree: Any) -> Array:
        """The parameters as one new vector."""
        leaves, _ = flatten(tree)
        if len(leaves) == 1:
            return np.array(leaves[0], self.dtype, order="C").reshape(-1)
        parts = [np.asarray(leaf, self.dtype).reshape(-1) for leaf in leaves]
        return np.concatenate(parts) if parts else np.zeros(0, self.dtype)

    def tree(self, vector: Any) -> Any:
        """The vector as people wrote the parameters: new arrays, or traced values of a traced vector; writing into them leaves it as it is."""
        leaves = []
        start = 0
        for type in self.types:
            end = start + type.size
            leaf = vector[start:end].reshape(type.shape)
            is_array = isinstance(leaf, np.ndarray)
            leaves.append(leaf.astype(type.dtype) if is_array or leaf.dtype != type.dtype else leaf.copy())
            start = end
        return optree.tree_unflatten(self.structure, leaves)


def layout_of(tree: Any) -> Layout:
    """How the given parameters lie in a vector.

    Raises ArgumentError if a leaf is no array of numbers, or if there is none.
    """
    leaves, structure = flatten(tree)
    labels = _labels(structure)
    types = tuple([_leaf_type(leaf, label) for leaf, label in zip(leaves, labels, strict=True)])
    if not types:
        raise ArgumentError("there are no parameters: pass an array, or a dict, list or tuple of arrays")
    if not any(type.size for type in types):
        raise ArgumentError("there are no parameters: the start is empty; write np.zeros(n)")
    dtypes = {type.dtype for type in types}
    return Layout(structure, labels, types, dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes))


@lru_cache(maxsize=256)
def _labels(structure: Any) -> tuple[str, ...]:
    """Where each leaf is, as it would be written."""
    return tuple("".join(f"[{part!r}]" for part in path) for path in optree.treespec_paths(structure))


def _leaf_type(leaf: Any, label: str) -> ArrayType:
    try:
        array = np.asarray(leaf)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        what = type(leaf).__name__ if not isinstance(leaf, np.ndarray) else f"an array of {array.dtype}"
        remedy = "write np.array(...)"
        if array.dtype.kind in "SU":
            remedy = (
                "keep words and settings out of them, and give them to the loss by functools.partial(loss, name=...)"
            )
        if array.dtype.kind == "c":
            remedy = "write real and imaginary parts as two arrays, x.real and x.imag"
        raise ArgumentError(f"the parameters{label} are {what}, not an array of real numbers; {remedy}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"the parameters{label} start with NaN or infinity; start from finite numbers")
    dtype = supported_dtype(array.dtype)
    return ArrayType(array.shape, dtype if dtype.kind == "f" else np.dtype(np.float64))


def leaf_arrays(tree: Any) -> tuple[list[Array], Any]:
    """The leaves of a nesting as arrays of supported dtypes, in C order."""
    leaves, structure = flatten(tree)
    arrays = [np.asarray(leaf) for leaf in leaves]
    return [np.asarray(array, supported_dtype(array.dtype), order="C") for array in arrays], structure
