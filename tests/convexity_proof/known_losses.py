"""Losses whose convexity is known, in many spellings: the table of the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

rng = np.random.default_rng(0)
N, d = 30, 3
X = rng.standard_normal((N, d))
y = np.sign(rng.standard_normal(N))
r = rng.standard_normal(N)
b = (y > 0) * 1.0
Y = np.eye(3)[rng.integers(0, 3, N)]
lab = Y.argmax(1)
counts = rng.poisson(2.0, N) * 1.0
pos = np.abs(r) + 0.1
A = rng.standard_normal((d, d))
Q = A @ A.T
QI = np.diag([1.0, -1, 2.0])
w = np.zeros(d)
W = np.zeros((d, 3))
ones = np.ones(d)


def ce_manual(W):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(N), lab]))


def ce_manual2(W):
    z = X @ W
    m = np.max(z, axis=1, keepdims=True)
    return -np.mean(np.sum(Y * (z - m - np.log(np.sum(np.exp(z - m), axis=1, keepdims=True))), axis=1))


def ce3(W):
    z = X @ W
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.sum(Y * np.log(p))


def sig(z):
    return 1 / (1 + np.exp(-z))


def bce(w):
    p = sig(X @ w)
    return -np.mean(b * np.log(p) + (1 - b) * np.log(1 - p))


def huber(r, k=1.3):
    return np.where(np.abs(r) <= k, 0.5 * r**2, k * (np.abs(r) - 0.5 * k))


S = np.array([[2.0, 0.3, 0], [0.3, 1, 0.1], [0, 0.1, 1.5]])


def logdet(v):
    M = np.diag(v) @ np.eye(3) + S
    return -2 * np.sum(np.log(np.diag(np.linalg.cholesky(M))))


CONVEX: dict[str, Any] = {
    "log(1+exp(-yz))": (lambda w: np.mean(np.log(1 + np.exp(-y * (X @ w)))), w),
    "log1p": (lambda w: np.mean(np.log1p(np.exp(-y * (X @ w)))), w),
    "logaddexp": (lambda w: np.mean(np.logaddexp(0, -y * (X @ w))), w),
    "max+log1p(exp(-|z|))": (
        lambda w: np.mean(np.maximum(X @ w, 0) - b * (X @ w) + np.log1p(np.exp(-np.abs(X @ w)))),
        w,
    ),
    "bce": (bce, w),
    "-log_expit": (lambda w: -np.mean(sp.log_expit(y * (X @ w))), w),
    "-log sigmoid": (lambda w: -np.mean(np.log(sp.expit(y * (X @ w)))), w),
    "-log(1/(1+exp))": (lambda w: np.mean(-np.log(1 / (1 + np.exp(-y * (X @ w))))), w),
    "bce where": (lambda w: -np.mean(np.where(b == 1, np.log(sig(X @ w)), np.log(1 - sig(X @ w)))), w),
    "lsq": (lambda w: np.mean((X @ w - r) ** 2), w),
    "lsq sum": (lambda w: np.sum(np.square(X @ w - r)), w),
    "lsq dot": (lambda w: (X @ w - r) @ (X @ w - r), w),
    "lsq norm": (lambda w: np.linalg.norm(X @ w - r) ** 2, w),
    "norm": (lambda w: np.linalg.norm(X @ w - r), w),
    "sqrt sum sq": (lambda w: np.sqrt(np.sum((X @ w - r) ** 2)), w),
    "rmse": (lambda w: np.sqrt(np.mean((X @ w - r) ** 2)), w),
    "ridge": (lambda w: np.mean((X @ w - r) ** 2) + 0.1 * np.sum(w**2), w),
    "lasso": (lambda w: np.mean((X @ w - r) ** 2) + 0.1 * np.sum(np.abs(w)), w),
    "elastic": (lambda w: np.mean((X @ w - r) ** 2) + 0.1 * np.linalg.norm(w, 1) + 0.2 * w @ w, w),
    "group lasso": (lambda W: np.sum((X @ W - Y) ** 2) + np.sum(np.linalg.norm(W, axis=1)), W),
    "mae": (lambda w: np.mean(np.abs(X @ w - r)), w),
    "quantile max": (lambda w: np.mean(np.maximum(0.3 * (r - X @ w), -0.7 * (r - X @ w))), w),
    "quantile where": (lambda w: np.mean(np.where(r - X @ w > 0, 0.3 * (r - X @ w), -0.7 * (r - X @ w))), w),
    "hinge": (lambda w: np.mean(np.maximum(0, 1 - y * (X @ w))), w),
    "hinge where": (lambda w: np.mean(np.where(1 - y * (X @ w) > 0, 1 - y * (X @ w), 0)), w),
    "squared hinge": (lambda w: np.mean(np.maximum(0, 1 - y * (X @ w)) ** 2), w),
    "smooth hinge": (
        lambda w: np.mean(
            np.where(y * (X @ w) >= 1, 0, np.where(y * (X @ w) <= 0, 0.5 - y * (X @ w), 0.5 * (1 - y * (X @ w)) ** 2))
        ),
        w,
    ),
    "svm": (lambda w: 0.5 * w @ w + np.sum(np.maximum(0, 1 - y * (X @ w))), w),
    "huber where": (lambda w: np.mean(huber(X @ w - r)), w),
    "huber scipy": (lambda w: np.mean(sp.huber(1.1, X @ w - r)), w),
    "huber .1": (lambda w: np.mean(huber(X @ w - r, 0.1)), w),
    "pseudo huber": (lambda w: np.mean(sp.pseudo_huber(1.1, X @ w - r)), w),
    "pseudo huber sqrt": (lambda w: np.mean(np.sqrt(1 + ((X @ w - r) / 0.7) ** 2) - 1), w),
    "charbonnier": (lambda w: np.sum(np.sqrt((X @ w - r) ** 2 + 1e-6)), w),
    "logcosh": (lambda w: np.mean(np.log(np.cosh(X @ w - r))), w),
    "logcosh2": (lambda w: np.mean(np.logaddexp(X @ w - r, r - X @ w) - np.log(2)), w),
    "logcosh3": (lambda w: np.mean(np.abs(X @ w - r) + np.log1p(np.exp(-2 * np.abs(X @ w - r))) - np.log(2)), w),
    "logcosh4": (lambda w: np.mean((X @ w - r) + np.log(1 + np.exp(-2 * (X @ w - r))) - np.log(2)), w),
    "logcosh5": (lambda w: np.mean(np.log((np.exp(X @ w - r) + np.exp(r - X @ w)) / 2)), w),
    "poisson": (lambda w: np.mean(np.exp(X @ w) - counts * (X @ w)), w),
    "poisson dev": (lambda w: 2 * np.mean(sp.xlogy(counts, counts / np.exp(X @ w)) - counts + np.exp(X @ w)), w),
    "gamma dev": (lambda w: np.mean(X @ w + pos * np.exp(-(X @ w))), w),
    "gamma 2": (lambda w: np.mean(np.log(np.exp(X @ w)) + pos / np.exp(X @ w)), w),
    "tweedie": (lambda w: np.mean(np.exp(0.5 * (X @ w)) / 0.5 + pos * np.exp(-0.5 * (X @ w)) / 0.5), w),
    "exponential loss": (lambda w: np.mean(np.exp(-y * (X @ w))), w),
    "probit": (lambda w: -np.mean(np.log(sp.ndtr(y * (X @ w)))), w),
    "cloglog": (lambda w: -np.mean(np.log(1 - np.exp(-np.exp(X @ w)))), w),
    "neg binomial": (lambda w: np.mean((counts + 2) * np.log(2 + np.exp(X @ w)) - counts * (X @ w)), w),
    "cox": (lambda w: np.mean(np.log(np.cumsum(np.exp(X @ w)))) - np.mean(X @ w), w),
    "cross entropy lse": (lambda W: np.mean(sp.logsumexp(X @ W, axis=1) - np.sum(Y * (X @ W), axis=1)), W),
    "ce log_softmax": (lambda W: -np.mean(sp.log_softmax(X @ W, axis=1)[np.arange(N), lab]), W),
    "ce log softmax": (lambda W: -np.mean(np.sum(Y * np.log(sp.softmax(X @ W, axis=1)), axis=1)), W),
    "ce manual": (ce_manual, W),
    "ce manual2": (ce_manual2, W),
    "ce3": (ce3, W),
    "lse": (lambda w: np.log(np.sum(np.exp(w))), w),
    "log(1+e+e)": (lambda w: np.log(1 + np.exp(w[0]) + np.exp(w[1] - w[2])), w),
    "xQx": (lambda w: w @ Q @ w, w),
    "xQx half+lin": (lambda w: 0.5 * w @ Q @ w - ones @ w, w),
    "einsum": (lambda w: np.einsum("i,ij,j->", w, Q, w), w),
    "sqrt xQx": (lambda w: np.sqrt(w @ Q @ w), w),
    "exp xQx": (lambda w: np.exp(w @ Q @ w), w),
    "x.T@x": (lambda w: w.T @ w, w),
    "x2+y2+xy": (lambda w: w[0] ** 2 + w[1] ** 2 + w[0] * w[1], w),
    "(x-y)^2 expanded": (lambda w: w[0] ** 2 + w[1] ** 2 - 2 * w[0] * w[1], w),
    "cosh+xy": (lambda w: np.cosh(w[0]) + np.cosh(w[1]) + w[0] * w[1], w),
    "tr(XtX)": (lambda W: np.trace(W.T @ W), W),
    "tr(XQXt)": (lambda W: np.trace(W.T @ Q @ W), W),
    "var": (lambda w: np.var(w), w),
    "std": (lambda w: np.std(w), w),
    "exp(x)-x": (lambda w: np.sum(np.exp(w) - w), w),
    "x**4": (lambda w: np.sum(w**4), w),
    "x**6": (lambda w: np.sum(w**6 + w**4 - w), w),
    "|x|**1.5": (lambda w: np.sum(np.abs(w) ** 1.5), w),
    "|x|**3": (lambda w: np.sum(np.abs(w) ** 3), w),
    "lp norm 3": (lambda w: np.linalg.norm(X @ w - r, 3), w),
    "lp norm 1.5": (lambda w: np.linalg.norm(X @ w - r, 1.5), w),
    "linf": (lambda w: np.linalg.norm(X @ w - r, np.inf), w),
    "max": (lambda w: np.max(X @ w), w),
    "ptp": (lambda w: np.ptp(w), w),
    "TV": (lambda w: np.sum(np.abs(np.diff(w))), w),
    "-log x": (lambda w: -np.sum(np.log(w)), ones),
    "barrier": (lambda w: w @ w - np.sum(np.log(1 - X @ w / 50)), w),
    "xlogx": (lambda w: np.sum(w * np.log(w)), ones),
    "-entr": (lambda w: -np.sum(sp.entr(w)), ones),
    "rel_entr": (lambda w: np.sum(sp.rel_entr(w, np.array([1.0, 2, 3]))), ones),
    "kl_div": (lambda w: np.sum(sp.kl_div(w, np.array([1.0, 2, 3]))), ones),
    "kl_div2": (lambda w: np.sum(sp.kl_div(np.array([1.0, 2, 3]), w)), ones),
    "rel_entr xy": (lambda p: np.sum(sp.rel_entr(p[0], p[1])), (ones, ones)),
    "x log(x/y) of constants y": (lambda p: np.sum(p * np.log(p / (3 * ones))), ones),
    "1/x-log x": (lambda w: np.sum(1 / w - np.log(w)), ones),
    "-sqrt": (lambda w: -np.sum(np.sqrt(w)), ones),
    "1/sqrt": (lambda w: np.sum(1 / np.sqrt(w)), ones),
    "x**1.5": (lambda w: np.sum(w**1.5), ones),
    "x**-.5": (lambda w: np.sum(w**-0.5), ones),
    "-geo mean": (lambda w: -(np.sqrt(w[0]) * np.sqrt(w[1])), ones),
    "-geo mean 2": (lambda w: -np.exp(np.mean(np.log(w))), ones),
    "quad/lin": (lambda w: w[0] ** 2 / np.sqrt(w[1]) ** 1 + 0 * w[2], ones),
    "logdet chol": (logdet, ones),
    "affine": (lambda w: ones @ w + 2, w),
    "relu": (lambda w: np.sum(np.where(w > 0, w, 0)), w),
    "leaky": (lambda w: np.sum(np.where(w > 0, w, 0.1 * w)), w),
    "elu-like": (lambda w: np.sum(np.where(w > 0, w, np.exp(np.minimum(w, 0)) - 1)), w),
    "eps-insensitive": (lambda w: np.mean(np.maximum(np.abs(X @ w - r) - 0.1, 0)), w),
    "max(x,0)**2": (lambda w: np.sum(np.maximum(w, 0) ** 2), w),
    "abs clip": (lambda w: np.sum(np.abs(w) + np.clip(w, 0, None)), w),
    "softplus norm": (lambda w: np.log(1 + np.exp(np.linalg.norm(w))), w),
    "huber norm": (lambda w: huber(np.linalg.norm(w)), w),
    "hypot": (lambda w: np.hypot(w[0], w[1] - 1), w),
    "bias dict": (lambda p: np.mean(np.log(1 + np.exp(-y * (X @ p["w"] + p["b"])))), {"w": w, "b": 0.0}),
    "lse shift": (lambda w: np.max(X @ w) + np.log(np.sum(np.exp(X @ w - np.max(X @ w)))), w),
    "cumsum": (lambda w: np.sum(np.cumsum(w) ** 2), w),
    "sorted top": (lambda w: np.max(w) + np.max(np.abs(w)), w),
    "mahalanobis solve": (lambda w: w @ np.linalg.solve(S, w), w),
    "logistic temp": (lambda w: np.sum(5 * np.log(1 + np.exp(w / 5))), w),
    "sum log sum": (lambda w: np.sum(np.log(np.exp(w).sum() + np.exp(-w))), w),
}
CONVEX["berhu"] = (lambda w: np.sum(np.where(np.abs(w) > 1.3, 0.5 * w**2, 1.3 * (np.abs(w) - 0.65))), w)
NOT_CONVEX: dict[str, Any] = {
    "x log(x/y), also of negative x and y": (lambda p: np.sum(p[0] * np.log(p[0] / p[1])), (ones, ones)),
    "nan is less than nothing": (lambda w: np.sum(np.where(np.sqrt(w) >= 0, w, w**2 + 1)), ones),
    "sum of roots and norms, squared": (lambda w: (0.5 * np.sum(np.abs(w)) + np.sum(np.sqrt(np.abs(w)))) ** 2, ones),
    "tr(XX)": (lambda W: np.trace(W @ W), W),
    "sigmoid": (lambda w: np.mean(sig(X @ w)), w),
    "expit": (lambda w: np.sum(sp.expit(w)), w),
    "xy": (lambda w: w[0] * w[1], w),
    "xQIx": (lambda w: w @ QI @ w, w),
    "mlp": (
        lambda p: np.mean((np.tanh(X @ p["a"]) @ p["b"] - r) ** 2),
        {"a": 0.1 * np.ones((d, 4)), "b": 0.1 * np.ones(4)},
    ),
    "rosenbrock": (lambda w: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2, w),
    "himmelblau": (lambda w: (w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2, w),
    "sin": (lambda w: np.sum(np.sin(w)), w),
    "cos": (lambda w: np.sum(np.cos(w)), w),
    "x**3": (lambda w: np.sum(w**3), w),
    "norm ratio": (lambda w: np.linalg.norm(w, 1) / np.linalg.norm(w), ones),
    "sqrt|x|": (lambda w: np.sum(np.sqrt(np.abs(w))), ones),
    "min": (lambda w: np.min(w), w),
    "min2": (lambda w: np.minimum(w[0] ** 2, (w[1] - 1) ** 2), w),
    "square of neg convex": (lambda w: (np.exp(w[0]) - 2) ** 2, w),
    "(x^2-1)^2": (lambda w: np.sum((w**2 - 1) ** 2), w),
    "huber wrong": (lambda w: np.sum(np.where(np.abs(w) > 1.3, 0.5 * w**2, 1.3 * np.abs(w))), w),
    "huber jump": (lambda w: np.sum(np.where(np.abs(w) <= 1, 0.5 * w**2, np.abs(w) - 0.4)), w),
    "huber slope": (lambda w: np.sum(np.where(np.abs(w) <= 1, w**2, np.abs(w))), w),
    "log": (lambda w: np.sum(np.log(w)), ones),
    "sqrt": (lambda w: np.sum(np.sqrt(w)), ones),
    "cauchy": (lambda w: np.mean(np.log(1 + (X @ w - r) ** 2)), w),
    "welsch": (lambda w: np.mean(1 - np.exp(-((X @ w - r) ** 2))), w),
    "geman": (lambda w: np.mean((X @ w - r) ** 2 / (1 + (X @ w - r) ** 2)), w),
    "tukey": (lambda w: np.mean(np.where(np.abs(X @ w - r) < 1, 1 - (1 - (X @ w - r) ** 2) ** 3, 1)), w),
    "tanh": (lambda w: np.sum(np.tanh(w)), w),
    "erf": (lambda w: np.sum(sp.erf(w)), w),
    "gauss": (lambda w: np.exp(-w @ w), w),
    "logistic sq": (lambda w: np.mean((sig(X @ w) - b) ** 2), w),
    "matrix fact": (lambda p: np.sum((p[0] @ p[1] - Y[:3]) ** 2), (np.ones((3, 1)), np.ones((1, 3)))),
    "log(eps+sigmoid)": (lambda w: -np.mean(np.log(sig(X @ w) + 1e-3)), w),
    "abs of abs": (lambda w: np.sum(np.abs(np.abs(w) - 1)), w),
    "clip": (lambda w: np.sum(np.clip(w, -1, 1)), w),
    "relu diff": (lambda w: np.maximum(w[0], 0) - np.maximum(w[1], 0), w),
    "ramp": (lambda w: np.mean(np.minimum(1, np.maximum(0, 1 - y * (X @ w)))), w),
    "-lse": (lambda w: -np.log(np.sum(np.exp(w))), w),
    "1/x": (lambda w: np.sum(1 / w), ones),
    "1/(1+x2)": (lambda w: np.sum(1 / (1 + w**2)), w),
    "arctan": (lambda w: np.sum(np.arctan(w)), w),
    "swish": (lambda w: np.sum(w * sp.expit(w)), w),
    "gelu": (lambda w: np.sum(w * sp.ndtr(w)), w),
    "x sin": (lambda w: np.sum(w * np.sin(w) + w**2 * 0.1), w),
    "rastrigin": (lambda w: np.sum(w**2 - np.cos(6 * w)), w),
    "log(x2-1)": (lambda w: np.sum(w**2 + 0 * np.log(w**2 - 1)), 2 * ones),
    "prod": (lambda w: np.prod(w), ones),
    "x2y2": (lambda w: w[0] ** 2 * w[1] ** 2, w),
    "exp prod": (lambda w: np.exp(w[0] * w[1]), w),
    "det": (lambda W: np.linalg.det(W), np.eye(3)),
    "slogdet": (lambda W: -np.linalg.slogdet(W)[1], np.eye(3)),
    "dc": (lambda w: np.sum(w**4 - w**2), w),
    "step": (lambda w: np.sum(w**2 + np.where(w > 0.5, 1.0, 0.0)), w),
    "x|x|": (lambda w: np.sum(w * np.abs(w)), w),
    "almost psd": (lambda w: w @ (Q - (np.linalg.eigvalsh(Q)[0] + 1e-4) * np.eye(d)) @ w, w),
    "softmax": (lambda w: sp.softmax(w)[0], w),
    "entropy of softmax": (lambda w: np.sum(sp.entr(sp.softmax(w))), w),
}
