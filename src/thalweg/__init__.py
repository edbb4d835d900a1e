"""thalweg: the way down. Gradient descent on any loss written in plain NumPy, compiled as a whole."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .descent import (
        BFGS,
        LBFGS,
        Adagrad,
        Adam,
        AdamW,
        Armijo,
        BarzilaiBorwein,
        ConjugateGradient,
        GradientBelow,
        GradientDescent,
        Grid,
        History,
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
        Progress,
        RandomSearch,
        Result,
        RMSProp,
        Stop,
        Stopped,
        StoppingRule,
        StrongWolfe,
        ValidationStalls,
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
            "Armijo",
            "BFGS",
            "BarzilaiBorwein",
            "ConjugateGradient",
            "GradientBelow",
        ),
        *(
            "GradientDescent",
            "Grid",
            "History",
            "LBFGS",
            "LevenbergMarquardt",
            "LineSearch",
            "LossBelow",
            "MaxSeconds",
        ),
        *(
            "MaxSteps",
            "Measurement",
            "Method",
            "Momentum",
            "Nesterov",
            "Newton",
            "NewtonCG",
            "NoChange",
        ),
        *(
            "Numerical",
            "Point",
            "Progress",
            "RMSProp",
            "RandomSearch",
            "Result",
            "Stop",
            "Stopped",
        ),
        *(
            "StoppingRule",
            "StrongWolfe",
            "ValidationStalls",
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
    "ArgumentError",
    "Armijo",
    "BarzilaiBorwein",
    "ConjugateGradient",
    "DataError",
    "GradientBelow",
    "GradientDescent",
    "GraphError",
    "Grid",
    "History",
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
    "Progress",
    "RMSProp",
    "RandomSearch",
    "Result",
    "ShapeError",
    "Stop",
    "Stopped",
    "StoppingRule",
    "StrongWolfe",
    "TableError",
    "ThalwegError",
    "TracingError",
    "ValidationStalls",
    "__version__",
    "grad",
    "grid",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "minimize",
    "powers_of_ten",
    "schedules",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """Loads what is asked for, when it is first asked for: importing thalweg costs nothing."""
    if name == "schedules":
        return import_module(".descent.schedules", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'thalweg' has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
