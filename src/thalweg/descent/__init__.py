"""Descent: methods, line searches, stopping rules, the steps as graphs, the run, and what it returns."""

from . import schedules
from .gradients import Numerical
from .grid import Grid, grid, powers_of_ten
from .line_search import Armijo, LineSearch, StrongWolfe
from .methods import (
    BFGS,
    LBFGS,
    Adagrad,
    Adam,
    AdamW,
    BarzilaiBorwein,
    ConjugateGradient,
    GradientDescent,
    LevenbergMarquardt,
    Method,
    Momentum,
    Nesterov,
    Newton,
    NewtonCG,
    Point,
    RandomSearch,
    RMSProp,
)
from .minimize import minimize
from .result import History, Result, Stopped
from .run import Progress
from .stopping import (
    GradientBelow,
    LossBelow,
    MaxSeconds,
    MaxSteps,
    Measurement,
    NoChange,
    Stop,
    StoppingRule,
    ValidationStalls,
)

__all__ = [
    "BFGS",
    "LBFGS",
    "Adagrad",
    "Adam",
    "AdamW",
    "Armijo",
    "BarzilaiBorwein",
    "ConjugateGradient",
    "GradientBelow",
    "GradientDescent",
    "Grid",
    "History",
    "LevenbergMarquardt",
    "LineSearch",
    "LossBelow",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "Method",
    "Momentum",
    "Nesterov",
    "Newton",
    "NewtonCG",
    "NoChange",
    "Numerical",
    "Point",
    "Progress",
    "RMSProp",
    "RandomSearch",
    "Result",
    "Stop",
    "Stopped",
    "StoppingRule",
    "StrongWolfe",
    "ValidationStalls",
    "grid",
    "minimize",
    "powers_of_ten",
    "schedules",
]
