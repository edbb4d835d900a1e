"""What cannot be traced: each error names the user's line, says what is wrong, and what to write instead."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

import thalweg as tw


def branch(x: Any) -> Any:
    if x[0] > 0:
        return x[0]
    return -x[0]


OUTSIDE = np.zeros(3)


def assign_outside(x: Any) -> Any:
    OUTSIDE[0] = x[0]
    return np.sum(OUTSIDE)


def loop(x: Any) -> Any:
    while np.sum(x) > 1:
        x = x / 2
    return np.sum(x)


def fill_integers(x: Any) -> Any:
    out = np.zeros(3, int)
    out[0] = x[0]
    return np.sum(out)


def fill_all(x: Any) -> Any:
    OUTSIDE[:] = x
    return np.sum(OUTSIDE)


def fill_a_copy(x: Any) -> Any:
    out = OUTSIDE.copy()
    out[[0, 2]] = x[:2]
    return np.sum(out)


def fill_with_another_shape(x: Any) -> Any:
    out = np.zeros((2, 2))
    out[0] = x
    return np.sum(out)


def fill_chosen(x: Any) -> Any:
    out = np.zeros(3)
    out[x > 0] = x
    return np.sum(out)


def add_in_place(x: Any) -> Any:
    counts = np.arange(3)
    counts += x
    return np.sum(counts)


CASES = [
    (branch, "np.where"),
    (loop, "np.where"),
    (assign_outside, r"not made within the loss.*np\.array\(y\).*np\.zeros"),
    (fill_all, r"not made within the loss.*np\.array\(y\).*np\.zeros"),
    (fill_a_copy, r"not made within the loss.*np\.array\(y\), not y\.copy"),
    (fill_integers, r"int64, where NumPy would cut.*np\.zeros\(n\), or x\.astype\(float\)"),
    (fill_chosen, r"as many values as elements are chosen.*np\.where\(mask, y, x\)"),
    (add_in_place, r"gives float64, and the array holds int64.*y = y \+ x"),
    (lambda x: max(0, x[0]), r"np\.maximum\(a, b\)"),
    (lambda x: max(x), r"np\.max\(x\) for max\(x\)"),
    (lambda x: sorted(x)[0], r"np\.sort\(x\) for sorted"),
    (lambda x: x[0] if any(x > 0) else x[1], r"np\.any\(x\) in np\.where"),
    (lambda x: np.sum(np.where(0 < x < 1, x, 0)), r"\(0 < x\) & \(x < 1\) for 0 < x < 1"),
    (lambda x: x[0] if 0.3 in x else x[1], r"`in`.*np\.any\(x == value\)"),
    (lambda x: len(f"{x[0]:.3f}") * x[0], r"written as text.*progress=True.*result\.history\.loss"),
    (lambda x: len("%.3f" % x[0]) * x[0], r"written as text.*on_progress"),  # noqa: UP031
    (lambda x: x.exp().sum(), r"no attribute 'exp'. Write np\.exp\(x\)"),
    (lambda x: x.detach().sum(), "no attribute 'detach'. Use x itself"),
    (lambda x: x.flags, "no attribute 'flags'. It has shape, dtype"),
    (lambda x: x + "a", r"not with <U1. Write codes.*np\.unique"),
    (lambda x: np.sum(x * np.array([1, None, 2])), r"objects.*S\.toarray\(\).*np\.stack"),
    (lambda x: x(0), "'Traced' object is not callable.*stand for arrays"),
    (lambda x: np.sum(np.linalg.eigvalsh(np.outer(x, x))), r"np\.linalg\.eigvalsh cannot.*v = A @ v"),
    (lambda x: x.tolist()[0], r"x\.tolist"),
    (lambda x: scipy.stats.norm.logpdf(x[0]), r"scipy\.stats\.norm\.logpdf cannot be traced"),
    (lambda x: scipy.special.betaln(x[0], 1.0), r"scipy\.special\.betaln cannot"),
    (lambda x: math.exp(x[0]), "np.exp"),
    (lambda x: float(x[0]), "leave float"),
    (lambda x: x[int(x[0])], "np.floor"),
    (lambda x: np.sum(np.unique(x)), r"np\.unique cannot be differentiated.*no rule. Counts have"),
    (lambda x: np.sum(np.fft.fft(x)), "no rule"),
    (lambda x: np.sum(x[x > 0]), "np.where"),
    (lambda x: np.add(x, x, out=OUTSIDE).sum(), r"not made within the loss. Write y = np.add.*np\.array\(y\)"),
    (lambda x: np.sum(np.log(x, where=x > 0)), "with out=y"),
    (lambda x: sum(x[i] for i in range(x[0])), "plain Python integer"),
    (lambda x: x[0].item(), "Use x itself"),
    (lambda x: np.sum(np.linalg.norm(x[None] * x[:, None], 2)), "singular values"),
    (lambda x: np.sum(np.sum(x, where=x > 0)), "without the option where="),
]


@pytest.mark.parametrize(("loss", "advice"), CASES)
def test_the_message_names_the_line_and_what_to_write(loss: Any, advice: str) -> None:
    with pytest.raises(tw.TracingError, match=advice) as caught:
        tw.grad(loss)(np.ones(3))
    assert "test_messages.py" in str(caught.value)
    line = loss.__code__.co_firstlineno
    assert any(f"{line + offset}" in str(caught.value) for offset in range(4))


def test_shapes_that_do_not_match_name_both() -> None:
    with pytest.raises(tw.ShapeError, match=r"test_messages.py:\d+ .*\(3,\) is assigned where the shape is \(2,\)"):
        tw.grad(fill_with_another_shape)(np.ones(3))

    def loss(w: Any) -> Any:
        return np.sum(np.ones((4, 3)) @ w)

    with pytest.raises(tw.ShapeError, match=r"\(4, 3\) and \(2,\).*3 columns meet 2 rows"):
        tw.grad(loss)(np.ones(2))
    with pytest.raises(tw.ShapeError, match=r"test_messages.py:\d+ .*\(2,\) and \(3,\)"):
        tw.grad(lambda w: np.sum(w + np.ones(3)))(np.ones(2))
    with pytest.raises(tw.ShapeError, match="np.concatenate"):
        tw.grad(lambda w: np.sum(np.concatenate([np.ones((2, 2)), w])))(np.ones((3, 3)))


def test_rounding_is_numpys() -> None:
    np.testing.assert_array_equal(tw.jacobian(lambda x: 0 * x + round(x[0], 1))(np.array([0.26])), [[0.0]])
    assert float(tw.value_and_grad(lambda x: x[0] + round(x[0], 1))(np.array([0.26]))[0]) == 0.26 + 0.3


def test_what_the_message_tells_of_the_fourier_transform_is_right() -> None:
    x = np.arange(5.0) ** 2
    n, k = 5, np.arange(5)
    angle = 2 * np.pi * np.outer(k, k) / n
    np.testing.assert_allclose(np.cos(angle) @ x - 1j * (np.sin(angle) @ x), np.fft.fft(x))


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(tw.TracingError, match="complex.*real and imaginary parts as two arrays"):
        tw.grad(lambda w: np.sum(w * 1j))(np.ones(2))


def test_an_index_out_of_bounds() -> None:
    with pytest.raises(IndexError, match=r"test_messages.py:\d+.*index 5 is out of bounds"):
        tw.grad(lambda w: w[5])(np.ones(2))
