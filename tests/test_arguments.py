"""Names that users know from elsewhere: the error says what to write, and what it says can be written."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.arguments import FIT, MINIMIZE
from thalweg.errors import ArgumentError
from thalweg.fitting import Settings
from thalweg.tables import Table

MPG = Path(__file__).parents[1] / "examples" / "mpg.csv"


def square(x: Any) -> Any:
    return np.sum(x**2)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"learning_rate": 0.1}, r"method=tw.GradientDescent\(0.1\)"),
        ({"lr": 0.1}, r"tw.Adam\(0.1\)"),
        ({"maxiter": 100}, r"stop=tw.MaxSteps\(100\)"),
        ({"tol": 1e-3}, r"stop=tw.GradientBelow\(0.001\) \| tw.MaxSteps\(10_000\)"),
        ({"batchsize": 32}, "Did you mean 'batch_size'"),
        ({"bounds": [(0, 1)]}, r"Write them into the loss: np\.exp\(p\) is above 0, and low"),
        ({"flavour": 1}, "It has data, method, .*progress"),
    ],
)
def test_minimize_says_what_to_write(given: dict[str, Any], hint: str) -> None:
    with pytest.raises(ArgumentError, match=f"minimize has no argument '{next(iter(given))}'.*{hint}"):
        tw.minimize(square, np.ones(2), **given)


def test_data_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"by its name: data=\(X, y\)"):
        tw.minimize(square, np.ones(2), (np.ones((3, 2)),))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"lr": 0.1}, "learning_rate=0.1"),
        ({"hidden_layer_sizes": (8,)}, r"hidden=\(8,\)"),
        ({"dtype": {}}, 'kinds={"zip": "category"}'),
        ({"na_values": "-"}, "missing_marks='-'"),
        ({"delimiter": ";"}, r"read_table\(path, \.\.\.\)"),
        ({"mising": "drop"}, "Did you mean 'missing'"),
    ],
)
def test_fit_says_what_to_write(given: dict[str, Any], hint: str) -> None:
    with pytest.raises(ArgumentError, match=f"fit has no argument '{next(iter(given))}'.*{hint}"):
        tw.fit(MPG, "mpg", **given)


def test_what_is_offered_is_there_and_what_is_there_is_not_refused() -> None:
    has = {
        name: inspect.signature(function).parameters for name, function in (("minimize", tw.minimize), ("fit", tw.fit))
    }
    for offered, own in (
        (MINIMIZE, {*has["minimize"], "progress"}),
        (FIT, {*has["fit"], *Settings.__dataclass_fields__}),
    ):
        for name, hint in offered.items():
            assert name not in own or name == "learning_rate"
            if "=" in hint:
                assert hint.partition("=")[0] in own


def test_kinds_can_be_given_to_fit() -> None:
    assert "cylinders = 8" in tw.fit(MPG, "mpg", kinds={"cylinders": "category"}).encoding.names
    with pytest.raises(ArgumentError, match="'classes'.*number, category, boolean, text, date"):
        tw.fit(MPG, "mpg", kinds={"cylinders": "classes"})
    with pytest.raises(ArgumentError, match="read_table"):
        tw.fit(Table("t", (), 0), "mpg", kinds={"a": "text"})


def test_a_list_of_numbers_is_no_vector() -> None:
    with pytest.raises(tw.TracingError, match=r"a list of numbers, and fails: .*write np.array\(\[1.0, 2.0\]\)"):
        tw.minimize(lambda w: (w**2).sum(), [1.0, 2.0])


def test_a_model_shows_itself_in_a_line() -> None:
    assert re.fullmatch(r"<TableModel: linear of mpg; validation R² 0\.\d+, RMSE .*>", repr(tw.fit(MPG, "mpg")))


@pytest.mark.parametrize(
    ("given", "method"),
    [("L-BFGS-B", "tw.LBFGS()"), ("Newton-CG", "tw.NewtonCG()"), (tw.Momentum, "tw.Momentum(learning_rate=0.01)")],
)
def test_a_method_by_its_name_says_how_it_is_written(given: Any, method: str) -> None:
    with pytest.raises(ArgumentError, match=f"is no method of descent.*method={re.escape(method)}"):
        tw.minimize(square, np.ones(2), method=given)
    assert tw.minimize(square, np.ones(2), method=eval(method, {"tw": tw}), stop=tw.MaxSteps(1)).steps == 1


def test_a_result_says_what_it_has_instead() -> None:
    result = tw.minimize(square, np.ones(2))
    for name, own in {"x": "parameters", "fun": "loss", "nit": "steps", "message": "stopped_by.sentence"}.items():
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'. It has {re.escape(own)}"):
            getattr(result, name)
    with pytest.raises(AttributeError, match="Did you mean 'gradient_norm'"):
        _ = result.gradient_nrm
    assert getattr(result, "fun", None) is None
    with pytest.raises(AttributeError, match=r"'coef_'. It has coefficients\(\)"):
        _ = tw.fit(MPG, "mpg").coef_  # type: ignore[attr-defined]


def no_data(w: Any) -> Any:
    return np.sum(w**2)


def with_data(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda: tw.minimize(with_data, np.ones(2)),
            tw.LossError,
            r"\(in with_data\) takes \(w.*\bX.*parameters alone: missing .*'X'",
        ),
        (
            lambda: tw.minimize(no_data, np.ones(2), data=(np.ones(3),)),
            tw.LossError,
            r"takes \(w.*and 1 argument of data: too many positional arguments",
        ),
        (
            lambda: tw.minimize(np.ones(2), square),
            ArgumentError,
            "a function as its loss.*ndarray. The loss comes first",
        ),
        (lambda: tw.minimize(square(np.ones(2)), np.ones(2)), ArgumentError, r"its value: loss, not loss\(start\)"),
        (lambda: tw.minimize(square, np.zeros(0)), ArgumentError, r"start is empty; write np\.zeros\(n\)"),
        (
            lambda: tw.minimize(square, {"w": np.ones(2), "kind": "l1"}),
            ArgumentError,
            r"\['kind'\] are str.*functools\.partial",
        ),
        (lambda: tw.minimize(square, np.ones(2) * 1j), ArgumentError, r"an array of complex128.*x\.real and x\.imag"),
        (
            lambda: tw.minimize(with_data, np.ones(2), data=[np.ones((3, 2)), np.ones(3)]),  # type: ignore[arg-type]
            tw.ThalwegError,
            r"a list of arrays.*Write a tuple: data=\(X, y\)",
        ),
    ],
)
def test_calls_that_cannot_work_say_why(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()
