"""Descent: methods, line searches, stopping rules, the steps as graphs, the run, and what it returns."""

from . import schedules
from .gradient_check import Agreement, GradientCheck, LeafCheck, check_gradient
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
from .population import Basin, Population, Rate, RateKind
from .result import History, Result, Stopped
from .run import Progress
from .starts import Gaussian, Glorot, He, Start, Uniform, Zeros
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
    "Agreement",
    "Armijo",
    "BarzilaiBorwein",
    "Basin",
    "ConjugateGradient",
    "Gaussian",
    "Glorot",
    "GradientBelow",
    "GradientCheck",
    "GradientDescent",
    "Grid",
    "He",
    "History",
    "LeafCheck",
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
    "Population",
    "Progress",
    "RMSProp",
    "RandomSearch",
    "Rate",
    "RateKind",
    "Result",
    "Start",
    "Stop",
    "Stopped",
    "StoppingRule",
    "StrongWolfe",
    "Uniform",
    "ValidationStalls",
    "Zeros",
    "check_gradient",
    "grid",
    "minimize",
    "powers_of_ten",
    "schedules",
]
