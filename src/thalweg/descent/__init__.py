"""Descent: methods, line searches, stopping rules, the steps as graphs, the run, and what it returns."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand
from . import schedules
from .controls import Controls, Intervention
from .data import Stream
from .gradients import Numerical
from .grid import Grid, grid, powers_of_ten
from .history import History
from .line_search import Armijo, LineSearch, StrongWolfe
from .methods import (
    BFGS,
    LBFGS,
    AcceleratedGradient,
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
from .penalties import L1, L2, ElasticNet, Penalty
from .population import Basin, Population, Rate, RateKind
from .result import Result, Stopped
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

if TYPE_CHECKING:
    from .gradient_check import Agreement, GradientCheck, LeafCheck, check_gradient
    from .starts import Gaussian, Glorot, He, Start, Uniform, Zeros
    from .trajectory import Trajectory, retrace

__all__ = [
    "BFGS",
    "L1",
    "L2",
    "LBFGS",
    "AcceleratedGradient",
    "Adagrad",
    "Adam",
    "AdamW",
    "Agreement",
    "Armijo",
    "BarzilaiBorwein",
    "Basin",
    "ConjugateGradient",
    "Controls",
    "ElasticNet",
    "Gaussian",
    "Glorot",
    "GradientBelow",
    "GradientCheck",
    "GradientDescent",
    "Grid",
    "He",
    "History",
    "Intervention",
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
    "Penalty",
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
    "Stream",
    "StrongWolfe",
    "Trajectory",
    "Uniform",
    "ValidationStalls",
    "Zeros",
    "check_gradient",
    "grid",
    "minimize",
    "powers_of_ten",
    "retrace",
    "schedules",
]

# Most descents need none of these.
__getattr__ = on_demand(
    __name__,
    {
        "gradient_check": ["Agreement", "GradientCheck", "LeafCheck", "check_gradient"],
        "starts": ["Gaussian", "Glorot", "He", "Start", "Uniform", "Zeros"],
        "trajectory": ["Trajectory", "retrace"],
    },
)
