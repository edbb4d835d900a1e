"""The examples of mini-batches, drawn on the device: the permutation of the native target, in the same integers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..native.permutation import GOLDEN, MULTIPLIERS, ROUNDS, Sampling, bits_of

__all__ = ["rows_of"]

Value = Any

_WALKS = 4


def _splitmix(value: Value) -> Value:
    value = value + np.uint64(GOLDEN)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(MULTIPLIERS[0])
    value = (value ^ (value >> np.uint64(27))) * np.uint64(MULTIPLIERS[1])
    return value ^ (value >> np.uint64(31))


def _keys(seed: Value, epoch: Value) -> list[tuple[Value, Value]]:
    """For each round a multiplier, which is odd, and a summand."""
    state = _splitmix(seed ^ _splitmix(epoch))
    keys = []
    for _ in range(ROUNDS):
        state = _splitmix(state)
        low = (state & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        keys.append((low | np.uint32(1), (state >> np.uint64(32)).astype(np.uint32)))
    return keys


def rows_of(sampling: Sampling, seed: Value, iteration: Value, steps: int, in_order: bool = False) -> Value:
    """The examples of so many steps, from an iteration on: (steps, batch), int32.

    All steps are drawn at once, since one loop that walks until every number is in range serves them all.
    seed: uint64. iteration: int64. in_order: the examples lie in the order in which they are to be drawn.
    """
    examples, batch = sampling.examples, sampling.batch
    positions = iteration * batch + jnp.arange(steps * batch, dtype=np.int64)
    if in_order:
        return (positions % examples).astype(np.int32).reshape(steps, batch)
    epochs = (positions // examples).astype(np.uint64)
    places = (positions % examples).astype(np.uint32)
    keys = _keys(seed, epochs)
    bits = bits_of(examples)
    mask, shift = np.uint32((1 << bits) - 1), np.uint32((bits + 1) // 2)

    def scramble(x: Value) -> Value:
        for multiplier, summand in keys:
            x = (x * multiplier + summand) & mask
            x = x ^ (x >> shift)
        return x

    def is_pending(x: Value) -> Value:
        return jnp.any(x >= examples)

    def walk(x: Value) -> Value:
        # Several at a time: after each round a GPU is asked whether another is needed, which costs more than the round.
        for _ in range(_WALKS):
            x = jnp.where(x >= examples, scramble(x), x)
        return x

    return lax.while_loop(is_pending, walk, walk(scramble(places))).astype(np.int32).reshape(steps, batch)
