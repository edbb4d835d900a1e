"""Descent: methods, stopping rules, the step as a graph, the run, and what it returns."""

from . import schedules
from .methods import Adagrad, Adam, AdamW, GradientDescent, Method, Momentum, Nesterov, Point, RMSProp
from .minimize import minimize
from .result import History, Result, Stopped
from .run import Progress
from .stopping import GradientBelow, LossBelow, MaxSeconds, MaxSteps, Measurement, NoChange, StoppingRule

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "GradientBelow",
    "GradientDescent",
    "History",
    "LossBelow",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "Method",
    "Momentum",
    "Nesterov",
    "NoChange",
    "Point",
    "Progress",
    "RMSProp",
    "Result",
    "Stopped",
    "StoppingRule",
    "minimize",
    "schedules",
]
