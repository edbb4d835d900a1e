"""Models: losses over data, predictions and scores."""

from .activations import ACTIVATIONS, Activation
from .linear import Linear, Logistic, Poisson, Softmax, SupportVectorMachine
from .losses import (
    LOSSES,
    Absolute,
    CrossEntropy,
    HalfSquared,
    Hinge,
    Huber,
    LogisticLoss,
    Loss,
    PoissonDeviance,
    Quantile,
    ResidualSumOfSquares,
    Squared,
)
from .model import Layer, Model
from .of_tables import linear_loss, logistic_loss, predict_linear, predict_logistic
from .perceptron import Perceptron
from .scores import linear_scores, logistic_scores
from .weights import weights_of_classes

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "Absolute",
    "Activation",
    "CrossEntropy",
    "HalfSquared",
    "Hinge",
    "Huber",
    "Layer",
    "Linear",
    "Logistic",
    "LogisticLoss",
    "Loss",
    "Model",
    "Perceptron",
    "Poisson",
    "PoissonDeviance",
    "Quantile",
    "ResidualSumOfSquares",
    "Softmax",
    "Squared",
    "SupportVectorMachine",
    "linear_loss",
    "linear_scores",
    "logistic_loss",
    "logistic_scores",
    "predict_linear",
    "predict_logistic",
    "weights_of_classes",
]
