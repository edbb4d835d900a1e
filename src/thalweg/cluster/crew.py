"""The workers of a cluster, as the driver sees them: started, asked, and replaced when they die. The only file that knows Ray."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ClusterError, ThalwegError
from .shard import Shard
from .tree import dealt
from .worker import Worker

__all__ = ["Crew", "LostError", "connect"]

_SECONDS_TO_REPLACE = 20.0
"""So long a replacement may take; after that the living workers take over the shards."""

_LARGE = 64 << 10
"""Values of more bytes go into the cluster's store once, instead of into every call."""


def connect(address: str | None, workers: int | None, store: int | None) -> Any:
    """Ray, connected: to the cluster at an address, or to one of this machine's own that is started now.

    Raises ClusterError if Ray is not installed or the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise ClusterError("a cluster needs Ray, which is not installed: pip install 'thalweg[ray]'") from None
    if ray.is_initialized():
        return ray
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"num_cpus": workers, "include_dashboard": False, "object_store_memory": store}
    else:
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = "on this machine" if address is None else f"at {address}"
        raise ClusterError(
            f"there is no Ray cluster {where}: {error}. Start one with: ray start --head; or write tw.Cluster() for one of "
            "this machine's own"
        ) from None
    return ray


class LostError(Exception):
    """An answer is gone with the worker that had it."""


def _own(error: Any) -> Exception:
    """What a worker raised: an error of thalweg's as it is, all else as a ClusterError."""
    cause = error.cause
    return cause if isinstance(cause, ThalwegError) else ClusterError(f"a worker failed: {cause!r}")


@dataclass(eq=False)
class _Member:
    """A worker. number: stays the same when it is replaced. seconds, examples: of all its answers."""

    number: int
    actor: Any
    shards: list[int]
    seconds: float = 0.0
    examples: int = 0


