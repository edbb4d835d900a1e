"""Elementary functions against SciPy and NumPy in higher precision, over all magnitudes, and at the special values."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.special
from llvmlite import ir

from thalweg.compile.native import jit
from thalweg.compile.native.arrays import POINTER, value_type
from thalweg.compile.native.elementary import ELEMENTARY, call

Array = np.ndarray[Any, Any]


@cache
def compiled(name: str, dtype: str, width: int, arguments: int) -> Callable[..., Array]:
    """An elementary function as a function of arrays of `width` numbers."""
    kind = value_type(np.dtype(dtype), width)
    module = ir.Module("test")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 4), "run")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    loaded = [builder.load(function.args[i], typ=kind, align=4) for i in range(arguments)]
    builder.store(call(builder, name, *loaded), function.args[3], align=4)
    builder.ret_void()
    library = jit.link(jit.compile_object(str(module), False), ("run",), 4)

    def run(*xs: Array) -> Array:
        blocks = [np.ascontiguousarray(x, dtype) for x in xs]
        size = -(-len(blocks[0]) // width) * width
        padded = [np.concatenate([x, np.ones(size - len(x), dtype)]) for x in blocks]
        result = np.empty(size, dtype)
        for start in range(0, size, width):
            at = [x[start:].ctypes.data for x in padded]
            at += [at[0]] * (3 - len(at)) + [result[start:].ctypes.data]
            library["run"](*(ctypes.c_void_p(address) for address in at))
        return result[: len(blocks[0])]

    return run


def reference(name: str, *xs: Array) -> Array:
    """The value in extended precision, where NumPy has it; SciPy in float64 otherwise."""
    wide = [x.astype(np.longdouble) for x in xs]
    with np.errstate(all="ignore"):
        if name == "expit":
            return np.where(wide[0] >= 0, 1, np.exp(-np.abs(wide[0]))) / (1 + np.exp(-np.abs(wide[0])))
        if name == "softplus":
            return np.maximum(wide[0], 0) + np.log1p(np.exp(-np.abs(wide[0])))
        if name in ("erf", "erfc", "gammaln"):
            return np.asarray(getattr(scipy.special, name)(xs[0].astype(np.float64)), np.longdouble)
        return np.asarray(getattr(np, name)(*wide))


def ulps(found: Array, wanted: Array) -> Array:
    """The distance in units of the last place."""
    with np.errstate(over="ignore"):
        rounded = wanted.astype(found.dtype)
    both = np.isfinite(rounded) & np.isfinite(found)
    spacing = np.abs(np.spacing(np.where(both, rounded, 1).astype(found.dtype))).astype(np.longdouble)
    distance = np.abs(found.astype(np.longdouble) - wanted) / spacing
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    # Beyond the last finite number, infinity is as near as can be.
    overflow = np.isinf(found) & (np.abs(rounded) >= np.finfo(found.dtype).max)
    return np.where(same | overflow, np.where(both, distance, 0), np.where(both, distance, np.inf))


def samples(dtype: str, low: float, high: float, seed: int = 0) -> Array:
    """Numbers of all magnitudes up to the limits, of both signs as far as the limits allow."""
    rng = np.random.default_rng(seed)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    sizes = np.exp(rng.uniform(np.log(smallest), np.log(max(abs(low), abs(high))), 3000))
    spread = rng.uniform(low, high, 5000)
    x = np.concatenate([sizes, -sizes, spread]).astype(dtype)
    return x[(x >= low) & (x <= high)]


# name: limits in float32, limits in float64, ulp
ONE_ARGUMENT: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "exp": ((-110, 89), (-750, 710), 1.5),
    "expm1": ((-40, 88), (-60, 709), 2),
    "log": ((0, 3e38), (0, 1e308), 1.5),
    "log1p": ((-1, 3e38), (-1, 1e308), 2),
    "expit": ((-100, 100), (-740, 740), 2.5),
    "softplus": ((-100, 100), (-740, 740), 2.5),
    "tanh": ((-20, 20), (-40, 40), 3),
    "sinh": ((-88, 88), (-700, 700), 4),
    "cosh": ((-88, 88), (-700, 700), 4),
    "arcsinh": ((-1e30, 1e30), (-1e300, 1e300), 4),
    "arccosh": ((1, 1e30), (1, 1e300), 4),
    "arctanh": ((-1, 1), (-1, 1), 4),
    "sin": ((-1e4, 1e4), (-1e5, 1e5), 2),
    "cos": ((-1e4, 1e4), (-1e5, 1e5), 2),
    "tan": ((-1e3, 1e3), (-1e5, 1e5), 4),
    "arcsin": ((-1, 1), (-1, 1), 5),
    "arccos": ((-1, 1), (-1, 1), 5),
    "arctan": ((-1e30, 1e30), (-1e300, 1e300), 4),
    "erf": ((-6, 6), (-8, 8), 5),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(ONE_ARGUMENT))
def test_error_in_ulp(name: str, dtype: str) -> None:
    single, double, bound = ONE_ARGUMENT[name]
    x = samples(dtype, *(single if dtype == "float32" else double))
    found = compiled(name, dtype, 16, 1)(x)
    errors = ulps(found, reference(name, x))
    worst = int(np.argmax(errors))
    assert errors[worst] <= bound, f"{name}({x[worst]!r}) = {found[worst]!r}: {errors[worst]} ulp"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_power(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = np.exp(rng.uniform(-20, 20, 5000)).astype(dtype)
    y = rng.uniform(-30, 30, 5000).astype(dtype)
    with np.errstate(all="ignore"):
        keep = np.isfinite(np.power(x, y)) & (np.power(x, y) > 0)
    errors = ulps(compiled("power", dtype, 16, 2)(x[keep], y[keep]), reference("power", x[keep], y[keep]))
    assert errors.max() <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(ELEMENTARY) - {"softplus"}))
def test_special_values(name: str, dtype: str) -> None:
    """As NumPy and SciPy, at zeros, ones, infinities, NaN and the smallest numbers."""
    tiny = np.finfo(dtype).smallest_subnormal
    values = [0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, np.inf, -np.inf, np.nan, tiny, -tiny]
    x = np.array(values[:-2] if name == "gammaln" else values, dtype)  # there SciPy overflows
    module = scipy.special if name in ("expit", "erf", "erfc", "gammaln") else np
    with np.errstate(all="ignore"):
        if name in ("power", "arctan2"):
            a, b = (grid.reshape(-1) for grid in np.meshgrid(x, x))
            wanted, found = getattr(np, name)(a, b), compiled(name, dtype, 8, 2)(a, b)
        else:
            wanted, found = getattr(module, name)(x), compiled(name, dtype, 8, 1)(x)
    tolerance = 1e-5 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    if name not in ("power", "arctan2", "gammaln"):
        zero = found == 0
        assert (np.signbit(found[zero]) == np.signbit(wanted[zero])).all()


@pytest.mark.parametrize("width", [1, 2, 8, 32])
def test_every_width_gives_the_same_digits(width: int) -> None:
    x = samples("float32", -20, 20)
    for name in ("exp", "tanh", "sin"):
        np.testing.assert_array_equal(compiled(name, "float32", width, 1)(x), compiled(name, "float32", 16, 1)(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erfc_is_accurate_in_its_tail(dtype: str) -> None:
    x = np.linspace(-6, 9 if dtype == "float32" else 26, 4000).astype(dtype)
    wanted = scipy.special.erfc(x.astype(np.float64))
    tolerance = 2e-6 if dtype == "float32" else 1e-13  # the error of SciPy, which squares x in one number
    tiny = np.finfo(dtype).tiny
    np.testing.assert_allclose(compiled("erfc", dtype, 16, 1)(x), wanted, rtol=tolerance, atol=float(tiny))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gammaln(dtype: str) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-5, 20, 3000), np.exp(rng.uniform(-10, 10, 1000))]).astype(dtype)
    wanted = scipy.special.gammaln(x.astype(np.float64))
    found = compiled("gammaln", dtype, 16, 1)(x)
    error = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    assert error.max() < (2e-4 if dtype == "float32" else 2e-12)  # near the poles of negative numbers
    positive = x > 0.5
    assert error[positive].max() < (5e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_polygamma(order: int, dtype: str) -> None:
    x = np.exp(np.random.default_rng(3).uniform(-3, 6, 3000)).astype(dtype)
    wide = x.astype(np.float64)
    wanted = scipy.special.digamma(wide) if order == 0 else scipy.special.polygamma(order, wide)
    found = compiled(f"polygamma{order}", dtype, 16, 1)(x)
    tolerance = 5e-6 if dtype == "float32" else 2e-13
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
