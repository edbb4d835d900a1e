"""np.einsum: operands are multiplied pairwise, each pair as one `dot`."""

from __future__ import annotations

from typing import Any

import numpy

from ..errors import ShapeError
from .products import contract
from .reductions import implements
from .source import at_line
from .traced import Traced, as_traced

np: Any = numpy
"""NumPy, whose type stubs do not know that its functions accept traced values."""


@implements(np.einsum)
def _einsum(*operands: Any, optimize: Any = False, **_: Any) -> Traced:
    subscripts, arrays = _parse(operands)
    inputs, output = subscripts
    values = [_without_repeats(x, letters) for x, letters in zip(arrays, inputs, strict=True)]
    value, letters = values[0]
    for number, (other, others) in enumerate(values[1:], 1):
        later = set(output).union(*(rest for _, rest in values[number + 1 :]))
        value, letters = _multiply(value, letters, other, others, later)
    value, letters = _summed(value, letters, set(output))
    return np.transpose(value, [letters.index(letter) for letter in output])


def _parse(operands: Any) -> tuple[tuple[list[str], str], list[Traced]]:
    """The letters of each operand and of the result, with letters of their own for an ellipsis."""
    if not isinstance(operands[0], str):
        raise ShapeError(f"{at_line()}np.einsum is traced with subscripts as text, such as 'ij,j->i'")
    arrays = [as_traced(x) for x in operands[1:]]
    left, arrow, right = operands[0].replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ShapeError(f"{at_line()}np.einsum({operands[0]!r}) names {len(inputs)} operands and gets {len(arrays)}")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in operands[0]]
    longest = 0
    for number, (letters, x) in enumerate(zip(inputs, arrays, strict=True)):
        if "..." in letters:
            hidden = x.ndim - len(letters.replace("...", ""))
            longest = max(longest, hidden)
            inputs[number] = letters.replace("...", "".join(free[:26][-hidden:] if hidden else []))
    ellipsis = "".join(free[:26][-longest:] if longest else [])
    for letters, x in zip(inputs, arrays, strict=True):
        if len(letters) != x.ndim:
            raise ShapeError(
                f"{at_line()}np.einsum({operands[0]!r}): {letters!r} names {len(letters)} axes of an array of "
                f"the shape {x.shape}"
            )
    if arrow:
        return (inputs, right.replace("...", ellipsis)), arrays
    together = "".join(inputs)
    single = sorted(c for c in set(together) if together.count(c) == 1 and c not in ellipsis)
    return (inputs, ellipsis + "".join(single)), arrays


def _without_repeats(x: Traced, letters: str) -> tuple[Traced, str]:
    """Repeated letters of one operand mean a diagonal."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            x = np.diagonal(x, axis1=first, axis2=second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return x, letters


def _summed(x: Traced, letters: str, kept: set[str]) -> tuple[Traced, str]:
    axes = tuple(i for i, letter in enumerate(letters) if letter not in kept)
    if not axes:
        return x, letters
    return np.sum(x, axis=axes), "".join(c for c in letters if c in kept)


def _multiply(a: Traced, left: str, b: Traced, right: str, later: set[str]) -> tuple[Traced, str]:
    a, left = _summed(a, left, later | set(right))
    b, right = _summed(b, right, later | set(left))
    for letter in set(left) & set(right):
        i, j = left.index(letter), right.index(letter)
        if a.shape[i] != b.shape[j]:
            if 1 not in (a.shape[i], b.shape[j]):
                raise ShapeError(
                    f"{at_line()}np.einsum: the axis {letter!r} has the lengths {a.shape[i]} and {b.shape[j]}"
                )
            if a.shape[i] == 1:
                a = np.broadcast_to(a, (*a.shape[:i], b.shape[j], *a.shape[i + 1 :]))
            else:
                b = np.broadcast_to(b, (*b.shape[:j], a.shape[i], *b.shape[j + 1 :]))
    both = [letter for letter in left if letter in right]
    shared = [letter for letter in both if letter in later]
    inner = [letter for letter in both if letter not in later]
    pairs = tuple(tuple(side.index(c) for c in inner) for side in (left, right))
    batch = tuple(tuple(side.index(c) for c in shared) for side in (left, right))
    result = contract(a, b, (pairs[0], pairs[1]), (batch[0], batch[1]))
    letters = "".join(shared) + "".join(c for c in left if c not in both)
    return result, letters + "".join(c for c in right if c not in both)
