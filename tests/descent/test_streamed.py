"""Descents over streams end where those over arrays do, whatever the threads, and say that they streamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw

GENERATOR = np.random.default_rng(0)
COUNT, COLUMNS = 250_000, 8
X = GENERATOR.normal(size=(COUNT, COLUMNS))
y = X @ np.linspace(-1, 2, COLUMNS) + 0.3 + 0.1 * GENERATOR.normal(size=COUNT)
CLASSES = np.digitize(y, [-1.0, 1.0])
LINE = {"w": np.zeros(COLUMNS), "b": 0.0}


def squares(p: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ p["w"] + p["b"] - y) ** 2)


def softmax(p: Any, X: Any, y: Any) -> Any:
    z = X @ p["W"]
    of_class = np.take_along_axis(z, y[:, None], axis=1)[:, 0]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - of_class) + 0.1 * np.sum(p["W"] ** 2)


def stream_of(*arrays: np.ndarray, parts: int = 40) -> tw.Stream:
    cuts = [np.array_split(array, parts) for array in arrays]
    functions = [lambda i=i: [tuple(of[i] for of in cuts)] for i in range(parts)]
    return tw.Stream(*functions, rows=[len(of) for of in cuts[0]], memory="16 MB")


@pytest.mark.parametrize("penalty", [None, tw.L1(0.05)], ids=str)
def test_full_batches(penalty: Any) -> None:
    stream = stream_of(X, y)
    assert not stream.fits
    streamed = tw.minimize(squares, LINE, data=stream, penalty=penalty, stop=tw.MaxSteps(6))
    whole = tw.minimize(squares, LINE, data=(X, y), penalty=penalty, stop=tw.MaxSteps(6))
    np.testing.assert_allclose(streamed.parameters["w"], whole.parameters["w"], rtol=1e-8, atol=1e-10)
    assert streamed.loss == pytest.approx(whole.loss, rel=1e-11)
    assert streamed.gradient_norm == pytest.approx(whole.gradient_norm, rel=1e-3, abs=1e-9)
    assert any("250,000 examples (18 MB) were streamed" in note for note in streamed.notes)


@pytest.mark.parametrize("threads", [1, 4])
def test_mini_batches_come_close_and_do_not_depend_on_threads(threads: int) -> None:
    options: Any = {"batch_size": 50, "method": tw.Adam(0.01), "stop": tw.MaxSteps(6_000), "seed": 3}
    streamed = tw.minimize(squares, LINE, data=stream_of(X, y), threads=threads, **options)
    again = tw.minimize(squares, LINE, data=stream_of(X, y), threads=2, **options)
    np.testing.assert_array_equal(streamed.parameters["w"], again.parameters["w"])
    assert streamed.steps == 6_000  # 300,000 examples: more than one epoch, and several windows
    assert streamed.loss < 0.0112  # 0.0100 and the noise of Adam(0.01)
    assert "drawn from windows of 69,400 examples" in " ".join(streamed.notes)


def test_validation_data_can_be_a_stream() -> None:
    rule = tw.ValidationStalls(2) | tw.MaxSteps(400)
    options: Any = {"validate_every": 5, "stop": rule, "method": tw.GradientDescent(0.2)}
    streamed = tw.minimize(squares, LINE, data=stream_of(X, y), validation=stream_of(X + 0.1, y), **options)
    whole = tw.minimize(squares, LINE, data=(X, y), validation=(X + 0.1, y), **options)
    assert streamed.steps == whole.steps
    np.testing.assert_allclose(streamed.history.validation_loss, whole.history.validation_loss, rtol=1e-10)


def test_classes_are_checked_before_the_descent() -> None:
    start = {"W": np.zeros((COLUMNS, 3))}
    bad = CLASSES.copy()
    bad[-1] = 3
    with pytest.raises(tw.DataError, match=r"the data hold the index 3, .*indices go from 0 to 2"):
        tw.minimize(softmax, start, data=stream_of(X, bad))
    found = tw.minimize(softmax, start, data=stream_of(X, CLASSES), stop=tw.MaxSteps(3))
    whole = tw.minimize(softmax, start, data=(X, CLASSES), stop=tw.MaxSteps(3))
    np.testing.assert_allclose(found.parameters["W"], whole.parameters["W"], rtol=1e-9, atol=1e-12)


def test_nan_in_a_late_chunk_is_found_with_its_row() -> None:
    spoilt = X.copy()
    spoilt[249_998, 2] = np.nan
    with pytest.raises(tw.DataError, match=r"nan in row 249998, column 2"):
        tw.minimize(squares, LINE, data=stream_of(spoilt, y), stop=tw.MaxSteps(3))


def test_overflow_is_explained() -> None:
    found = tw.minimize(
        lambda p, X, y: np.mean(np.exp(squares(p, X, y))), LINE, data=stream_of(X, y), method=tw.GradientDescent(9.0)
    )
    assert found.stopped_by.reason == "not finite"
    assert any("became infinite" in note or "become infinite" in note for note in found.notes)


def test_what_needs_all_examples_is_refused() -> None:
    stream = stream_of(X, y)
    for options in ({"restarts": 3}, {"target": "numpy"}, {"gradient": "numerical", "target": "numpy"}):
        with pytest.raises(tw.DataError, match="does not fit in memory='16 MB'"):
            tw.minimize(squares, LINE, data=stream, stop=tw.MaxSteps(2), **options)  # type: ignore[arg-type]
    with pytest.raises(tw.LossError, match="combines different examples"):
        tw.minimize(lambda w, X, y: np.sum((X[1:] @ w) * (X[:-1] @ w)), np.ones(COLUMNS), data=stream)
    with pytest.raises(tw.ArgumentError, match="take smaller batches"):
        tw.minimize(squares, LINE, data=stream, batch_size=200_000)
