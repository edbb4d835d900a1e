"""Methods of descent. Each is a frozen dataclass; `base` says what they share and how to write one of your own."""

from .accelerated import AcceleratedGradient
from .base import Method, Point
from .first_order import Adagrad, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from .levenberg_marquardt import LevenbergMarquardt
from .newton import Newton, NewtonCG
from .quasi_newton import BFGS, LBFGS, BarzilaiBorwein, ConjugateGradient
from .random_search import RandomSearch

__all__ = [
    "BFGS",
    "LBFGS",
    "AcceleratedGradient",
    "Adagrad",
    "Adam",
    "AdamW",
    "BarzilaiBorwein",
    "ConjugateGradient",
    "GradientDescent",
    "LevenbergMarquardt",
    "Method",
    "Momentum",
    "Nesterov",
    "Newton",
    "NewtonCG",
    "Point",
    "RMSProp",
    "RandomSearch",
]
