"""Elementary functions against NumPy and SciPy in higher precision, over all magnitudes, and at the special values."""

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

TWO_ARGUMENTS = ("power", "arctan2")
POLYGAMMA = tuple(f"polygamma{order}" for order in range(4))
EVERY_NAME = (*sorted(ELEMENTARY), *POLYGAMMA)

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def emitted(name: str, dtype: str, width: int, times: int = 1) -> ir.Module:
    """A module whose function `run` steps through arrays: their addresses, that of the result, and the size."""
    kind, element = value_type(np.dtype(dtype), width), value_type(np.dtype(dtype), 1)
    index = ir.IntType(64)
    module = ir.Module("test")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 3 + [index]), "run")
    entry, body, end = (function.append_basic_block(part) for part in ("entry", "body", "end"))
    builder = ir.IRBuilder(entry)
    builder.branch(body)
    builder.position_at_end(body)
    i = builder.phi(index)
    i.add_incoming(ir.Constant(index, 0), entry)
    places = [builder.gep(argument, [i], source_etype=element) for argument in function.args[:3]]
    count = 2 if name in TWO_ARGUMENTS else 1
    loaded = [builder.load(place, typ=kind, align=4) for place in places[:count]]
    for _ in range(times):
        builder.store(call(builder, name, *loaded), places[2], align=4)
    following = builder.add(i, ir.Constant(index, width))
    i.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, function.args[3]), body, end)
    builder.position_at_end(end)
    builder.ret_void()
    return module


