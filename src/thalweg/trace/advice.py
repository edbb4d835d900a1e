"""What to write in place of functions that cannot be traced."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["advice_on"]

_LOOP = "Write its steps as a loop in NumPy, which is compiled as a loop"
_DENSITY = "Write the logarithm of the density in NumPy, with scipy.special's functions"
_COUNTS = "Counts have no derivative. Work them out before the descent if they are of data"
_FOURIER = (
    "Multiply by matrices that are made before the descent: angle = 2 * np.pi * np.outer(k, k) / n with k = np.arange(n); "
    "np.cos(angle) @ x is the real part of the transform, -np.sin(angle) @ x the imaginary one."
)
_EIGEN = (
    "The largest eigenvalue is found by a loop: v = A @ v; v = v / np.sqrt(v @ v), and v @ A @ v at the end. Sums and products of all "
    "eigenvalues are np.trace(A) and np.linalg.det(A), and np.linalg.slogdet(A) has the sum of their logarithms."
)
_ROOTS = f"{_LOOP}, such as a fixed number of Newton's steps: for _ in range(20): x = x - f(x) / derivative(x)."
_WINDOWS = "Write it as a sum over shifted windows: sum(kernel[i, j] * x[i:i + rows, j:j + columns] for i in ... for j in ...)."
_NUMPY = "Write the formula with NumPy's functions."

_ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        ("scipy.integrate.solve_ivp", "scipy.integrate.odeint", "scipy.integrate.ode", "scipy.integrate.solve_bvp"),
        f"{_LOOP}: with Runge and Kutta's method, k1 = f(t, y); k2 = f(t + h / 2, y + h / 2 * k1); k3 = f(t + h / 2, y + h / 2 * k2); "
        "k4 = f(t + h, y + h * k3); y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4).",
    ),
    "scipy.integrate": "Write a weighted sum over fixed points: x, weights = np.polynomial.legendre.leggauss(20), made before the descent, "
    "and weights @ f(x) is the integral from -1 to 1. For values on a grid there is np.trapezoid.",
    "scipy.optimize": _ROOTS,
    "scipy.interpolate": "np.interp can be traced. A spline through fixed points x is linear in its coefficients: make the matrix before the "
    "descent, basis = scipy.interpolate.BSpline.design_matrix(x, knots, 3).toarray(), and write basis @ coefficients.",
    "scipy.linalg": "Of numpy.linalg, solve, inv, cholesky, det, slogdet, norm and matrix_power can be traced.",
    **dict.fromkeys(
        ("scipy.integrate.trapezoid", "scipy.integrate.cumulative_trapezoid"),
        "np.trapezoid(y, x) can be traced, and np.cumsum.",
    ),
    **dict.fromkeys(
        ("scipy.linalg.cho_factor", "scipy.linalg.cho_solve", "scipy.linalg.solve_triangular"),
        "Write L = np.linalg.cholesky(A), and np.linalg.solve(L, b) or np.linalg.solve(L.T, np.linalg.solve(L, b)).",
    ),
    "scipy.linalg.expm": "Write the series with a loop, of a matrix that is scaled down: A = A / 2**s, total and term = np.eye(n), then "
    "term = term @ A / k and total = total + term for k = 1, 2, ..., and at the end total = total @ total, s times.",
    "scipy.sparse": "A sparse matrix of numbers can be multiplied with traced values, S @ x. Elsewhere write S.toarray(), and for a matrix with "
    "traced entries a dense one.",
    "scipy.sparse.linalg": "Write np.linalg.solve(S.toarray(), b), or a loop of conjugate gradient steps with products S @ x, which can be "
    "traced.",
    "scipy.ndimage": _WINDOWS,
    "scipy.signal": f"np.convolve can be traced. {_WINDOWS}",
    "scipy.signal.lfilter": f"{_LOOP}: y[n] = b[0] * x[n] + ... - a[1] * y[n - 1] - ....",
    "scipy.spatial": "Distances are np.sqrt(np.sum((a[:, None] - b[None]) ** 2, axis=-1)).",
    "scipy.special": "Of scipy.special many functions can be traced, among them gammaln, digamma, erf, expit, logsumexp and xlogy.",
    "scipy.stats": "Write its formula in NumPy; of a density the logarithm, with scipy.special's functions, such as gammaln and xlogy.",
    **dict.fromkeys(
        ("scipy.special.betaln", "scipy.special.beta"), "Write gammaln(a) + gammaln(b) - gammaln(a + b), the logarithm."
    ),
    "scipy.special.log_ndtr": "Write np.log(scipy.special.ndtr(x)).",
    "scipy.stats.norm": f"{_DENSITY}: -((x - mu) / sigma) ** 2 / 2 - np.log(sigma) - np.log(2 * np.pi) / 2; the cdf is "
    "scipy.special.ndtr((x - mu) / sigma).",
    "scipy.stats.expon": f"{_DENSITY}: -x / scale - np.log(scale).",
    "scipy.stats.gamma": f"{_DENSITY}: (a - 1) * np.log(x) - x / scale - a * np.log(scale) - gammaln(a).",
    "scipy.stats.beta": f"{_DENSITY}: (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - gammaln(a) - gammaln(b) + gammaln(a + b).",
    "scipy.stats.poisson": f"{_DENSITY}: k * np.log(mu) - mu - gammaln(k + 1).",
    "scipy.stats.binom": f"{_DENSITY}: gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(p) + (n - k) * np.log1p(-p).",
    "scipy.stats.bernoulli": f"{_DENSITY}: k * np.log(p) + (1 - k) * np.log1p(-p).",
    "scipy.stats.t": f"{_DENSITY}: with z = (x - mu) / sigma, gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu * np.pi) / 2 "
    "- np.log(sigma) - (nu + 1) / 2 * np.log1p(z**2 / nu).",
    "scipy.stats.lognorm": f"{_DENSITY}: -((np.log(x) - mu) / sigma) ** 2 / 2 - np.log(x * sigma) - np.log(2 * np.pi) / 2.",
    "scipy.stats.multivariate_normal": f"{_DENSITY}: with L = np.linalg.cholesky(covariance) and z = np.linalg.solve(L, x - mu), "
    "-z @ z / 2 - np.sum(np.log(np.diag(L))) - n / 2 * np.log(2 * np.pi).",
    "np.fft": _FOURIER,
    **dict.fromkeys(
        [
            f"np.linalg.{name}"
            for name in ("eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals", "cond", "matrix_rank")
        ],
        _EIGEN,
    ),
    "np.linalg.lstsq": "Write np.linalg.solve(A.T @ A, A.T @ b), which loses digits where the columns of A are nearly dependent; or make the "
    "coefficients parameters of the loss, np.sum((A @ x - b) ** 2).",
    "np.linalg.pinv": "For a matrix of full rank write np.linalg.solve(A.T @ A, A.T).",
    "np.linalg.qr": "For a least-squares solution write np.linalg.solve(A.T @ A, A.T @ b).",
    "np.polyfit": "Write np.linalg.solve(V.T @ V, V.T @ y) with V = np.vander(x, degree + 1), made before the descent.",
    "np.polynomial": "np.polyval can be traced, and np.polynomial.polynomial.polyval(x, c).",
    "np.poly1d": "Write np.polyval(coefficients, x).",
    **dict.fromkeys(("np.unique", "np.histogram", "np.digitize", "np.searchsorted", "np.isin"), f"{_COUNTS}."),
    **dict.fromkeys(
        ("np.add.at", "np.bincount"),
        f"{_COUNTS}; sums by group of traced values are members @ x, with members = groups == np.arange(number)[:, None].",
    ),
    **dict.fromkeys(
        ("np.nonzero", "np.flatnonzero", "np.argwhere", "np.compress", "np.extract"),
        "How many elements are chosen is not known before the descent. Write np.where(condition, x, 0) and go on with all of them.",
    ),
    **dict.fromkeys(
        ("np.vectorize", "np.frompyfunc", "np.apply_along_axis", "np.apply_over_axes"),
        "Write the function with NumPy's operations on whole arrays, np.where for its if; or a loop, and np.stack of its results.",
    ),
    "np.piecewise": "Write np.where(condition, a, b), or np.select for more than two pieces.",
    "np.gradient": "For points at equal distances h write (x[2:] - x[:-2]) / (2 * h).",
    "np.cov": "Write centred = x - np.mean(x, axis=1, keepdims=True), and centred @ centred.T / (n - 1).",
    "np.corrcoef": "Write z = (x - np.mean(x, axis=1, keepdims=True)) / np.std(x, axis=1, keepdims=True), and z @ z.T / n.",
    **dict.fromkeys(
        ("np.allclose", "np.array_equal", "np.isclose"), "Compare numbers before or after the descent, not in the loss."
    ),
    **dict.fromkeys(
        ("np.r_", "np.c_", "np.block"),
        "Write np.concatenate([a, b]), np.stack([a, b], axis=1) or np.column_stack([a, b]).",
    ),
    **dict.fromkeys(("np.linspace", "np.arange"), "Write start + (stop - start) * np.linspace(0, 1, n)."),
    "np.fromiter": "Write np.array([... for ... in ...]).",
    "np.ma": "Write with ordinary arrays, weights = ~np.ma.getmaskarray(x) and x.filled(0), made before the descent, and "
    "weight the terms of the loss.",
    "np.random": "Draw standard random numbers z before the descent, pass them with data=..., and write mu + sigma * z.",
    "random": "Draw standard random numbers z before the descent, pass them with data=..., and write mu + sigma * z.",
    "pandas": "Arithmetic of a table with traced values is traced, and gives arrays. For all else take arrays: table.to_numpy().",
    "polars": "Take arrays: column.to_numpy().",
    "xarray": "Take arrays: x.to_numpy().",
    "sklearn": _NUMPY,
    "statsmodels": _NUMPY,
    "statistics": _NUMPY,
    "torch": _NUMPY,
    "jax": _NUMPY,
}


def advice_on(name: str) -> str | None:
    """What to write in place of a function, by its full name, NumPy as np; None if nothing is known of it or its package.

    >>> advice_on("np.poly1d")
    'Write np.polyval(coefficients, x).'
    """
    while name:
        if name in _ADVICE:
            return _ADVICE[name]
        name = name.rpartition(".")[0]
    return None
