"""thalweg: the way down. Gradient descent on any loss written in plain NumPy, compiled as a whole."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import models
    from .descent import (
        BFGS,
        LBFGS,
        Adagrad,
        Adam,
        AdamW,
        Agreement,
        Armijo,
        BarzilaiBorwein,
        Basin,
        ConjugateGradient,
        Gaussian,
        Glorot,
        GradientBelow,
        GradientCheck,
        GradientDescent,
        Grid,
        He,
        History,
        LeafCheck,
        LevenbergMarquardt,
        LineSearch,
        LossBelow,
        MaxSeconds,
        MaxSteps,
        Measurement,
        Method,
        Momentum,
        Nesterov,
        Newton,
        NewtonCG,
        NoChange,
        Numerical,
        Point,
        Population,
        Progress,
        RandomSearch,
        Rate,
        RateKind,
        Result,
        RMSProp,
        Start,
        Stop,
        Stopped,
        StoppingRule,
        StrongWolfe,
        Uniform,
        ValidationStalls,
        Zeros,
        check_gradient,
        grid,
        minimize,
        powers_of_ten,
        schedules,
    )
    from .errors import (
        ArgumentError,
        DataError,
        GraphError,
        LossError,
        ModelFileError,
        ShapeError,
        TableError,
        ThalwegError,
        TracingError,
    )
    from .transformations import (
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        value_and_grad,
        vjp,
    )

_HOMES = {
    "descent": (
        *(
            "Adagrad",
            "Adam",
            "AdamW",
            "Agreement",
            "Armijo",
            "BFGS",
            "BarzilaiBorwein",
            "Basin",
        ),
        *(
            "ConjugateGradient",
            "Gaussian",
            "Glorot",
            "GradientBelow",
            "GradientCheck",
            "GradientDescent",
            "Grid",
            "He",
        ),
        *(
            "History",
            "LBFGS",
            "LeafCheck",
            "LevenbergMarquardt",
            "LineSearch",
            "LossBelow",
            "MaxSeconds",
            "MaxSteps",
        ),
        *(
            "Measurement",
            "Method",
            "Momentum",
            "Nesterov",
            "Newton",
            "NewtonCG",
            "NoChange",
            "Numerical",
        ),
        *(
            "Point",
            "Population",
            "Progress",
            "RMSProp",
            "RandomSearch",
            "Rate",
            "RateKind",
            "Result",
        ),
        *(
            "Start",
            "Stop",
            "Stopped",
            "StoppingRule",
            "StrongWolfe",
            "Uniform",
            "ValidationStalls",
            "Zeros",
        ),
        *(
            "check_gradient",
            "grid",
            "minimize",
            "powers_of_ten",
        ),
    ),
    "errors": (
        *(
            "ArgumentError",
            "DataError",
            "GraphError",
            "LossError",
            "ModelFileError",
            "ShapeError",
            "TableError",
            "ThalwegError",
        ),
        *("TracingError",),
    ),
    "transformations": (
        *(
            "grad",
            "hessian",
            "hvp",
            "jacobian",
            "jvp",
            "value_and_grad",
            "vjp",
        ),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BFGS",
    "LBFGS",
    "Adagrad",
    "Adam",
    "AdamW",
    "Agreement",
    "ArgumentError",
    "Armijo",
    "BarzilaiBorwein",
    "Basin",
    "ConjugateGradient",
    "DataError",
    "Gaussian",
    "Glorot",
    "GradientBelow",
    "GradientCheck",
    "GradientDescent",
    "GraphError",
    "Grid",
    "He",
    "History",
    "LeafCheck",
    "LevenbergMarquardt",
    "LineSearch",
    "LossBelow",
    "LossError",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "Method",
    "ModelFileError",
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
    "ShapeError",
    "Start",
    "Stop",
    "Stopped",
    "StoppingRule",
    "StrongWolfe",
    "TableError",
    "ThalwegError",
    "TracingError",
    "Uniform",
    "ValidationStalls",
    "Zeros",
    "__version__",
    "check_gradient",
    "grad",
    "grid",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "minimize",
    "models",
    "powers_of_ten",
    "schedules",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """Loads what is asked for, when it is first asked for: importing thalweg costs nothing."""
    if name == "schedules":
        return import_module(".descent.schedules", __name__)
    if name == "models":
        return import_module(".models", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'thalweg' has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