@cache
def compiled(name: str, dtype: str, width: int = 16) -> Callable[..., Array]:
    """An elementary function as a function of arrays, `width` numbers at a time."""
    library = jit.link(jit.compile_object(str(emitted(name, dtype, width)), False), ("run",), 4)

    def run(*xs: Array) -> Array:
        size = -(-len(xs[0]) // width) * width
        padded = [np.concatenate([x.astype(dtype), np.ones(size - len(x), dtype)]) for x in xs]
        result = np.empty(size, dtype)
        addresses = [padded[0].ctypes.data, padded[-1].ctypes.data, result.ctypes.data, size]
        library["run"](*(ctypes.c_void_p(address) for address in addresses))
        return result[: len(xs[0])]

    return run


def wide_erfc(x: Array) -> Array:
    """erfc in extended precision: the trapezoidal rule with the term for its poles, of C. Chiarella and A. Reichel (1968)."""
    wide, h = np.abs(x).astype(np.longdouble), np.longdouble(0.4)
    wide = np.maximum(wide, np.longdouble(0.3))  # below, the two terms cancel
    short = wide.astype(np.float32).astype(np.longdouble)  # its square is exact
    gauss = np.exp(-short * short) * np.exp(-(wide - short) * (wide + short))
    pi = 4 * np.arctan(np.longdouble(1))
    total = 1 / (2 * wide * wide)
    for n in range(1, 20):
        total = total + np.exp(-((n * h) ** 2)) / ((n * h) ** 2 + wide * wide)
    tail = 2 * h * wide / pi * gauss * total
    tail = np.where(wide < pi / h, tail - 2 / np.expm1(np.minimum(2 * pi * wide / h, 200)), tail)
    return np.where(x < 0, 2 - tail, tail)


def wide_erf(x: Array) -> Array:
    """erf in extended precision: its Taylor series near zero, 1 - erfc elsewhere."""
    wide = np.clip(x.astype(np.longdouble), -1, 1)
    term = 2 / np.sqrt(4 * np.arctan(np.longdouble(1))) * wide
    total = term
    for k in range(1, 30):
        term = -term * wide * wide / k
        total = total + term / (2 * k + 1)
    return np.where(np.abs(x) < 1, total, 1 - wide_erfc(x))


def reference(name: str, *xs: Array) -> Array:
    """The value in extended precision; of SciPy's functions, in float64."""
    wide = [x.astype(np.longdouble) for x in xs]
    with np.errstate(all="ignore"):
        if name in ("expit", "softplus"):
            small = np.exp(-np.abs(wide[0]))
            if name == "expit":
                return np.where(wide[0] >= 0, 1, small) / (1 + small)
            return np.maximum(wide[0], 0) + np.log1p(small)
        if name == "erf":
            return wide_erf(xs[0])
        if name == "erfc":
            return np.where(np.abs(xs[0]) < 0.4, 1 - wide_erf(xs[0]), wide_erfc(xs[0]))
        if name in ("gammaln", *POLYGAMMA):
            return scipy_value(name, xs[0].astype(np.float64)).astype(np.longdouble)
        return np.asarray(getattr(np, name)(*wide))


def scipy_value(name: str, *xs: Array) -> Array:
    """What NumPy or SciPy gives, in the precision of its arguments."""
    with np.errstate(all="ignore"):
        if name == "softplus":
            return np.asarray(np.logaddexp(xs[0].dtype.type(0), xs[0]))
        if name == "polygamma0":
            return np.asarray(scipy.special.digamma(xs[0]))
        if name in POLYGAMMA:
            return np.asarray(scipy.special.polygamma(int(name[-1]), xs[0])).astype(xs[0].dtype)
        return np.asarray(getattr(np if hasattr(np, name) else scipy.special, name)(*xs))


def ulps(found: Array, wanted: Array) -> Array:
    """The distance in units of the last place."""
    with np.errstate(over="ignore"):
        rounded = wanted.astype(found.dtype)
    both = np.isfinite(rounded) & np.isfinite(found)
    spacing = np.abs(np.spacing(np.where(both, rounded, 1).astype(found.dtype))).astype(np.longdouble)
    with np.errstate(invalid="ignore"):
        distance = np.abs(found.astype(np.longdouble) - wanted) / spacing
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    # Beyond the last finite number, infinity is as near as can be.
    overflow = np.isinf(found) & (np.abs(rounded) >= np.finfo(found.dtype).max)
    return np.where(both, distance, np.where(same | overflow, 0, np.inf))


def samples(dtype: str, low: float, high: float, count: int = 6000) -> Array:
    """Numbers of all magnitudes down to the subnormal, and evenly spread ones, between two limits."""
    rng = np.random.default_rng(0)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    sizes = np.exp(rng.uniform(np.log(smallest), np.log(max(abs(low), abs(high))), count))
    spread = rng.uniform(low / 2, high / 2, count) * 2
    x = np.concatenate([sizes, -sizes, spread, rng.uniform(-3, 3, count)]).astype(dtype)
    return x[(x >= low) & (x <= high)]


LARGEST_32, LARGEST_64 = 3.4e38, 1.7e308

# name: limits in float32, limits in float64, ulp
BOUNDS: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "exp": ((-110, 89), (-760, 710), 2),
    "expm1": ((-40, 89), (-60, 710), 2),
    "log": ((0, LARGEST_32), (0, LARGEST_64), 2),
    "log1p": ((-1, LARGEST_32), (-1, LARGEST_64), 2),
    "expit": ((-110, 110), (-760, 760), 2),
    "softplus": ((-110, 110), (-760, 760), 2),
    "tanh": ((-20, 20), (-40, 40), 2),
    "sinh": ((-90, 90), (-711, 711), 4),
    "cosh": ((-90, 90), (-711, 711), 4),
    "arcsinh": ((-LARGEST_32, LARGEST_32), (-LARGEST_64, LARGEST_64), 4),
    "arccosh": ((1, LARGEST_32), (1, LARGEST_64), 4),
    "arctanh": ((-1, 1), (-1, 1), 4),
    "sin": ((-1e4, 1e4), (-1e5, 1e5), 2),
    "cos": ((-1e4, 1e4), (-1e5, 1e5), 2),
    "tan": ((-1e4, 1e4), (-1e5, 1e5), 4),
    "arcsin": ((-1, 1), (-1, 1), 4),
    "arccos": ((-1, 1), (-1, 1), 4),
    "arctan": ((-LARGEST_32, LARGEST_32), (-LARGEST_64, LARGEST_64), 4),
    "erf": ((-6, 6), (-8, 8), 4),
    "erfc": ((-6, 11), (-8, 28), 4),
}


