"""Descent: methods, stopping rules, the step as a graph, the run, and what it returns."""

from .methods import Adam, GradientDescent, Method, Momentum
from .minimize import minimize
from .result import History, Result, Stopped
from .run import Progress
from .stopping import GradientBelow, MaxSeconds, MaxSteps, Measurement, NoChange, StoppingRule

__all__ = [
    "Adam",
    "GradientBelow",
    "GradientDescent",
    "History",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "Method",
    "Momentum",
    "NoChange",
    "Progress",
    "Result",
    "Stopped",
    "StoppingRule",
    "minimize",
]
