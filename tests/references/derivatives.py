"""Derivatives of plain NumPy functions by complex steps: exact to rounding, and independent of thalweg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

STEP = 1e-30


def complex_step_jacobian(function: Callable[[Any], Any], x: Array) -> Array:
    """∂f_i/∂x_j of a function that is analytic near x: Im f(x + ih e_j) / h, which loses no digits to subtraction."""
    columns = [np.imag(function(x + 1j * STEP * direction)) / STEP for direction in np.eye(len(x))]
    return np.stack(columns, axis=-1)


def complex_step_gradient(function: Callable[[Any], Any], x: Array) -> Array:
    """∇f for a scalar function that is analytic near x."""
    return complex_step_jacobian(function, x)


def hessian_by_differences(function: Callable[[Any], Any], x: Array, width: float = 1e-5) -> Array:
    """∇²f: central differences of complex-step gradients."""
    rows = [
        complex_step_gradient(function, x + width * direction) - complex_step_gradient(function, x - width * direction)
        for direction in np.eye(len(x))
    ]
    hessian = np.stack(rows) / (2 * width)
    return (hessian + hessian.T) / 2
