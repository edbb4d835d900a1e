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
from .metrics import ClassMetrics, Metrics, NumberMetrics
from .model import Layer, Model
from .perceptron import Perceptron
from .weights import weights_of_classes

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "Absolute",
    "Activation",
    "ClassMetrics",
    "CrossEntropy",
    "HalfSquared",
    "Hinge",
    "Huber",
    "Layer",
    "Linear",
    "Logistic",
    "LogisticLoss",
    "Loss",
    "Metrics",
    "Model",
    "NumberMetrics",
    "Perceptron",
    "Poisson",
    "PoissonDeviance",
    "Quantile",
    "ResidualSumOfSquares",
    "Softmax",
    "Squared",
    "SupportVectorMachine",
    "weights_of_classes",
]
