"""Blocks of a Ray Dataset as a stream: each worker reads its own blocks from the cluster's store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from ..descent.data import Stream
from .crew import connect

__all__ = ["dataset_stream"]


def dataset_stream(dataset: Any, arrays: Callable[[Any], Any], memory: int | str = "1 GB") -> Stream:
    """The examples of a `ray.data.Dataset`, as data for `minimize(..., cluster=...)`.

    arrays: Arrow table → what the loss gets after the parameters, an array or a tuple of arrays with one row per example. It goes
    to the workers, so it can use only what they have installed. memory: of each worker, as `Stream` has it.
    """
    ray = connect(None, None, None)
    references = dataset.to_arrow_refs()
    count = ray.remote(_rows)
    rows = ray.get([count.remote(reference) for reference in references])
    return Stream(*(functools.partial(_block, reference, arrays) for reference in references), rows=rows, memory=memory)


def _block(reference: Any, arrays: Callable[[Any], Any]) -> Iterator[Any]:
    import ray

    yield arrays(ray.get(reference))


def _rows(table: Any) -> int:
    return int(table.num_rows)
