"""Multi-layer perceptrons as estimators.

They minimise the mean loss + α/2 Σ W². Features, and the targets of a regression, are standardised on the way, so that unscaled data
do no harm; the layers that result are for data in their own units.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..descent import Adam, Method
from ..graph import Array
from ..models import LogisticLoss, Loss, Perceptron
from .estimator import DescentEstimator, Purpose
from .inputs import Examples
from .targets import OF_NUMBERS, OfClasses, OfNumbers, loss_for

__all__ = ["PerceptronClassifier", "PerceptronRegressor"]

OF_CLASSES: dict[str, Loss] = {"logistic": LogisticLoss()}


def _purpose(estimator: Any, model: Perceptron, examples: Examples) -> Purpose:
    is_auto = estimator.batch_size == "auto"
    batch = min(200, max(64, examples.count // 10)) if is_auto else estimator.batch_size
    return Purpose(
        model=model,
        l1=0.0,
        l2=estimator.alpha / 2,
        is_standardised=True,
        has_intercept=True,
        method=Adam(0.001) if estimator.method is None else estimator.method,
        batch_size=batch,
        tolerance=estimator.tol,
        patience=estimator.n_iter_no_change,
    )


@dataclass(eq=False, repr=False)
class _Layered(DescentEstimator):
    """What both perceptrons are given, as attributes of the same names, and what they show of their layers."""

    hidden_layer_sizes: Any = (100,)
    activation: str = "relu"
    _: KW_ONLY
    loss: str | Loss = "squared"
    alpha: float = 1e-4
    method: Method | None = None
    batch_size: int | str | None = "auto"
    max_iter: int = 200
    tol: float = 1e-4
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    warm_start: bool = False
    random_state: Any = None
    threads: int | None = None

    _has_auto_batch = True

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, for features in their own units."""
        return [layer["w"] for layer in self._layers]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer."""
        return [np.asarray(layer["b"]) for layer in self._layers]


class PerceptronRegressor(_Layered, OfNumbers):
    """Regression with a multi-layer perceptron, of one output or several.

    hidden_layer_sizes: the width of each hidden layer. activation: "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus" or
    "identity". loss: "squared" (½ r²), "absolute", "huber", "quantile", "poisson", or one of `tw.models`. alpha: the strength of the
    L2 penalty. method: of descent; by default Adam(0.001). batch_size: "auto" for a
    tenth of the examples, at least 64 and at most 200; None for all.
    max_iter: epochs. tol, n_iter_no_change: it stops when the loss of an epoch, or of ten batches where that is more, has not improved
    by tol so many times in a row.
    early_stopping, validation_fraction: stop by the loss on examples that are kept apart instead, and return the best parameters.
    warm_start: whether a fit goes on from the one before. random_state: of the start, mini-batches and validation.
    threads: that share the work.

    After a fit: coefs_, intercepts_, n_iter_ (epochs), loss_ (mean, penalty included, of standardised targets), result_, model_.
    """

    def _purpose(self, examples: Examples, seen: float, is_partial: bool) -> Purpose:
        loss = self._check_loss(self.loss, OF_NUMBERS)
        y = examples.y
        outputs = y.shape[1] if y.ndim > 1 else None
        hidden = tuple(np.atleast_1d(self.hidden_layer_sizes).tolist())
        return _purpose(
            self, Perceptron(examples.X.shape[1], outputs, hidden, self.activation, "glorot", objective=loss), examples
        )


@dataclass(eq=False, repr=False)
class PerceptronClassifier(_Layered, OfClasses):
    """Classification with a multi-layer perceptron: a logistic output for two classes, a softmax for more.

    class_weight: a mapping of labels to weights, "balanced", or None. The other parameters are those of `PerceptronRegressor`.

    After a fit: classes_, coefs_, intercepts_, n_iter_ (epochs), loss_, result_, model_.
    """

    _: KW_ONLY
    loss: str | Loss = "logistic"
    class_weight: Any = None

    def _purpose(self, examples: Examples, seen: float, is_partial: bool) -> Purpose:
        classes = len(self.classes_)
        loss = loss_for(self._check_loss(self.loss, OF_CLASSES), classes)
        outputs = classes if classes > 2 or loss.has_score_per_class else None
        hidden = tuple(np.atleast_1d(self.hidden_layer_sizes).tolist())
        return _purpose(
            self, Perceptron(examples.X.shape[1], outputs, hidden, self.activation, "glorot", objective=loss), examples
        )
