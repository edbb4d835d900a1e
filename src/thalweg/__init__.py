"""thalweg: the way down. Gradient descent on any loss written in plain NumPy, compiled as a whole."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import models
    from .cluster import (
        Cluster,
    )
    from .compile.device import (
        Device,
    )
    from .compile.jax.finding import (
        devices,
    )
    from .compile.onnx import (
        export_onnx,
    )
    from .convexity_proof import (
        Convexity,
        ConvexityKind,
        Counterexample,
        convexity,
    )
    from .descent import (
        BFGS,
        L1,
        L2,
        LBFGS,
        AcceleratedGradient,
        Adagrad,
        Adam,
        AdamW,
        Agreement,
        Armijo,
        BarzilaiBorwein,
        Basin,
        ConjugateGradient,
        Controls,
        ElasticNet,
        Gaussian,
        Glorot,
        GradientBelow,
        GradientCheck,
        GradientDescent,
        Grid,
        He,
        History,
        Intervention,
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
        Penalty,
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
        Stream,
        StrongWolfe,
        ValidationStalls,
        Zeros,
        check_gradient,
        grid,
        powers_of_ten,
        schedules,
    )
    from .diagnosis import (
        Advice,
        Explanation,
        Spectrum,
        Verdict,
        VerdictKind,
        curvature,
        explain,
    )
    from .errors import (
        ArgumentError,
        ClusterError,
        DataError,
        DeviceError,
        GraphError,
        LossError,
        ModelFileError,
        RunError,
        ShapeError,
        TableError,
        ThalwegError,
        TracingError,
    )
    from .fitting import (
        TableModel,
        fit,
    )
    from .hyperparameters import (
        Choice,
        Halving,
        Integer,
        LogUniform,
        Range,
        SearchProgress,
        SearchResult,
        Trial,
        Uniform,
        search,
    )
    from .judged import (
        minimize,
    )
    from .live import (
        Live,
    )
    from .runs import (
        Checkpoints,
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
    "cluster": (*("Cluster",),),
    "compile.device": (*("Device",),),
    "compile.jax.finding": (*("devices",),),
    "compile.onnx": (*("export_onnx",),),
    "convexity_proof": (
        *(
            "Convexity",
            "ConvexityKind",
            "Counterexample",
            "convexity",
        ),
    ),
    "descent": (
        *(
            "AcceleratedGradient",
            "Adagrad",
            "Adam",
            "AdamW",
            "Agreement",
            "Armijo",
            "BFGS",
            "BarzilaiBorwein",
        ),
        *(
            "Basin",
            "ConjugateGradient",
            "Controls",
            "ElasticNet",
            "Gaussian",
            "Glorot",
            "GradientBelow",
            "GradientCheck",
        ),
        *(
            "GradientDescent",
            "Grid",
            "He",
            "History",
            "Intervention",
            "L1",
            "L2",
            "LBFGS",
        ),
        *(
            "LeafCheck",
            "LevenbergMarquardt",
            "LineSearch",
            "LossBelow",
            "MaxSeconds",
            "MaxSteps",
            "Measurement",
            "Method",
        ),
        *(
            "Momentum",
            "Nesterov",
            "Newton",
            "NewtonCG",
            "NoChange",
            "Numerical",
            "Penalty",
            "Point",
        ),
        *(
            "Population",
            "Progress",
            "RMSProp",
            "RandomSearch",
            "Rate",
            "RateKind",
            "Result",
            "Start",
        ),
        *(
            "Stop",
            "Stopped",
            "StoppingRule",
            "Stream",
            "StrongWolfe",
            "ValidationStalls",
            "Zeros",
            "check_gradient",
        ),
        *(
            "grid",
            "powers_of_ten",
        ),
    ),
    "diagnosis": (
        *(
            "Advice",
            "Explanation",
            "Spectrum",
            "Verdict",
            "VerdictKind",
            "curvature",
            "explain",
        ),
    ),
    "errors": (
        *(
            "ArgumentError",
            "ClusterError",
            "DataError",
            "DeviceError",
            "GraphError",
            "LossError",
            "ModelFileError",
            "RunError",
        ),
        *(
            "ShapeError",
            "TableError",
            "ThalwegError",
            "TracingError",
        ),
    ),
    "fitting": (
        *(
            "TableModel",
            "fit",
        ),
    ),
    "hyperparameters": (
        *(
            "Choice",
            "Halving",
            "Integer",
            "LogUniform",
            "Range",
            "SearchProgress",
            "SearchResult",
            "Trial",
        ),
        *(
            "Uniform",
            "search",
        ),
    ),
    "judged": (*("minimize",),),
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
    "live": (*("Live",),),
    "runs": (*("Checkpoints",),),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BFGS",
    "L1",
    "L2",
    "LBFGS",
    "AcceleratedGradient",
    "Adagrad",
    "Adam",
    "AdamW",
    "Advice",
    "Agreement",
    "ArgumentError",
    "Armijo",
    "BarzilaiBorwein",
    "Basin",
    "Checkpoints",
    "Choice",
    "Cluster",
    "ClusterError",
    "ConjugateGradient",
    "Controls",
    "Convexity",
    "ConvexityKind",
    "Counterexample",
    "DataError",
    "Device",
    "DeviceError",
    "ElasticNet",
    "Explanation",
    "Gaussian",
    "Glorot",
    "GradientBelow",
    "GradientCheck",
    "GradientDescent",
    "GraphError",
    "Grid",
    "Halving",
    "He",
    "History",
    "Integer",
    "Intervention",
    "LeafCheck",
    "LevenbergMarquardt",
    "LineSearch",
    "Live",
    "LogUniform",
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
    "Penalty",
    "Point",
    "Population",
    "Progress",
    "RMSProp",
    "RandomSearch",
    "Range",
    "Rate",
    "RateKind",
    "Result",
    "RunError",
    "SearchProgress",
    "SearchResult",
    "ShapeError",
    "Spectrum",
    "Start",
    "Stop",
    "Stopped",
    "StoppingRule",
    "Stream",
    "StrongWolfe",
    "TableError",
    "TableModel",
    "ThalwegError",
    "TracingError",
    "Trial",
    "Uniform",
    "ValidationStalls",
    "Verdict",
    "VerdictKind",
    "Zeros",
    "__version__",
    "check_gradient",
    "convexity",
    "curvature",
    "devices",
    "explain",
    "export_onnx",
    "fit",
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
    "search",
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
