"""Falls along rays are falls of the loss, not of its last digits."""

from __future__ import annotations

from typing import Any

import numpy as np

import thalweg as tw
from thalweg.diagnosis.situation import Situation

X = np.array([[0.1, 0.2, 0.3], [0.7, -0.1, 0.3]])


def logistic(w: Any, X: Any) -> Any:
    return np.sum(np.logaddexp(0, X @ w) + np.logaddexp(0, -X @ w))


def test_rounding_far_out_is_no_fall() -> None:
    """Along a direction in which the loss is constant, sums of large products differ in their last digits."""
    here = Situation(tw.minimize(logistic, np.ones(3), method=tw.GradientDescent(0.1), data=(X,), stop=tw.MaxSteps(1)))
    level = np.linalg.svd(X)[2][-1]
    rays = here.look([level, -level], [1e6, 1e6])
    assert any((ray.losses < ray.here - here.noise).any() for ray in rays)
    assert [ray.gain for ray in rays] == [0, 0]
    assert not any(ray.leads_down for ray in rays)


def test_falls_far_out_are_found() -> None:
    here = Situation(tw.minimize(lambda w, X: logistic(w, X) - 1e-9 * w[2], np.zeros(3), data=(X,)))
    level = np.linalg.svd(X)[2][-1]
    (ray,) = here.look([level * np.sign(level[2])], [1e3])
    np.testing.assert_allclose(ray.gain, 1e-9 * abs(level[2]) * ray.lengths[-1], rtol=1e-2)
    assert ray.falls_without_bound