@dataclass(eq=False)
class Crew:
    """Workers with the shards that each holds.

    can_hand_over: whether the shards of a worker that cannot be replaced may go to others.
    starts: what is called on every new worker before it is asked anything. notes: what happened on the way, for the user.
    """

    ray: Any
    shards: Mapping[int, Shard]
    threads: int
    members: list[_Member] = field(default_factory=list)
    can_hand_over: bool = True
    starts: list[Callable[[Any], Sequence[Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def hire(self, count: int) -> None:
        """Starts so many workers and deals the shards out."""
        with self._reachable():
            for number, shards in enumerate(dealt(len(self.shards), count)):
                self.members.append(_Member(number, self._actor(), shards))
            # One shard of each at a time, so that the cluster's store need not hold all of them.
            dealt_out = [(member, list(member.shards)) for member in self.members]
            for place in range(max(len(shards) for _, shards in dealt_out)):
                holding = [(member, shards[place]) for member, shards in dealt_out if place < len(shards)]
                self._wait([(member, [self._given(member.actor, shard)]) for member, shard in holding])

    def _actor(self) -> Any:
        options = {"num_cpus": self.threads, "max_restarts": 0}
        return self.ray.remote(Worker).options(**options).remote(self.threads)

    def _given(self, actor: Any, shard: int) -> Any:
        return actor.hold.remote(shard, self.shards[shard])

    def begin(self, start: Callable[[Any], Sequence[Any]]) -> None:
        """Does something on every worker, and on all who come later. start: worker → what to wait for."""
        self.starts.append(start)
        with self._reachable():
            self._wait([(member, start(member.actor)) for member in self.members])

    def _wait(self, calls: Sequence[tuple[_Member, Sequence[Any]]]) -> None:
        """Waits for calls of workers. Who dies meanwhile is replaced, and told all that the others were told."""
        for member, references in calls:
            try:
                self.ray.get(list(references))
            except self.ray.exceptions.RayActorError:
                if member in self.members:
                    self._replace(member)

    def next_program(self) -> int:
        """The number of one more program that the workers get."""
        return len(self.starts)

    def ask(self, name: str, arguments: Callable[[Sequence[int]], Sequence[Any]]) -> list[tuple[Any, Any]]:
        """Calls a method of all workers that returns an `Effort` and an answer: (worker, reference to its answer) of each.

        arguments: for a worker with these shards. Whoever dies is replaced and asked again.
        """
        with self._reachable():
            open_calls = [(member, self._call(member, name, arguments(member.shards))) for member in self.members]
            answers = []
            while open_calls:
                member, (effort, answer) = open_calls.pop(0)
                try:
                    took = self.ray.get(effort)
                except self.ray.exceptions.RayActorError:
                    for other, shards in self._replace(member):
                        open_calls.append((other, self._call(other, name, arguments(shards))))
                    continue
                member.seconds += took.seconds
                member.examples += took.examples
                answers.append((member.actor, answer))
            return answers

    def _call(self, member: _Member, name: str, arguments: Sequence[Any]) -> Any:
        return getattr(member.actor, name).options(num_returns=2).remote(*arguments)

    def fetched(self, references: Sequence[Any]) -> Any:
        """What lies behind references. Raises LostError if a worker died that had it."""
        with self._reachable():
            try:
                return self.ray.get(list(references))
            except (self.ray.exceptions.RayActorError, self.ray.exceptions.ObjectLostError):
                raise LostError from None

    def _replace(self, lost: _Member) -> list[tuple[_Member, list[int]]]:
        """Who takes over the shards of a worker that is gone: a new one, or the others, and which shards each."""
        begin = time.perf_counter()
        actor = self._actor()
        try:
            self.ray.get(actor.process.remote(), timeout=_SECONDS_TO_REPLACE)
            for shard in lost.shards:
                self.ray.get(self._given(actor, shard))
            self.ray.get([reference for start in self.starts for reference in start(actor)])
        except (self.ray.exceptions.GetTimeoutError, self.ray.exceptions.RayActorError):
            self.ray.kill(actor)
            if not self.can_hand_over:
                raise ClusterError(
                    f"worker {lost.number} died, and the cluster has no room for another; with local_steps the others cannot take over"
                ) from None
            return self._hand_over(lost)
        lost.actor = actor
        self.notes.append(
            f"worker {lost.number} died and was replaced within {time.perf_counter() - begin:.1f} s; its part of the step was "
            "repeated"
        )
        return [(lost, lost.shards)]

    def _hand_over(self, lost: _Member) -> list[tuple[_Member, list[int]]]:
        self.members = [member for member in self.members if member is not lost]
        if not self.members:
            raise ClusterError("the last worker died, and the cluster has no room for another")
        shares = dealt(len(lost.shards), len(self.members))
        taken = []
        for member, places in zip(self.members, shares, strict=True):
            shards = [lost.shards[place] for place in places]
            if shards:
                for shard in shards:
                    self.ray.get(self._given(member.actor, shard))
                member.shards = sorted([*member.shards, *shards])
                taken.append((member, shards))
        self.notes.append(f"worker {lost.number} died; its {len(lost.shards)} shards went to the others")
        return taken

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except self.ray.exceptions.RayTaskError as error:
            raise _own(error) from None
        except self.ray.exceptions.RayActorError:
            raise ClusterError("workers die faster than they can be replaced") from None
        except (ConnectionError, self.ray.exceptions.RaySystemError, self.ray.exceptions.GetTimeoutError) as error:
            raise ClusterError(f"the cluster does not answer any more: {error}") from None

    def carried(self, value: Any, size: int) -> Any:
        """A value as it goes into calls: a large one lies in the cluster's store, and only a reference travels."""
        return self.ray.put(value) if size > _LARGE else value

    def slow_worker(self) -> str | None:
        """A sentence about a worker that took more than twice as long for an example as the others, if there is one."""
        rates = sorted((member.seconds / member.examples, member) for member in self.members if member.examples)
        if len(rates) < 2:
            return None
        (usual, _), (slowest, member) = rates[(len(rates) - 1) // 2], rates[-1]
        if slowest < 2 * usual:
            return None
        return (
            f"worker {member.number} was slow: {1e9 * slowest:.3g} ns for an example and sweep, the others {1e9 * usual:.3g}. All "
            "wait for it in every step"
        )

    def dismiss(self) -> None:
        """Ends the workers."""
        for member in self.members:
            with contextlib.suppress(Exception):
                self.ray.kill(member.actor)
        self.members = []
