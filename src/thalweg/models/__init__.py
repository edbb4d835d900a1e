"""Models: losses over data, predictions and scores."""

from .losses import linear_loss, logistic_loss, predict_linear, predict_logistic
from .scores import linear_scores, logistic_scores

__all__ = [
    "linear_loss",
    "linear_scores",
    "logistic_loss",
    "logistic_scores",
    "predict_linear",
    "predict_logistic",
]
