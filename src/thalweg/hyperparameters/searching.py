"""`search`: the hyperparameters that train best, by random trials in ranges that narrow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..arguments import whole_number
from ..cluster import Cluster
from ..descent import Method, Progress, Result, Start, StoppingRule
from ..descent.data import data_of
from ..descent.parameters import leaf_arrays
from ..errors import ArgumentError
from ..storage import digest_of
from .found import SearchProgress, SearchResult, edges
from .halving import Halving, steps_of
from .ranges import Range, check_range, plain
from .rounds import Drawn, Ranges, draw, narrow
from .running import Group, Outcome, compete, groups_of, run_on
from .task import Task, checked_ranges, described
from .trials import Record, Status, Trial, ranked

__all__ = ["search"]


def search(
    loss: Callable[..., Any],
    parameters: Any,
    ranges: Mapping[str, Range],
    *,
    method: Method | type[Method] | None = None,
    data: Any = None,
    validation: Any = None,
    score: Callable[..., Any] | None = None,
    rounds: int = 4,
    trials: int = 32,
    keep: float = 0.25,
    narrowing: float = 0.5,
    halving: bool | Halving = False,
    start: Start | None = None,
    batch_size: int | None = None,
    stop: StoppingRule | None = None,
    seed: int = 0,
    threads: int | None = None,
    file: str | Path | None = None,
    on_progress: Callable[[SearchProgress], object] | None = None,
    cluster: Cluster | None = None,
) -> SearchResult:
    """Searches the hyperparameters with which a loss is trained best: draws them at random from ranges, trains, scores on
    validation data, and, round by round, narrows the ranges around what did best.

    loss: as for `minimize`. Hyperparameters that it takes are further named arguments: loss(parameters, X, y, *, penalty=0.0).
    parameters: where every trial starts; or a function of hyperparameters by name, such as a width, that returns it.
    ranges: for each hyperparameter a `LogUniform`, `Uniform`, `Integer` or `Choice`. A value goes to whatever takes its name: a
        number of the method (learning_rate, momentum, ...), an argument of the loss, of `parameters`, of the score; "method"
        and "batch_size" are taken by the search.
    method: of descent, or its class; the numbers that are not searched stay as they are. By default as in `minimize`.
    data, validation: as for `minimize`; trials train on the first and are scored on the second.
    score: (parameters, *validation) → a number, smaller where better, in NumPy; it may take hyperparameters by name. By default the
        loss on the validation data; its own numbers (LogUniform, Uniform) are then left at their defaults, so that a
        penalty is no part of the score. Choices and integers are passed.
    rounds, trials: so many trials in each of so many rounds.
    keep: the next round's ranges span the best trials so far, as many as this share of a round.
    narrowing: and are at most this share as wide as before. They always hold the best values, and stay within those given.
    halving: whether weak trials are stopped early, by successive halving: True, or `Halving(factor=3)`. Needs a limit of steps.
    start, batch_size, stop, threads: as for `minimize`, for every trial. All trials see the same mini-batches.
    seed: of all randomness.
    file: where every trial is recorded, as JSON lines. If it is there, the search goes on where it stopped: recorded trials
        are not run again (with halving, those of whole rounds), and the outcome is that of a search that was never interrupted.
        More rounds can be asked for.
    on_progress: called with a `SearchProgress` some twenty times a second (on a cluster: as workers answer); if it returns True the
        search stops.
    cluster: whose workers run the trials, in place of this process; the data go there once.

    Trials that share a shape run as one program, side by side. Values of LogUniform and Uniform are its inputs; each
    integer and each choice (but one of numbers with decimals) makes a program of its own.
    A score that is not finite ranks last. Ctrl-C keeps the trials that have run.
    Raises ArgumentError, and what `minimize` raises, before the search starts wherever that can be known.

    Sources: J. Bergstra and Y. Bengio, *Random Search for Hyper-Parameter Optimization*, JMLR 13 (2012); of halving, see `Halving`.

    >>> import numpy as np
    >>> from thalweg.descent import GradientDescent, MaxSteps
    >>> from thalweg.hyperparameters import LogUniform
    >>> bowl = lambda w: np.sum((w - 3.0) ** 2)
    >>> found = search(bowl, np.zeros(2), {"learning_rate": LogUniform(1e-6, 10)}, method=GradientDescent, stop=MaxSteps(20))
    >>> 0.1 < found.best_values["learning_rate"] < 0.9
    True
    """
    begin = time.perf_counter()
    given = checked_ranges(ranges, check_range)
    rounds, trials = whole_number("rounds", rounds), whole_number("trials", trials)
    for name, share in (("keep", keep), ("narrowing", narrowing)):
        if not isinstance(share, int | float) or not 0 < share <= 1:
            raise ArgumentError(f"{name}={share!r}: expected a share, above 0 and at most 1")
    if not isinstance(halving, bool | Halving):
        raise ArgumentError(f"halving={halving!r}: expected True, False or tw.Halving(factor=3)")
    if cluster is not None and not isinstance(cluster, Cluster):
        raise ArgumentError(f"cluster={cluster!r}: expected a tw.Cluster, such as tw.Cluster(workers=4)")
    if cluster is not None and halving:
        raise ArgumentError(
            "halving=... compares all trials of a round again and again, which cannot be spread over a cluster: leave out one of them"
        )
    task = Task(loss, parameters, given, method, data, validation, score, start, batch_size, stop, int(seed), threads)
    task.check()
    chosen = Halving() if halving is True else halving or None
    hunt = _Hunt(task, rounds, trials, keep, narrowing, chosen, on_progress, begin, cluster)
    hunt.check()
    hunt.record = Record.open(file, hunt.configuration())
    try:
        return hunt.run()
    finally:
        hunt.record.close()


@dataclass(eq=False)
class _Hunt:
    """A search on its way. best: the descent of the best trial, if it has run in this process."""

    task: Task
    rounds: int
    trials: int
    keep: float
    narrowing: float
    halving: Halving | None
    on_progress: Callable[[SearchProgress], object] | None
    begin: float
    cluster: Cluster | None = None
    record: Record = field(default_factory=lambda: Record(None, {}, []))
    best: Outcome | None = None
    is_stopped: bool = False

    def check(self) -> None:
        """Raises errors that the first round would meet."""
        groups = groups_of(self.task, self._draw(self.task.ranges, 0))
        for group in groups:
            group.check()
            if self.halving is not None and steps_of(group.plan.rule) is None:
                raise ArgumentError(
                    f"halving divides a number of steps, and the rule {group.plan.rule} sets none: add one, such as "
                    "stop=... | tw.MaxSteps(1000)"
                )

    def configuration(self) -> dict[str, Any]:
        """What tells this search from others, as plain data."""
        task = self.task
        ends = {name: range.ends()[0] for name, range in task.ranges.items()}
        graph = task.plan(task.settle(Drawn(0, 0, ends, 0))).problem.graph
        return {
            "ranges": {name: range.to_dict() for name, range in task.ranges.items()},
            "rounds": self.rounds,
            "trials": self.trials,
            "keep": self.keep,
            "narrowing": self.narrowing,
            "halving": None if self.halving is None else asdict(self.halving),
            "method": described(task.method),
            "loss": f"{described(task.loss)} {graph.fingerprint[:16]}",
            "score": described(task.score),
            "stop": described(task.stop),
            "start": described(task.start),
            "batch_size": task.batch_size,
            "seed": task.seed,
            "parameters": described(task.parameters) if callable(task.parameters) else _digest_of(task.parameters),
            "data": {"training": _digest(task.data), "validation": _digest(task.validation)},
        }

    # Rounds
    def run(self) -> SearchResult:
        """All rounds."""
        self.ranges: list[Ranges] = [self.task.ranges]
        known = len(self.record.trials)
        if known:
            self.record.notes.insert(0, f"{known:,} trials were recorded before")
        try:
            for number in range(self.rounds):
                self._round(number)
                if self.is_stopped:
                    break
                self.ranges.append(narrow(self.ranges[-1], self.task.ranges, self._done(), self.keep, self.narrowing))
        except KeyboardInterrupt:
            self.is_stopped = True
        return self._result()

    def _draw(self, ranges: Ranges, number: int) -> list[Drawn]:
        return draw(ranges, self.task.seed, number, self.trials)

    def _round(self, number: int) -> None:
        drawn = self._draw(self.ranges[-1], number)
        self._restore(drawn)
        if all(one.number in self.record.trials for one in drawn):
            return
        groups = self._groups(drawn)
        if self.halving is not None:
            self._note(compete(groups, self.halving, self._progress))
            self.is_stopped = self.is_stopped or self._progress(None) is True
            return
        chosen = [[place for place, n in enumerate(group.numbers()) if n not in self.record.trials] for group in groups]
        ran = self._run(groups, chosen)
        for outcomes in ran:
            self._note(outcomes)
            if self.is_stopped or self._progress(None) is True:
                self.is_stopped = True
                return

    def _run(self, groups: Sequence[Group], chosen: Sequence[Sequence[int]]) -> Iterator[list[Outcome] | None]:
        """Runs the chosen trials, group after group, or on the cluster."""
        left = [(group, places) for group, places in zip(groups, chosen, strict=True) if places]
        if self.cluster is not None:
            return run_on(self.cluster, [group for group, _ in left], [places for _, places in left])
        return (group.run(self._progress, places) for group, places in left)

    def _groups(self, drawn: Sequence[Drawn]) -> list[Group]:
        """Populations, small enough that every worker gets one."""
        if self.cluster is None:
            return groups_of(self.task, drawn)
        return groups_of(self.task, drawn, max(1, -(-len(drawn) // self.cluster.count())))

    def _restore(self, drawn: Sequence[Drawn]) -> None:
        """Gives recorded trials the values that were drawn, which the file holds as text and numbers only."""
        for one in drawn:
            trial = self.record.trials.get(one.number)
            if trial is None:
                continue
            plainly = {name: plain(value) for name, value in one.values.items()}
            if dict(trial.values) not in (plainly, dict(one.values)):
                raise ArgumentError(
                    f"{self.record.path}: trial {one.number} holds {dict(trial.values)}, where this search draws {plainly}; the "
                    "file was changed. Name another file."
                )
            self.record.trials[one.number] = replace(trial, values=one.values)

    def _note(self, outcomes: Sequence[Outcome] | None) -> None:
        """Records trials that have run."""
        if outcomes is None:
            self.is_stopped = True
            return
        known = set(self.record.trials)
        new = sorted((x.trial for x in outcomes if x.trial.number not in known), key=lambda trial: trial.number)
        self.record.add(new)
        for outcome in outcomes:
            if self.best is None or ranked([self.best.trial, outcome.trial])[0] is outcome.trial:
                self.best = outcome

    def _done(self) -> list[Trial]:
        """The trials that have run, of the rounds so far."""
        count = len(self.ranges) * self.trials
        return [trial for number, trial in sorted(self.record.trials.items()) if number < count]

    def _progress(self, descent: Progress | None) -> object:
        if self.on_progress is None:
            return None
        done = self._done()
        best = ranked(done)[0] if done else None
        now = SearchProgress(
            len(self.ranges) - 1,
            self.rounds,
            len(done),
            self.rounds * self.trials,
            best if best is not None and best.status is not Status.NOT_FINITE else None,
            self.ranges[-1],
            time.perf_counter() - self.begin,
            descent,
        )
        return self.on_progress(now)

    # The end
    def _result(self) -> SearchResult:
        done = self._done()
        if not done:
            raise ArgumentError("the search was stopped before a trial had ended, so that there is nothing to return")
        best = ranked(done)[0]
        if best.status is Status.NOT_FINITE:
            raise ArgumentError(
                f"none of the {len(done)} trials reached a finite score. Where learning rates are searched, let their range "
                "begin lower, such as tw.LogUniform(1e-8, 1e-2); else look at the score, and at the scale of the data"
            )
        result = self._descent(best)
        notes = list(self.record.notes)
        if self.is_stopped:
            notes.append(f"the user stopped the search after {len(done):,} of {self.rounds * self.trials:,} trials")
        notes += edges(best, self.task.ranges)
        seconds = time.perf_counter() - self.begin
        return SearchResult(best, result, tuple(done), tuple(self.ranges), self._score(), seconds, tuple(notes))

    def _descent(self, best: Trial) -> Result:
        """The best trial's descent. The file does not hold it: a trial from an earlier process runs once more."""
        if self.best is not None and self.best.trial.number == best.number:
            return self.best.result
        for group in groups_of(self.task, self._draw(self.ranges[best.round], best.round)):
            if best.number in group.numbers():
                outcomes = group.run(None, [group.numbers().index(best.number)], best.budget)
                if outcomes is None:
                    raise KeyboardInterrupt
                return outcomes[0].result
        raise AssertionError("every trial is in a group of its round")

    def _score(self) -> str:
        task = self.task
        if task.score is not None:
            return f"{getattr(task.score, '__name__', 'score')}, smaller is better"
        where = "the validation data" if task.validation is not None else "no data"
        fixed = ", ".join(f"{name}={value!r}" for name, value in task.defaults.items())
        return f"the loss on {where}" + (f", with {fixed}" if fixed else "")


def _digest(data: Any) -> str | None:
    """What tells data from others."""
    return None if data is None else _digest_of(data_of(data).arrays)


def _digest_of(tree: Any) -> str:
    return digest_of(leaf_arrays(tree)[0])
