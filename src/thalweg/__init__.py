"""thalweg: the way down. Gradient descent on any loss written in plain NumPy, compiled as a whole."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .descent import (
        Adagrad,
        Adam,
        AdamW,
        GradientBelow,
        GradientDescent,
        History,
        LossBelow,
        MaxSeconds,
        MaxSteps,
        Measurement,
        Method,
        Momentum,
        Nesterov,
        NoChange,
        Point,
        Progress,
        Result,
        RMSProp,
        Stopped,
        StoppingRule,
        minimize,
        schedules,
    )
    from .diagnosis import Convexity, ConvexityKind, Counterexample, convexity
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
    from .transformations import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

_HOMES = {
    "descent": (
        *("Adagrad", "Adam", "AdamW", "GradientBelow", "GradientDescent", "History", "LossBelow", "MaxSeconds"),
        *("MaxSteps", "Measurement", "Method", "Momentum", "Nesterov", "NoChange", "Point", "Progress", "RMSProp"),
        *("Result", "Stopped", "StoppingRule", "minimize"),
    ),
    "diagnosis": ("Convexity", "ConvexityKind", "Counterexample", "convexity"),
    "errors": (
        *("ArgumentError", "DataError", "GraphError", "LossError", "ModelFileError", "ShapeError"),
        *("TableError", "ThalwegError", "TracingError"),
    ),
    "transformations": ("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "ArgumentError",
    "Convexity",
    "ConvexityKind",
    "Counterexample",
    "DataError",
    "GradientBelow",
    "GradientDescent",
    "GraphError",
    "History",
    "LossBelow",
    "LossError",
    "MaxSeconds",
    "MaxSteps",
    "Measurement",
    "Method",
    "ModelFileError",
    "Momentum",
    "Nesterov",
    "NoChange",
    "Point",
    "Progress",
    "RMSProp",
    "Result",
    "ShapeError",
    "Stopped",
    "StoppingRule",
    "TableError",
    "ThalwegError",
    "TracingError",
    "__version__",
    "convexity",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "minimize",
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
