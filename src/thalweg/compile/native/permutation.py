"""The order in which mini-batches visit the examples: every epoch visits each example once, in a shuffled order.

The order is a keyed permutation that is computed, not stored: example = permutation(epoch, position). It needs no
memory, any place in it can be computed at once (so a run can be taken up again anywhere), and it is the same on every
machine. A number below 2^w is scrambled by rounds of multiplication with an odd number, addition of a key and a
xor-shift, each of which is a bijection on w bits; results beyond the last example are scrambled again until they fall
inside ("cycle walking": J. Black and P. Rogaway, *Ciphers with Arbitrary Finite Domains*, CT-RSA 2002). The keys come
from SplitMix64 (G. Steele et al., *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ROUNDS", "Sampling", "bits_of", "examples_at", "permutation", "permuted"]

ROUNDS = 4
GOLDEN = 0x9E3779B97F4A7C15
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Sampling:
    """Mini-batches of `batch` out of `examples`. The seed is in the control block.

    data_inputs: the numbers of the graph's inputs that hold examples.
    """

    examples: int
    batch: int
    data_inputs: tuple[int, ...]


def _splitmix(value: int) -> int:
    value = (value + GOLDEN) & MASK
    value = ((value ^ (value >> 30)) * MULTIPLIERS[0]) & MASK
    value = ((value ^ (value >> 27)) * MULTIPLIERS[1]) & MASK
    return value ^ (value >> 31)


def bits_of(count: int) -> int:
    return max((count - 1).bit_length(), 2)


def permutation(count: int, seed: int, epoch: int) -> Any:
    """The order of an epoch, as an array: the reference for the compiled code."""
    return permuted(np.arange(count, dtype=np.uint32), count, seed, epoch)


def permuted(places: Any, count: int, seed: int, epoch: int) -> Any:
    """The examples at some places of the order."""
    bits = bits_of(count)
    mask = np.uint32((1 << bits) - 1)
    keys = _keys(seed, epoch)
    x = np.array(places, np.uint32)
    pending = np.ones(len(x), np.bool_)
    with np.errstate(over="ignore"):
        while pending.any():
            y = x[pending]
            for multiplier, key in keys:
                y = (y * np.uint32(multiplier) + np.uint32(key)) & mask
                y ^= y >> np.uint32((bits + 1) // 2)
            x[pending] = y
            pending &= x >= count
    return x.astype(np.int64)


def examples_at(positions: Any, count: int, seed: int) -> Any:
    """The examples at ascending positions, counted from the first one of the first epoch on."""
    epochs, places = np.divmod(positions, count)
    return np.concatenate(
        [permuted(places[epochs == epoch], count, seed, epoch) for epoch in np.unique(epochs).tolist()]
    )


def _keys(seed: int, epoch: int) -> list[tuple[int, int]]:
    """A multiplier, which is odd, and a summand for each round, of 32 bits each."""
    state = _splitmix((seed & MASK) ^ _splitmix(epoch))
    keys = []
    for _ in range(ROUNDS):
        state = _splitmix(state)
        keys.append(((state & 0xFFFFFFFF) | 1, state >> 32))
    return keys
