"""Linear estimators: regression and classification with any loss and penalty.

They minimise Σ_i w_i ℓ_i + α (ρ Σ |W| + (1 − ρ)/2 Σ W²), with ρ = l1_ratio for the elastic net, 1 for L1 and 0 for L2. With ℓ = ½ r² that
is `Ridge(alpha)`; with the logistic loss `LogisticRegression(C=1 / alpha)`; with the squared hinge `LinearSVC(C=1 / alpha)`,
whose intercept is penalised, while here none is.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..descent import Adam, Method
from ..errors import ArgumentError
from ..graph import Array
from ..models import Hinge, Linear, LogisticLoss, Loss, PoissonDeviance
from .core import check_number
from .estimator import Purpose
from .inputs import Examples
from .targets import OF_NUMBERS, OfClasses, OfNumbers, loss_for
from .units import Unit

__all__ = ["DescentClassifier", "DescentRegressor"]

_NO_UNIT = Unit(np.zeros(()), 1.0, 1.0)

_PENALTIES = ("l2", "l1", "elasticnet", None)

OF_CLASSES: dict[str, Loss] = {
    "logistic": LogisticLoss(),
    "hinge": Hinge(),
    "squared_hinge": Hinge(is_squared=True),
}


_BATCH = 200
"""Examples in a batch of partial_fit, unless batch_size says otherwise."""


def _purpose(estimator: Any, model: Linear, examples: Examples, seen: float, is_partial: bool, unit: Unit) -> Purpose:
    """unit: of the targets."""
    if estimator.penalty not in _PENALTIES:
        raise ArgumentError(f"penalty={estimator.penalty!r}: expected one of {', '.join(map(repr, _PENALTIES))}")
    check_number("l1_ratio", estimator.l1_ratio, 0, high=1)
    ratio = {"l2": 0.0, "l1": 1.0, None: 0.0}.get(estimator.penalty, estimator.l1_ratio)
    # Half the deviance is the negative logarithm of the probability: its sum belongs to twice the penalty.
    strength = 0.0 if estimator.penalty is None else estimator.alpha / seen
    if isinstance(model.criterion, PoissonDeviance):
        strength *= 2
    batch = _BATCH if estimator.batch_size is None and is_partial else estimator.batch_size
    return Purpose(
        model=model,
        l1=strength * ratio * unit.scale / unit.loss,
        l2=strength * (1 - ratio) / 2 * unit.scale**2 / unit.loss,
        is_standardised=False,
        has_intercept=bool(estimator.fit_intercept),
        method=_method(estimator, batch, examples.count, is_partial, strength * ratio > 0),
        batch_size=batch,
        tolerance=max(estimator.tol, 1e-300),
        patience=estimator.n_iter_no_change,
    )


def _method(estimator: Any, batch: int | None, count: int, is_partial: bool, has_kink: bool) -> Method | None:
    is_batched = is_partial or (batch is not None and batch < count)
    if estimator.method is None and is_batched and not has_kink:
        return Adam(0.01)
    return estimator.method  # type: ignore[no-any-return]  # scikit-learn has no types


@dataclass(eq=False, repr=False)
class _Parameters:
    """What both estimators are given, as attributes of the same names."""

    loss: str | Loss = "squared"
    _: KW_ONLY
    penalty: str | None = "l2"
    alpha: float = 1.0
    l1_ratio: float = 0.5
    fit_intercept: bool = True
    method: Method | None = None
    batch_size: int | None = None
    max_iter: int = 1000
    tol: float = 1e-9
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    warm_start: bool = False
    random_state: Any = None
    threads: int | None = None


class DescentRegressor(_Parameters, OfNumbers):
    """Linear regression, of one output or several.

    loss: "squared" (½ r²), "absolute", "huber", "quantile", "poisson", or a loss such as `tw.models.Huber(2.0)`.
    penalty: "l2", "l1", "elasticnet" or None. alpha: its strength α, as `Ridge` has it. l1_ratio: ρ, of the elastic net.
    fit_intercept: whether there is one; it is not penalised. method: of descent; by default L-BFGS, with L1 accelerated proximal
    steps, with mini-batches Adam(0.01). batch_size: examples in a mini-batch; None for all at once. max_iter: steps, or epochs.
    tol: of the gradient of the mean loss, relative to the spread of the targets; with mini-batches, or a method of your own, of the
    loss of epochs, `n_iter_no_change` in a row. early_stopping: whether to keep `validation_fraction` of the examples apart and stop
    when their loss has not improved in n_iter_no_change checks. warm_start: whether a fit goes on from the one before.
    random_state: of mini-batches and validation. threads: that share the work.

    Sparse features are made dense to fit, and multiplied as they are to predict. Features are standardised on the way, which changes
    the descent but not its end.

    After a fit: coef_ (n,) or (m, n), intercept_, n_iter_, loss_ (mean, penalty included), result_, model_.
    """

    def _purpose(self, examples: Examples, seen: float, is_partial: bool) -> Purpose:
        loss = self._check_loss(self.loss, OF_NUMBERS)
        y = examples.y
        model = Linear(examples.X.shape[1], y.shape[1] if y.ndim > 1 else None, objective=loss)
        return _purpose(self, model, examples, seen, is_partial, self._unit)

    @property
    def coef_(self) -> Array:
        """One weight for each feature (n,), or (m, n)."""
        return np.ascontiguousarray(self._layers[0]["w"].T)

    @property
    def intercept_(self) -> Array:
        """The intercept (), or (m,)."""
        return np.asarray(self._layers[0]["b"])[()]


@dataclass(eq=False, repr=False)
class DescentClassifier(_Parameters, OfClasses):
    """Linear classification: logistic regression (softmax for more than two classes), or a support vector machine.

    loss: "logistic", "hinge" or "squared_hinge". class_weight: a mapping of labels to weights, "balanced", or None.
    alpha: the strength of the penalty, 1 / C of `LogisticRegression`. The other parameters are those of `DescentRegressor`.

    After a fit: classes_, coef_ (1, n) for two classes, else (K, n), intercept_, n_iter_, loss_, result_, model_.
    """

    loss: str | Loss = "logistic"
    _: KW_ONLY
    class_weight: Any = None

    def _purpose(self, examples: Examples, seen: float, is_partial: bool) -> Purpose:
        classes = len(self.classes_)
        loss = loss_for(self._check_loss(self.loss, OF_CLASSES), classes)
        outputs = classes if classes > 2 or loss.has_score_per_class else None
        model = Linear(examples.X.shape[1], outputs, objective=loss)
        return _purpose(self, model, examples, seen, is_partial, _NO_UNIT)

    @property
    def coef_(self) -> Array:
        """One weight for each feature: (1, n) for two classes, else (K, n)."""
        return np.atleast_2d(np.ascontiguousarray(self._layers[0]["w"].T))

    @property
    def intercept_(self) -> Array:
        """(1,) for two classes, else (K,)."""
        return np.atleast_1d(self._layers[0]["b"])
