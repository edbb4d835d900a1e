"""The hyperparameters of a table's model: what joins tables, models and the search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arguments import whole_number
from ..descent import L2, MaxSteps, Momentum
from ..errors import ArgumentError, TableError
from ..hyperparameters import Halving, LogUniform, SearchProgress, SearchResult, Uniform, search
from ..models import Model
from .fit_table import model_of
from .prepare import Prepared
from .table_model import TableModel

__all__ = ["RANGES", "Tuned", "tune"]

RANGES: Mapping[str, LogUniform | Uniform] = {
    "learning_rate": LogUniform(1e-5, 1.0),
    "momentum": Uniform(0.5, 0.99),
    "penalty": LogUniform(1e-8, 1.0),
}
"""What is searched, and how widely unless a caller says otherwise."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a search found, and the model of its best trial."""

    found: SearchResult
    model: TableModel


def tune(
    prepared: Prepared,
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    rounds: int = 4,
    trials: int = 32,
    halving: bool | Halving = False,
    epochs: int = 50,
    batch_size: int = 64,
    file: str | Path | None = None,
    seed: int = 0,
    on_progress: Callable[[SearchProgress], object] | None = None,
) -> Tuned:
    """Searches the learning rate, the momentum and the penalty on squared weights with which a table's model is fitted best.

    Trials descend in mini-batches, by momentum, and are compared by the loss on the validation rows, without the penalty.
    ranges: (low, high) for those of `RANGES` that are to differ. epochs: how often each trial sees every training row.
    The others are as for `search`. Raises TableError if there are no validation rows, and what `search` raises.
    """
    if prepared.kept is None:
        raise TableError(
            f"{prepared.table.path} has too few rows to keep some for validation, by which trials are compared; "
            "add rows, or use: thalweg fit"
        )
    epochs, batch_size = whole_number("epochs", epochs), whole_number("batch_size", batch_size)
    training = prepared.fitted
    found = search(
        _loss(prepared.model),
        prepared.model.start(seed, training.X.dtype),
        _ranges(ranges or {}),
        method=Momentum,
        data=training.data,
        validation=prepared.kept.data,
        rounds=rounds,
        trials=trials,
        halving=halving,
        batch_size=batch_size,
        stop=MaxSteps(epochs * math.ceil(len(training.X) / batch_size)),
        seed=seed,
        file=file,
        on_progress=on_progress,
    )
    return Tuned(found, model_of(prepared, found.result))


def _loss(model: Model) -> Callable[..., Any]:
    """The model's loss, with the penalty as an argument."""
    squares = L2(1.0)

    def loss(parameters: Any, *data: Any, penalty: Any = 0.0) -> Any:
        return model.loss(parameters, *data) + penalty * squares.smooth(parameters)

    return loss


def _ranges(given: Mapping[str, tuple[float, float]]) -> dict[str, LogUniform | Uniform]:
    for name in given:
        if name not in RANGES:
            raise ArgumentError(f"a range for {name!r}: what is searched is {', '.join(RANGES)}")
    return {name: type(range)(*given[name]) if name in given else range for name, range in RANGES.items()}
