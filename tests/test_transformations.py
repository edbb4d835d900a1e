"""grad, jacobian, hessian, jvp, vjp, hvp: against JAX, nested in one another, and with nestings of arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import thalweg as tw


def loss(np_: Any, x: Any, y: Any) -> Any:
    return np_.sum(np_.sin(x) * y**2) + np_.exp(x[0] * y[1])


def curve(np_: Any, x: Any) -> Any:
    return np_.stack([x[0] * x[1], np_.sum(x**3), np_.tanh(x[2]), x[0]])


X, Y, V = np.array([0.3, -0.2, 0.5]), np.array([1.0, 2.0, -1.0]), np.array([1.0, -1.0, 2.0])


def test_against_jax(x64: None) -> None:
    import jax
    import jax.numpy as jnp

    def theirs(x: Any, y: Any) -> Any:
        return loss(jnp, x, y)

    def ours(x: Any, y: Any) -> Any:
        return loss(np, x, y)

    for argnums in (0, 1):
        np.testing.assert_allclose(tw.grad(ours, argnums)(X, Y), jax.grad(theirs, argnums)(X, Y), rtol=1e-12)
        np.testing.assert_allclose(
            tw.hessian(ours, argnums)(X, Y), jax.hessian(theirs, argnums)(X, Y), rtol=1e-11, atol=1e-12
        )
    both = tw.grad(ours, argnums=(0, 1))(X, Y)
    for found, wanted in zip(both, jax.grad(theirs, (0, 1))(X, Y), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    np.testing.assert_allclose(
        tw.jacobian(lambda x: curve(np, x))(X), jax.jacobian(lambda x: curve(jnp, x))(X), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(
        tw.jacobian(lambda x: curve(np, x)[:2])(X), jax.jacobian(lambda x: curve(jnp, x)[:2])(X), rtol=1e-12
    )


def test_products_agree_with_the_full_matrices() -> None:
    def ours(x: Any) -> Any:
        return loss(np, x, Y)

    H = tw.hessian(ours)(X)
    np.testing.assert_allclose(tw.hvp(ours)(X, V), H @ V, rtol=1e-12)
    J = tw.jacobian(lambda x: curve(np, x))(X)
    np.testing.assert_allclose(tw.jvp(lambda x: curve(np, x))(X, V), J @ V, rtol=1e-12)
    t = np.arange(4.0)
    np.testing.assert_allclose(tw.vjp(lambda x: curve(np, x))(X, t), t @ J, rtol=1e-12)


def test_transformations_nest_and_are_traced_in_a_loss() -> None:
    def cube(x: Any) -> Any:
        return x**3

    assert tw.grad(tw.grad(tw.grad(cube)))(np.float64(2)) == pytest.approx(6)
    result = tw.minimize(
        lambda x: np.sum(tw.grad(lambda z: np.sum((z - 2) ** 2))(x) ** 2), np.zeros(2), method=tw.GradientDescent(0.05)
    )
    np.testing.assert_allclose(result.parameters, 2, atol=1e-4)


def test_arguments_may_be_nested() -> None:
    parameters = {"w": np.ones((2, 2)), "b": [np.zeros(2), np.float64(3)]}
    gradient = tw.grad(lambda p, x: np.sum(p["w"] @ x + p["b"][0]) * p["b"][1])(parameters, np.array([1.0, 2.0]))
    np.testing.assert_allclose(gradient["w"], 3 * np.array([[1, 2], [1, 2]]))
    np.testing.assert_allclose(gradient["b"][0], 3)
    np.testing.assert_allclose(gradient["b"][1], 6)


def test_whole_numbers_are_taken_as_floats() -> None:
    np.testing.assert_allclose(tw.grad(lambda x: np.sum(x**2))(np.array([1, 2])), [2, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tw.grad(lambda x: x)(np.ones(3)), "one number"),
        (lambda: tw.grad(lambda x: x, argnums=1)(np.ones(3)), "argnums=1"),
        (lambda: tw.jvp(lambda x: x)(np.ones(3), np.ones(2)), r"shape \(2,\), expected \(3,\)"),
        (lambda: tw.hvp(lambda x: np.sum(x))(np.ones(3), np.ones(2)), r"expected \(3,\)"),
        (lambda: tw.grad(lambda x: None)(np.ones(3)), "returns nothing"),
    ],
)
def test_messages(call: Any, message: str) -> None:
    with pytest.raises(tw.ThalwegError, match=message):
        call()


def test_arrays_that_a_function_refers_to_are_constants_from_the_first_call_on() -> None:
    weights = np.array([1.0, 2.0])
    slope = tw.grad(lambda x: np.sum(weights * x) + np.sum((weights * 2) * x**2))
    before = slope(np.ones(2))
    weights[:] = 10.0
    np.testing.assert_array_equal(slope(np.ones(2)), before)


def test_a_hessian_by_several_arrays_says_what_to_write() -> None:
    with pytest.raises(tw.LossError, match="hessian needs one array to differentiate by.*as one vector.*tw.hvp"):
        tw.hessian(lambda p: p["a"] ** 2 + p["b"] ** 2)({"a": 1.0, "b": 2.0})
