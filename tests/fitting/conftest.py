"""Models of every kind, each fitted once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import thalweg as tw

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "linear": ("mpg", "mpg", {}),
    "logistic": ("penguins", "sex", {}),
    "softmax": ("penguins", "species", {}),
    "poisson": ("penguins", "body_mass_g", {"model": "poisson"}),
    "support vector machine, two classes": ("penguins", "sex", {"model": "support-vector-machine"}),
    "support vector machine": ("penguins", "species", {"model": "support-vector-machine"}),
    "several targets": ("penguins", ["body_mass_g", "flipper_length_mm"], {"epochs": 40}),
    "perceptron": ("penguins", "species", {"hidden": (16, 8), "activation": "gelu", "epochs": 40}),
    "perceptron of a number": ("mpg", "mpg", {"hidden": (16,), "activation": "softplus", "epochs": 40}),
}


@cache
def fitted(kind: str) -> tw.TableModel:
    """The model of that kind."""
    name, target, settings = KINDS[kind]
    return tw.fit(EXAMPLES / f"{name}.csv", target, **settings)


@pytest.fixture(params=list(KINDS))
def model_and_table(request: pytest.FixtureRequest) -> tuple[tw.TableModel, Path]:
    """A model of each kind, and the table that it was fitted to."""
    return fitted(request.param), EXAMPLES / f"{KINDS[request.param][0]}.csv"
