"""Names that functions and results do not have, with what to write instead; arguments that are no whole numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, ClassVar

from .errors import ArgumentError

__all__ = ["FIT", "MINIMIZE", "RESULT", "SEARCH", "TABLE_MODEL", "SaysWhatItHas", "check_arguments", "whole_number"]

_STEPS = ("max_iter", "maxiter", "max_steps", "n_steps", "num_steps", "steps", "n_iter", "num_iterations", "iterations")
_RATES = ("learning_rate", "lr", "step_size", "stepsize", "eta")
_TOLERANCES = ("tol", "gtol", "ftol", "tolerance", "eps")

MINIMIZE: Mapping[str, str] = {
    **dict.fromkeys(_RATES, "method=tw.GradientDescent({}), or another method with that rate, such as tw.Adam({})"),
    "momentum": "method=tw.Momentum(learning_rate=0.01, momentum={})",
    **dict.fromkeys(_STEPS, "stop=tw.MaxSteps({})"),
    **dict.fromkeys(("epochs", "n_epochs", "num_epochs"), "stop=tw.MaxSteps({} * number_of_batches)"),
    **dict.fromkeys(_TOLERANCES, "stop=tw.GradientBelow({}) | tw.MaxSteps(10_000)"),
    "patience": "stop=tw.ValidationStalls({}), with validation=(X, y)",
    **dict.fromkeys(("optimizer", "optimiser", "solver", "algorithm"), "method=tw.LBFGS(), tw.Adam(0.01), ..."),
    **dict.fromkeys(("args", "X", "y"), "data=(X, y)"),
    **dict.fromkeys(("jac", "grad", "fprime"), "gradient=..."),
    **dict.fromkeys(("x0", "w0", "init", "init_params"), "the start as second argument: tw.minimize(loss, start)"),
    **dict.fromkeys(("callback", "callbacks"), "on_progress=..."),
    **dict.fromkeys(("random_state", "rng", "key"), "seed={}"),
    **dict.fromkeys(("l2", "weight_decay", "alpha", "regularization"), "penalty=tw.L2({})"),
    "l1": "penalty=tw.L1({})",
    **dict.fromkeys(("validation_data", "eval_set"), "validation=(X, y)"),
    **dict.fromkeys(("verbose", "disp"), "progress=True"),
    **dict.fromkeys(("n_jobs", "num_threads", "workers"), "threads={}"),
    "options": "stop=tw.MaxSteps(1000), and what a method has as method=tw.LBFGS(memory=20)",
    "bounds": "them into the loss: np.exp(p) is above 0, and low + (high - low) / (1 + np.exp(-p)) lies between two numbers",
    "constraints": "them into the loss: np.exp(p) / np.sum(np.exp(p)) are weights that sum to 1, and 1e3 * np.maximum(0, g(p)) ** 2 is a "
    "penalty where g(p) is to be 0 or less",
}
"""Names known from elsewhere, and what `minimize` has for them; {} stands for the value."""

FIT: Mapping[str, str] = {
    **dict.fromkeys(_RATES, "learning_rate={}"),
    **dict.fromkeys((*_STEPS, "n_epochs", "num_epochs"), "epochs={}"),
    **dict.fromkeys(("optimizer", "optimiser", "solver", "algorithm"), 'method="adam", "lbfgs", ..., or tw.Adam(0.01)'),
    **dict.fromkeys(("weight_decay", "alpha", "penalty", "regularization"), "l2={}, or l1={}"),
    "C": "l2=1 / (2 * C * rows)",
    **dict.fromkeys(("hidden_layer_sizes", "layers"), "hidden={}"),
    "loss": "objective={}",
    **dict.fromkeys(("n_iter_no_change", "early_stopping"), "patience=10"),
    **dict.fromkeys(("validation_fraction", "validation_split", "test_size"), "validation={}"),
    **dict.fromkeys(("random_state", "rng"), "seed={}"),
    **dict.fromkeys(("sample_weight", "weight"), "weights=, the name of a column"),
    **dict.fromkeys(("drop", "exclude"), "ignore={}"),
    **dict.fromkeys(("dtype", "dtypes", "kind"), 'kinds={{"zip": "category"}}'),
    "y": "target=, the name of a column",
    **dict.fromkeys(("na_values", "null_values", "missing_values"), "missing_marks={}"),
    **dict.fromkeys(
        ("encoding", "delimiter", "sep", "format"),
        "the table as first argument, read so: tw.fit(thalweg.tables.read_table(path, ...), target)",
    ),
    **dict.fromkeys(("callback", "callbacks"), "on_progress=..."),
}
"""The same of `fit`."""

RESULT: Mapping[str, str] = {
    **dict.fromkeys(("x", "params", "weights", "w", "theta", "coef_", "best_params", "xopt", "solution"), "parameters"),
    "intercept_": "parameters, which are nested as the start was",
    **dict.fromkeys(("fun", "best_loss", "loss_", "value", "cost", "fval", "fopt"), "loss"),
    **dict.fromkeys(
        ("success", "converged", "converged_"), "verdict.kind.is_minimum, and its sentence, verdict.sentence"
    ),
    **dict.fromkeys(("message", "status", "reason"), "stopped_by.sentence, and what was found there, verdict.sentence"),
    **dict.fromkeys(("nit", "n_iter_", "n_iter", "iterations", "n_steps"), "steps"),
    **dict.fromkeys(("nfev", "njev", "n_evaluations"), "evaluations"),
    **dict.fromkeys(
        ("jac", "grad", "gradient"), "gradient_norm; the gradient itself is tw.grad(loss)(result.parameters)"
    ),
    **dict.fromkeys(("hess", "hessian"), "verdict; the matrix itself is tw.hessian(loss)(result.parameters)"),
    "hess_inv": "verdict; for a matrix of covariances write np.linalg.inv(tw.hessian(loss)(result.parameters))",
    **dict.fromkeys(("losses", "loss_curve_", "loss_history"), "history.loss"),
    **dict.fromkeys(("time", "elapsed", "runtime"), "seconds"),
    **dict.fromkeys(("predict", "score"), "parameters, for your own model; tw.fit gives a model that predicts"),
    **dict.fromkeys(("plot", "show"), 'picture("curve", "curve.svg") and report("run.html")'),
}
"""Names known from elsewhere, and what the result of `minimize` has for them."""


TABLE_MODEL: Mapping[str, str] = {
    **dict.fromkeys(
        ("coef_", "intercept_", "coef", "params", "weights"),
        "coefficients(), of the features that encoding.names tells",
    ),
    "predict_proba": "probabilities(table)",
    **dict.fromkeys(("score", "score_"), "scores, by part and name"),
    "classes_": "classes",
    **dict.fromkeys(("feature_names_in_", "feature_names"), "encoding.names"),
    **dict.fromkeys(("n_iter_", "loss_curve_", "history"), "result, of the descent: result.steps, result.history.loss"),
}
"""The same of the model that `fit` makes."""

SEARCH: Mapping[str, str] = {
    **dict.fromkeys(("best_params_", "best_params", "best_config"), "best_values"),
    **dict.fromkeys(("best_score_", "best_value", "best_score"), "best, the trial, and result.loss"),
    **dict.fromkeys(("cv_results_", "results"), "trials, and ranking, the best first"),
    **dict.fromkeys(("best_estimator_", "x"), "parameters"),
}
"""The same of what `search` finds."""


class SaysWhatItHas:
    """What raises AttributeError for a name known from elsewhere says the name used here.

    >>> class Answer(SaysWhatItHas):
    ...     _elsewhere = {"fun": "loss"}
    >>> Answer().fun
    Traceback (most recent call last):
    AttributeError: 'Answer' object has no attribute 'fun'. It has loss.
    """

    _elsewhere: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:  # else every name would be right for type checkers

        def __getattr__(self, name: str) -> object:
            """Called for names that it does not have."""
            if hasattr(type(self), name):  # it has it, and working it out has failed
                return object.__getattribute__(self, name)
            said = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("__"):  # Python asks for these to see what an object can do
                import difflib  # for an error alone

                near = difflib.get_close_matches(name, [own for own in dir(self) if not own.startswith("_")], 1)
                if name in self._elsewhere:
                    said += f". It has {self._elsewhere[name]}."
                elif near:
                    said += f". Did you mean {near[0]!r}?"
            raise AttributeError(said, name=name, obj=self)


def check_arguments(
    function: str, given: Mapping[str, object], allowed: Collection[str], elsewhere: Mapping[str, str]
) -> None:
    """Raises ArgumentError for the first named argument that a function does not have. elsewhere: `MINIMIZE` or `FIT`.

    >>> check_arguments("minimize", {"maxiter": 100}, ["stop"], MINIMIZE)
    Traceback (most recent call last):
    thalweg.errors.ArgumentError: minimize has no argument 'maxiter'. Write stop=tw.MaxSteps(100).
    """
    for name, value in given.items():
        if name in allowed:
            continue
        import difflib  # for an error alone

        near = difflib.get_close_matches(name, allowed, 1)
        if name in elsewhere:
            shown = repr(value) if isinstance(value, Real | str | tuple) else "..."
            hint = f"Write {elsewhere[name].format(*[shown] * 2)}."
        elif near:
            hint = f"Did you mean {near[0]!r}?"
        else:
            hint = f"It has {', '.join(allowed)}."
        raise ArgumentError(f"{function} has no argument {name!r}. {hint}")


def whole_number(name: str, value: object, least: int = 1) -> int:
    """A whole number, NumPy's as Python's own. Raises ArgumentError for anything else, and for less than `least`.

    >>> whole_number("trials", 0)
    Traceback (most recent call last):
    thalweg.errors.ArgumentError: trials=0: expected a whole number, 1 or more
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"{name}={value!r}: expected a whole number, {least} or more")
    return int(value)
