"""Elementary functions against references in higher precision, over all magnitudes, and at the special values."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.special
from llvmlite import ir

from thalweg.compile.native import jit
from thalweg.compile.native.arithmetic import Number
from thalweg.compile.native.arrays import INT64, POINTER, value_type
from thalweg.compile.native.elementary import ELEMENTARY, call

Array = np.ndarray[Any, Any]
Formula = Callable[..., ir.Value]

TWO_ARGUMENTS = ("power", "arctan2")
POLYGAMMA = ("polygamma0", "polygamma1", "polygamma2", "polygamma5")
SCIPY = ("expit", "erf", "erfc", "gammaln")

# Where longdouble is float64, the references are no better than what is tested.
SLACK = 0.0 if np.finfo(np.longdouble).nmant > 52 else 1.0


def text_of(formula: Formula, dtype: str, width: int, arguments: int) -> str:
    """A module whose function `run` applies a formula to arrays, `width` numbers at a time."""
    kind, element = value_type(np.dtype(dtype), width), value_type(np.dtype(dtype), 1)
    module = ir.Module("test")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER] * 3 + [INT64]), "run")
    start, body, end = (function.append_basic_block(name) for name in ("start", "body", "end"))
    ir.IRBuilder(start).branch(body)
    builder = ir.IRBuilder(body)
    index = builder.phi(INT64)
    loaded = [
        builder.load(builder.gep(pointer, [index], source_etype=element), typ=kind, align=4)
        for pointer in function.args[:arguments]
    ]
    builder.store(formula(builder, *loaded), builder.gep(function.args[2], [index], source_etype=element), align=4)
    following = builder.add(index, ir.Constant(INT64, width))
    index.add_incoming(ir.Constant(INT64, 0), start)
    index.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, function.args[3]), body, end)
    ir.IRBuilder(end).ret_void()
    return str(module)


def compiled(formula: Formula, dtype: str, width: int, arguments: int = 1) -> Callable[..., Array]:
    """A formula as a function of arrays of any length."""
    library = jit.link(jit.compile_object(text_of(formula, dtype, width, arguments), False), ("run",), 4)

    def run(*xs: Array) -> Array:
        size = -(-len(xs[0]) // width) * width
        padded = [np.concatenate([x, np.ones(size - len(x))]).astype(dtype) for x in xs]
        result = np.empty(size, dtype)
        at = [x.ctypes.data for x in padded] + [0] * (2 - len(xs)) + [result.ctypes.data, size]
        library["run"](*(ctypes.c_void_p(address) for address in at))
        return result[: len(xs[0])]

    return run


@cache
def function(name: str, dtype: str, width: int = 16) -> Callable[..., Array]:
    """An elementary function of arrays."""
    arguments = 2 if name in TWO_ARGUMENTS else 1
    return compiled(lambda builder, *xs: call(builder, name, *xs), dtype, width, arguments)


def reference(name: str, *xs: Array) -> Array:
    """The value in extended precision, where NumPy has it; SciPy in float64 otherwise."""
    with np.errstate(all="ignore"):
        if name in (*SCIPY[1:], *POLYGAMMA):
            return np.asarray(by_scipy(name, xs[0].astype(np.float64)), np.longdouble)
        wide = [x.astype(np.longdouble) for x in xs]
        decay = np.exp(-np.abs(wide[0]))
        if name == "expit":
            return np.where(wide[0] >= 0, 1, decay) / (1 + decay)
        if name == "softplus":
            return np.maximum(wide[0], 0) + np.log1p(decay)
        return np.asarray(getattr(np, name)(*wide))


def by_scipy(name: str, x: Array) -> Array:
    if name == "polygamma0":
        return np.asarray(scipy.special.digamma(x))
    if name.startswith("polygamma"):
        return np.asarray(scipy.special.polygamma(int(name.removeprefix("polygamma")), x))
    return np.asarray(getattr(scipy.special, name)(x))


def ulps(found: Array, wanted: Array) -> Array:
    """The distance in units of the last place."""
    with np.errstate(over="ignore"):
        rounded = wanted.astype(found.dtype)
    both = np.isfinite(rounded) & np.isfinite(found)
    spacing = np.abs(np.spacing(np.where(both, rounded, 1).astype(found.dtype))).astype(np.longdouble)
    distance = np.abs(np.where(both, found, 0) - np.where(both, wanted, 0)) / spacing
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    # Beyond the last finite number, infinity is as near as can be.
    overflow = np.isinf(found) & (np.abs(rounded) >= np.finfo(found.dtype).max)
    return np.where(both, distance, np.where(same | overflow, 0, np.inf))


def samples(dtype: str, low: float, high: float, seed: int = 0) -> Array:
    """Numbers of all magnitudes up to the limits, of both signs as far as the limits allow."""
    rng = np.random.default_rng(seed)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    sizes = np.exp(rng.uniform(np.log(smallest), np.log(max(abs(low), abs(high))), 8000))
    spread = [4 * rng.uniform(low / 4, high / 4, 12000), rng.uniform(max(low, -3), min(high, 3), 12000)]
    x = np.concatenate([sizes, -sizes, *spread]).astype(dtype)
    return x[(x >= low) & (x <= high)]


def assert_within(bound: float, name: str, found: Array, wanted: Array, *xs: Array) -> None:
    errors = ulps(found, wanted)
    worst = int(np.argmax(errors))
    at = ", ".join(repr(x[worst]) for x in xs)
    assert errors[worst] <= bound + SLACK, f"{name}({at}) = {found[worst]!r}: {errors[worst]} ulp"


MAX32, MAX64 = 3.4e38, 1.79e308

# name: limits in float32, limits in float64, ulp
ONE_ARGUMENT: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "exp": ((-110, 100), (-760, 720), 0.8),
    "expm1": ((-40, 100), (-60, 720), 1.2),
    "log": ((0, MAX32), (0, MAX64), 0.9),
    "log1p": ((-1, MAX32), (-1, MAX64), 0.9),
    "expit": ((-110, 110), (-760, 760), 0.8),
    "softplus": ((-110, 110), (-760, 760), 1.6),
    "tanh": ((-20, 20), (-40, 40), 1.01),
    "sinh": ((-91, 91), (-712, 712), 2.3),
    "cosh": ((-91, 91), (-712, 712), 2.3),
    "arcsinh": ((-MAX32, MAX32), (-MAX64, MAX64), 1.7),
    "arccosh": ((1, MAX32), (1, MAX64), 2.1),
    "arctanh": ((-1, 1), (-1, 1), 2),
    "sin": ((-1e15, 1e15), (-1e15, 1e15), 1.8),
    "cos": ((-1e15, 1e15), (-1e15, 1e15), 1.8),
    "tan": ((-1e15, 1e15), (-1e15, 1e15), 3.3),
    "arcsin": ((-1, 1), (-1, 1), 2.4),
    "arccos": ((-1, 1), (-1, 1), 1.2),
    "arctan": ((-MAX32, MAX32), (-MAX64, MAX64), 2.1),
}

# name: limits in float32, ulp; float64 is tested at single numbers below
ONLY_SINGLE: dict[str, tuple[tuple[float, float], float]] = {
    "erf": ((-6, 6), 1.3),
    "erfc": ((-6, 11), 4),
    "gammaln": ((1e-37, 1e36), 3.2),
    "polygamma0": ((1e-37, MAX32), 4),
    "polygamma1": ((1e-18, 1e30), 6),
    "polygamma2": ((1e-12, 1e18), 6),
    "polygamma5": ((1e-6, 1e6), 13.5),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_error_in_ulp(name: str, dtype: str) -> None:
    single, double, bound = ONE_ARGUMENT[name]
    x = samples(dtype, *(single if dtype == "float32" else double))
    with np.errstate(all="ignore"):
        assert_within(bound, name, function(name, dtype)(x), reference(name, x), x)


@pytest.mark.parametrize("name", ONLY_SINGLE)
def test_error_in_ulp_of_special_functions(name: str) -> None:
    limits, bound = ONLY_SINGLE[name]
    x = samples("float32", *limits)
    assert_within(bound, name, function(name, "float32")(x), reference(name, x), x)


# Computed with 40 digits; the last column is the error allowed, in ulp.
PRECISE = [
    ("erf", -0.97, "-0.82987029303566705291704", 1.3),
    ("erf", 0.25, "0.276326390168236932985068", 1.3),
    ("erf", 1.0625, "0.867058269434952755383846", 1.3),
    ("erfc", 0.79, "0.263896546179308888148212", 4),
    ("erfc", 0.81, "0.251996719402210409568192", 4),
    ("erfc", 1.7, "0.0162095414092254391586871", 4),
    ("erfc", 5.98, "2.7435073140356448129505e-17", 4),
    ("erfc", 13.4, "4.37725724625719454634016e-80", 4),
    ("erfc", 23.9, "1.99203438217385930299515e-250", 4),
    ("erfc", 26.5, "2.21090766426373427592924e-307", 4),
    ("erfc", -1.25, "1.92290012825645823013652", 4),
    ("gammaln", 1e-300, "690.775527898213705180338", 3.2),
    ("gammaln", 0.49, "0.592249629335267055744656", 3.2),
    ("gammaln", 0.9999999999999999, "6.4083812134800072426299e-17", 3.2),
    ("gammaln", 1.0000001, "-5.7721558299185070969638e-8", 3.2),
    ("gammaln", 1.223, "-0.0916897462676121724951394", 3.2),
    ("gammaln", 1.26, "-0.10048672543554801626827", 3.2),
    ("gammaln", 1.9999, "-0.0000422752087721534580113414", 3.2),
    ("gammaln", 2.0000001, "4.22784366653249792320343e-8", 3.2),
    ("gammaln", 7.99, "8.50501160608848110572844", 3.2),
    ("gammaln", 8.01, "8.54532442974773293308946", 3.2),
    ("gammaln", 1e20, "4505170185988091368013.88", 3.2),
    ("gammaln", -40.125, "-108.678221265046660802827", 4),
    ("polygamma0", 1e-20, "-100000000000000005485.25", 4),
    ("polygamma0", 0.75, "-1.08586087978647216962689", 4),
    ("polygamma0", 1.4616321449683622, "-9.24126552172942751679235e-17", 4),
    ("polygamma0", 1.4617, "0.0000656593922936764955024604", 4),
    ("polygamma0", 2.0755, "0.470359352807458693632502", 4),
    ("polygamma0", 9.99, "2.25070037283120112197865", 4),
    ("polygamma0", 1e10, "23.0258509298904568401791", 4),
    ("polygamma0", -0.75, "-2.8941202000429320747562", 4),
    ("polygamma0", -20.375, "4.33993813410168628031759", 4),
    ("polygamma1", 1e-100, "9.999999999999999600162e+199", 6),
    ("polygamma1", 0.0222, "2030.64920191044312149847", 6),
    ("polygamma1", 1.78, "0.747597910705622413030493", 6),
    ("polygamma1", -1.25, "19.1818796476716064983977", 6),
    ("polygamma2", 0.28, "-92.3557749697390570702767", 6),
    ("polygamma2", 2.46, "-0.245417605492965609478764", 6),
    ("polygamma2", 100000.0, "-1.00001000004999999999833e-10", 6),
    ("polygamma2", -3.125, "1022.21967931275992215783", 6),
    ("polygamma3", 0.93, "8.58227497115494327552801", 6),
    ("polygamma3", 14.5, "0.000727011868290148754344393", 6),
    ("polygamma3", -0.5, "193.40909103400243723644", 6),
    ("polygamma25", 0.5, "1.04093968527374276403565e+33", 43.5),
    ("polygamma25", 40.5, "5.41867629576870251415362e-17", 43.5),
    ("polygamma180", 48.25, "-3.98757352380931459017763e+24", 276),
    ("polygamma180", 400.0, "-5.90188395735391094416312e-142", 276),
]


@pytest.mark.parametrize(("name", "x", "digits", "bound"), PRECISE)
def test_special_functions_in_double(name: str, x: float, digits: str, bound: float) -> None:
    at = np.array([x])
    assert_within(bound, name, function(name, "float64", 8)(at), np.array([np.longdouble(digits)]), at)


@pytest.mark.parametrize("name", SCIPY[1:] + POLYGAMMA)
def test_special_functions_agree_with_scipy_in_double(name: str) -> None:
    low, high = (-8, 26) if name.startswith("erf") else (0.01, 300)
    x = np.random.default_rng(4).uniform(low, high, 5000)
    found, wanted = function(name, "float64")(x), by_scipy(name, x)
    np.testing.assert_allclose(found, wanted, rtol=2e-13, atol=2e-14 if name in ("gammaln", "polygamma0") else 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["gammaln", *POLYGAMMA])
def test_reflection_for_negative_arguments(name: str, dtype: str) -> None:
    x = np.random.default_rng(5).uniform(-30, 0, 4000).astype(dtype)
    # Away from the poles, where SciPy itself loses digits.
    x = x[np.abs(x - np.rint(x)) > 0.01]
    found, wanted = function(name, dtype)(x), reference(name, x).astype(np.float64)
    error = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
    assert error.max() < (2e-6 if dtype == "float32" else 2e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_power_over_the_whole_range_of_results(dtype: str) -> None:
    rng = np.random.default_rng(1)
    largest = float(np.log(np.finfo(dtype).max))
    x = np.exp(rng.uniform(-largest, largest, 20000) * rng.uniform(0, 1, 20000) ** 4).astype(dtype)
    x = x[x != 1]
    results = rng.uniform(-1.15 * largest, 1.02 * largest, len(x))
    y = (results / np.log(x.astype(np.float64))).astype(dtype)
    whole = rng.random(len(x)) < 0.3
    y[whole] = np.rint(np.clip(y[whole], -60, 60))
    with np.errstate(all="ignore"):
        assert_within(1.1, "power", function("power", dtype)(x, y), reference("power", x, y), x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arctan2_in_all_quadrants(dtype: str) -> None:
    rng = np.random.default_rng(6)
    smallest, largest = np.log(float(np.finfo(dtype).smallest_subnormal)), np.log(float(np.finfo(dtype).max))
    sizes = np.exp(rng.uniform(smallest, largest, (2, 10000)) * rng.uniform(0, 1, (2, 10000)) ** 3)
    y, x = (rng.choice([-1.0, 1.0], (2, 10000)) * sizes).astype(dtype)
    with np.errstate(all="ignore"):
        assert_within(2.1, "arctan2", function("arctan2", dtype)(y, x), reference("arctan2", y, x), y, x)


def special_values(dtype: str) -> Array:
    limits = np.finfo(dtype)
    positive = [
        *(0.0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 10, 20, 30, 50, 1e-12, 1e-5, 1e4, 1e8, 1e15, np.pi, np.inf),
        *(87, 88.6, 88.8, 89.4, 103.9, 104.1, 708, 709.7, 709.8, 710.4, 710.5, 745, 745.2),  # where exp ends
        *(limits.smallest_subnormal, 2 * limits.smallest_subnormal, 1000 * limits.smallest_subnormal),
        *(0.999 * limits.tiny, limits.tiny, 1 - limits.epsneg, 1 + limits.eps, limits.max / 2, limits.max),
    ]
    return np.array([*positive, *(-value for value in positive), np.nan], dtype)


def assert_same(name: str, found: Array, wanted: Array, arguments: Iterable[Array]) -> None:
    """Equal to a few digits, NaN for NaN, infinity for infinity, and zeros of the same sign."""
    is_zero = (found == 0) & (wanted == 0)
    differs = (ulps(found, wanted.astype(np.longdouble)) > 5) | (is_zero & (np.signbit(found) != np.signbit(wanted)))
    cases = list(zip(*(x[differs] for x in arguments), found[differs], wanted[differs], strict=True))
    assert not cases, f"{name}: arguments, found, wanted: {cases[:5]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_special_values(name: str, dtype: str) -> None:
    """As NumPy and SciPy, at zeros, ones, infinities, NaN, and the smallest and the largest numbers."""
    xs: tuple[Array, ...] = (special_values(dtype),)
    if name in TWO_ARGUMENTS:
        xs = tuple(grid.reshape(-1) for grid in np.meshgrid(xs[0], xs[0]))
    elif name in ("sin", "cos", "tan"):
        xs = (xs[0][(np.abs(xs[0]) <= 1e15) | ~np.isfinite(xs[0])],)
    elif name == "gammaln":
        # SciPy overflows at the smallest numbers and loses all digits next to 1; negative roots have their own test.
        xs = (xs[0][~(np.abs(xs[0]) < 1e-300) | (xs[0] == 0)],)
        xs = (xs[0][(np.abs(np.abs(xs[0]) - 1) > 1e-3) | (xs[0] == 1)],)
        xs = (xs[0][~((xs[0] < 0) & (xs[0] > -4))],)
    elif name == "expit":
        xs = (xs[0][~((xs[0] < -709) & (xs[0] > -746))],)  # there SciPy gives 0 instead of a subnormal number
    with np.errstate(all="ignore"):
        wide = [x.astype(np.float64) for x in xs]
        if name == "softplus":
            wanted = np.logaddexp(wide[0], 0)
        else:
            wanted = by_scipy(name, wide[0]) if name in SCIPY else getattr(np, name)(*wide)
        assert_same(name, function(name, dtype)(*xs), wanted.astype(dtype), xs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", POLYGAMMA)
def test_special_values_of_polygamma(name: str, dtype: str) -> None:
    x = np.array([0.0, -0.0, -1, -2, -7, np.inf, -np.inf, np.nan, 0.5, 1, 2], dtype)
    with np.errstate(all="ignore"):
        assert_same(name, function(name, dtype)(x), by_scipy(name, x.astype(np.float64)).astype(dtype), [x])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gammaln_of_the_smallest_numbers(dtype: str) -> None:
    tiny = float(np.finfo(dtype).smallest_subnormal)
    found = function("gammaln", dtype)(np.array([tiny, -tiny]))
    np.testing.assert_allclose(found, -np.log(tiny), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_expit_underflows_gradually(dtype: str) -> None:
    x = np.linspace(-103.9, -87, 500) if dtype == "float32" else np.linspace(-745, -708, 500)
    found = function("expit", dtype)(x)
    assert (found > 0).all()
    np.testing.assert_allclose(found, np.exp(x.astype(dtype)), rtol=1e-6, atol=np.finfo(dtype).smallest_subnormal)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_trigonometric_functions_stay_bounded_beyond_their_range(dtype: str) -> None:
    sizes = np.exp(np.linspace(np.log(1e15), np.log(0.99 * float(np.finfo(dtype).max)), 5000))
    x = np.concatenate([sizes, -sizes])
    for name in ("sin", "cos"):
        assert (np.abs(function(name, dtype)(x)) <= 1).all()
    assert np.isfinite(function("tan", dtype)(x)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 3, 8, 64])
def test_every_width_gives_the_same_digits(width: int, dtype: str) -> None:
    x, y = samples(dtype, -20, 20)[::8], samples(dtype, -3, 3, seed=1)[::8]
    count = min(len(x), len(y))
    for name in ("exp", "log", "tanh", "softplus", "sin", "power", "arctan2", "erfc", "gammaln", "polygamma1"):
        arguments = (x[:count], y[:count]) if name in TWO_ARGUMENTS else (x,)
        found, wanted = function(name, dtype, width)(*arguments), function(name, dtype)(*arguments)
        np.testing.assert_array_equal(found, wanted, err_msg=name)


@pytest.mark.parametrize("name", [*ELEMENTARY, *POLYGAMMA])
def test_functions_have_no_branches_and_are_emitted_once(name: str) -> None:
    arguments = 2 if name in TWO_ARGUMENTS else 1
    module = ir.Module("test")
    kind = ir.VectorType(ir.FloatType(), 8)
    function = ir.Function(module, ir.FunctionType(kind, [kind] * arguments), "run")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    call(builder, name, *function.args)
    builder.ret(call(builder, name, *function.args))
    emitted = [known for known in module.functions if known.linkage == "internal"]
    assert len(emitted) == 1
    assert len(emitted[0].blocks) == 1
    assert "ptrtoint" not in str(module)
    assert "inttoptr" not in str(module)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fraction_and_exponent_make_up_the_number(dtype: str) -> None:
    x = samples(dtype, 0, 1e38)
    x = x[x > 0]
    parts = [
        compiled(lambda b, value, which=which: Number(b, value).fraction_and_exponent()[which].value, dtype, 8)(x)
        for which in (0, 1)
    ]
    assert (parts[0] >= np.float32(np.sqrt(0.5))).all()
    assert (parts[0] < np.float32(np.sqrt(2))).all()
    np.testing.assert_array_equal(np.ldexp(parts[0], parts[1].astype(int)), x)
    again = compiled(lambda b, m, e: Number(b, m).times_power_of_two(Number(b, e)).value, dtype, 8, 2)(*parts)
    np.testing.assert_array_equal(again, x)
