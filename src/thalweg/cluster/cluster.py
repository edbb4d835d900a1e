"""A cluster as the user names it."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..arguments import whole_number
from ..errors import ArgumentError, ClusterError
from .crew import Crew, connect
from .shard import Shard

__all__ = ["Cluster"]

T = TypeVar("T")


@dataclass(frozen=True)
class Cluster:
    """Machines that share a descent, on Ray.

    address: of a Ray cluster ("auto", "host:6379", "ray://host:10001"); by default one of this machine's own is started. A token is
        taken from where Ray looks for it (RAY_AUTH_TOKEN).
    workers: how many; by default as many as the cluster has processors for.
    threads: of each worker.
    shards: into how many parts the examples are divided, at most. Sums are formed along a tree over them, so a result does
        not depend on the number of workers, nor on which of them died.
    memory: bytes of Ray's store on this machine, if it is started now.
    local_steps: of mini-batch methods: every worker takes so many steps on its own examples, with its share of the batch, then the
        parameters of all are averaged. For slow networks; the result then depends on the number of workers. By default every step is
        one of all workers together.

    Needs `pip install 'thalweg[ray]'`. Raises ArgumentError for numbers that make no sense; a cluster that cannot be reached is a
    ClusterError when it is first used.
    """

    address: str | None = None
    workers: int | None = None
    threads: int = 1
    shards: int = 32
    memory: int = 200 << 20
    local_steps: int | None = None

    def __post_init__(self) -> None:
        if self.address is not None and not isinstance(self.address, str):
            raise ArgumentError(f'address={self.address!r}: expected text, such as "auto" or "ray://host:10001"')
        for name in ("workers", "threads", "shards", "memory", "local_steps"):
            value = getattr(self, name)
            if value is not None or name not in ("workers", "local_steps"):
                object.__setattr__(self, name, whole_number(name, value))
        if self.workers is not None and self.workers > self.shards:
            raise ArgumentError(
                f"workers={self.workers} with shards={self.shards}: every worker holds one shard at least; raise shards"
            )

    @contextlib.contextmanager
    def crew(self, shards: Sequence[Shard]) -> Iterator[Crew]:
        """Workers that hold these shards, for as long as the context lasts."""
        ray = self._connected()
        crew = Crew(ray, dict(enumerate(shards)), self.threads)
        try:
            crew.hire(min(self._count(ray), len(shards)))
            yield crew
        finally:
            crew.dismiss()

    def map(
        self, function: Callable[..., T], jobs: Sequence[Any], *shared: Any, own: Sequence[Any] = ()
    ) -> Iterator[T]:
        """function(job, *shared) for every job, in their order; on the workers, several at a time. What is shared travels once.

        own: functions and classes of the user's among them, which travel with the module that they are written in.
        A job whose worker dies is run again elsewhere. If one fails, or no further result is asked for, no more begin; those that have
        begun run to their end, since Ray may abort this process when a task is cancelled just as it ends.
        """
        ray = self._connected()
        with _travelling(ray, own):
            stored = [ray.put(value) for value in shared]
            remote = ray.remote(function).options(num_cpus=self.threads, max_retries=3)
        begun: list[Any] = []
        unfinished: list[Any] = []
        room = 2 * self._count(ray)
        try:
            for place in range(len(jobs)):
                while place == len(begun) or begun[place] in unfinished:
                    with _travelling(ray, own):
                        new = jobs[len(begun) : len(begun) + room - len(unfinished)]
                        new = [remote.remote(job, *stored) for job in new]
                    begun, unfinished = [*begun, *new], [*unfinished, *new]
                    _, unfinished = ray.wait(unfinished)
                yield ray.get(begun[place])
                begun[place] = None  # its memory is free
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else ClusterError(str(error)) from None
        except (ConnectionError, ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError) as error:
            raise ClusterError(f"the cluster does not answer any more: {error}") from None

    def count(self) -> int:
        """How many workers there are room for."""
        return self._count(self._connected())

    def _connected(self) -> Any:
        own = self.workers or max(1, (os.cpu_count() or 1) // self.threads)
        return connect(self.address, own * self.threads, self.memory)

    def _count(self, ray: Any) -> int:
        room = max(1, int(ray.cluster_resources().get("CPU", 1)) // self.threads)
        return room if self.workers is None else min(self.workers, room)


@contextlib.contextmanager
def _travelling(ray: Any, own: Sequence[Any]) -> Iterator[None]:
    """The modules of the user's own code go along by value: the workers cannot import them."""
    names = {getattr(value, "__module__", None) for value in own}
    modules = [sys.modules[name] for name in names if name in sys.modules and name != "__main__"]
    chosen = [module for module in modules if _is_own(module)]
    for module in chosen:
        ray.cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in chosen:
            ray.cloudpickle.unregister_pickle_by_value(module)


def _is_own(module: Any) -> bool:
    """Whether a module is neither installed nor thalweg's."""
    file = getattr(module, "__file__", None)
    is_installed = file is not None and ("site-packages" in file or file.startswith(sysconfig.get_path("stdlib")))
    return file is not None and not is_installed and module.__name__.split(".")[0] != __name__.split(".")[0]