def test_every_function_has_a_test_of_its_error() -> None:
    assert {*BOUNDS, *TWO_ARGUMENTS, "gammaln"} == set(ELEMENTARY)


@both_precisions
@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_error_in_ulp(name: str, dtype: str) -> None:
    single, double, bound = BOUNDS[name]
    x = samples(dtype, *(single if dtype == "float32" else double))
    errors = ulps(compiled(name, dtype)(x), reference(name, x))
    worst = int(np.argmax(errors))
    assert errors[worst] <= bound, f"{errors[worst]:.3g} ulp at {x[worst]!r}"


@both_precisions
def test_power(dtype: str) -> None:
    """Over the whole range of results, where y log x is large; and whole exponents of negative numbers."""
    rng = np.random.default_rng(1)
    largest = float(np.log(np.finfo(dtype).max))
    x = np.exp(rng.uniform(-largest, largest, 20000) * rng.uniform(0, 1, 20000) ** 3).astype(dtype)
    with np.errstate(all="ignore"):
        y = (rng.uniform(-1.1 * largest, 1.01 * largest, 20000) / np.log(x.astype(np.float64))).astype(dtype)
    whole = rng.random(20000) < 0.3
    y[whole] = np.rint(np.clip(y[whole], -40, 40))
    x[whole & (rng.random(20000) < 0.5)] *= -1
    errors = ulps(compiled("power", dtype)(x, y), reference("power", x, y))
    assert errors.max() <= 2


@both_precisions
def test_arctan2(dtype: str) -> None:
    rng = np.random.default_rng(1)
    scale = 80 if dtype == "float32" else 700
    y, x = (
        (rng.choice([-1, 1], 20000) * np.exp(rng.uniform(-scale, scale, 20000) * rng.uniform(0, 1, 20000) ** 3))
        for _ in range(2)
    )
    y, x = y.astype(dtype), x.astype(dtype)
    assert ulps(compiled("arctan2", dtype)(y, x), reference("arctan2", y, x)).max() <= 4


@both_precisions
def test_gammaln(dtype: str) -> None:
    rng = np.random.default_rng(2)
    positive = np.concatenate([rng.uniform(0, 20, 5000), np.exp(rng.uniform(-80, 80, 2000))]).astype(dtype)
    far = np.abs(positive - 1.5) > 0.6  # from the zeros 1 and 2, near which SciPy itself is less accurate
    found, wanted = compiled("gammaln", dtype)(positive), reference("gammaln", positive)
    relative = 1e-6 if dtype == "float32" else 2e-15
    np.testing.assert_allclose(found[far], wanted[far].astype(np.float64), rtol=relative)
    np.testing.assert_allclose(found, wanted.astype(np.float64), rtol=relative, atol=relative)
    negative = rng.uniform(-30, 0, 5000).astype(dtype)
    found, wanted = compiled("gammaln", dtype)(negative), reference("gammaln", negative)
    assert (np.abs(found - wanted) / np.maximum(1, np.abs(wanted))).max() < (1e-5 if dtype == "float32" else 1e-13)


@both_precisions
def test_gammaln_near_its_zeros(dtype: str) -> None:
    """log Γ(1 + h) = -γ h + π² h² / 12 and log Γ(2 + h) = (1 - γ) h + (π² / 12 - ½) h², up to h³."""
    h = np.array([2.0**-12, -(2.0**-12), 2.0**-15, -(2.0**-15), 2.0**-20, -(2.0**-20)])
    for zero, slope, curvature in ((1, -np.euler_gamma, np.pi**2 / 12), (2, 1 - np.euler_gamma, np.pi**2 / 12 - 0.5)):
        found = compiled("gammaln", dtype)((zero + h).astype(dtype))
        np.testing.assert_allclose(found, slope * h + curvature * h * h, rtol=1e-6)


@both_precisions
@pytest.mark.parametrize("name", POLYGAMMA)
def test_polygamma(name: str, dtype: str) -> None:
    """Error against max(1, |value|) for the digamma function, which has a zero; relative for its derivatives."""
    x = np.exp(np.random.default_rng(3).uniform(-5, 6, 5000)).astype(dtype)
    relative = 2e-6 if dtype == "float32" else 1e-14
    absolute = relative if name == "polygamma0" else 0
    wanted = reference(name, x).astype(np.float64)
    np.testing.assert_allclose(compiled(name, dtype)(x), wanted, rtol=relative, atol=absolute)


@both_precisions
@pytest.mark.parametrize("order", [0, 1])
def test_polygamma_of_negative_numbers(order: int, dtype: str) -> None:
    """By the recurrence ψₙ(x) = ψₙ(x + m) - (-1)ⁿ n! Σ (x + k)⁻ⁿ⁻¹, as SciPy reflects only the digamma function."""
    x = np.random.default_rng(4).uniform(-5, 0, 5000)
    x = x[np.abs(x - np.rint(x)) > 1e-3].astype(dtype)
    wide = x.astype(np.longdouble)
    above = reference(f"polygamma{order}", (x.astype(np.float64) + 6))
    wanted = above - (-1) ** order * sum((1 / (wide + k) ** (order + 1) for k in range(6)), np.longdouble(0))
    found = compiled(f"polygamma{order}", dtype)(x)
    error = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    assert error.max() < (5e-6 if dtype == "float32" else 1e-13)


def special_values(name: str, dtype: str) -> Array:
    limits = np.finfo(dtype)
    values = [0.0, 1, 2, 3, 0.5, 1.5, 2.5, np.inf, limits.smallest_subnormal, limits.tiny]
    if name not in ("sin", "cos", "tan"):  # their accuracy ends before
        values.append(limits.max)
    if name == "gammaln":  # there SciPy overflows
        values.remove(limits.smallest_subnormal)
    return np.array([*values, *(-v for v in values), np.nan], dtype)


@both_precisions
@pytest.mark.parametrize("name", EVERY_NAME)
def test_special_values(name: str, dtype: str) -> None:
    """As NumPy and SciPy have it, to the sign of zero."""
    x = special_values(name, dtype)
    if name == "polygamma0":
        x = x[x != -np.inf]  # SciPy: NaN in float32, -inf in float64
    if name in ("polygamma2", "polygamma3"):
        x = x[~(x < 0)]  # SciPy does not reflect
    arguments = [grid.reshape(-1) for grid in np.meshgrid(x, x)] if name in TWO_ARGUMENTS else [x]
    wanted, found = scipy_value(name, *arguments), compiled(name, dtype, 8)(*arguments)
    limits = np.finfo(dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=2 * float(limits.smallest_subnormal))
    is_number = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found[is_number]), np.signbit(wanted[is_number]))


@both_precisions
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sines_of_huge_numbers_stay_bounded(name: str, dtype: str) -> None:
    x = np.logspace(5, 38 if dtype == "float32" else 300, 2000).astype(dtype)
    assert np.abs(compiled(name, dtype)(x)).max() <= 1


@both_precisions
@pytest.mark.parametrize("name", EVERY_NAME)
def test_every_width_gives_the_same_digits(name: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([special_values(name, dtype), rng.uniform(-4, 4, 200)]).astype(dtype)
    arguments = [x, rng.permutation(x)] if name in TWO_ARGUMENTS else [x]
    wanted = compiled(name, dtype, 16)(*arguments)
    for width in (1, 3, 8):
        np.testing.assert_array_equal(compiled(name, dtype, width)(*arguments), wanted)


def test_a_function_is_defined_once_and_stays_inside_the_module() -> None:
    module = emitted("tanh", "float32", 16, times=3)
    defined = [f for f in module.functions if "tanh" in f.name and not f.is_declaration]
    assert len(defined) == 1
    assert defined[0].linkage == "internal"


@pytest.mark.parametrize("name", EVERY_NAME)
def test_no_branches_and_no_casts_of_pointers(name: str) -> None:
    module = emitted(name, "float64", 8)
    for function in module.functions:
        assert function.name == "run" or function.is_declaration or len(function.blocks) == 1
    text = str(module)
    assert "inttoptr" not in text
    assert "ptrtoint" not in text
