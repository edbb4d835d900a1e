"""What GPUs and TPUs are given, made on a machine without one: that there is code, and nothing in it that they are slow at."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pytest

import thalweg as tw

jax = pytest.importorskip("jax")

from thalweg.compile.jax import finding, program  # noqa: E402  # after the check that JAX is there
from thalweg.compile.jax.descending import Descent, steps_unasked  # noqa: E402

Array = np.ndarray[Any, Any]
PLATFORMS = {"gpu": "cuda", "tpu": "tpu"}
rng = np.random.default_rng(0)
X = rng.standard_normal((3000, 100)).astype(np.float32)
y = np.sign(X @ rng.standard_normal(100)).astype(np.float32)
LABELS = rng.integers(0, 10, len(X))
WEIGHTS = np.zeros(100, np.float32)
LAYERS = {
    "A": rng.standard_normal((100, 16)).astype(np.float32), "a": np.zeros(16, np.float32),
    "B": rng.standard_normal((16, 10)).astype(np.float32), "b": np.zeros(10, np.float32),
}  # fmt: skip


def squares(w: Any, X: Any, y: Any) -> Any:
    return np.mean((X @ w - y) ** 2)


def logistic(w: Any, X: Any, y: Any) -> Any:
    return np.mean(np.logaddexp(0, -y * (X @ w)))


def perceptron(p: Any, X: Any, labels: Any) -> Any:
    scores = np.maximum(X @ p["A"] + p["a"], 0) @ p["B"] + p["b"]
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - np.take_along_axis(scores, labels[:, None], axis=1)[:, 0])


def rosenbrock(p: Any) -> Any:
    return np.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


ON_DATA: dict[str, dict[str, Any]] = {
    "gradient descent": {"method": tw.GradientDescent(0.1)},
    "Adam": {"method": tw.Adam(0.1)},
    "L-BFGS": {"method": tw.LBFGS()},
    "Newton-CG": {"method": tw.NewtonCG()},
    "Newton": {"method": tw.Newton()},
    "proximal": {"penalty": tw.L1(0.02)},
    "mini-batches": {"method": tw.Adam(0.05), "batch_size": 32},
    "a population": {"method": tw.GradientDescent(0.1), "restarts": 64},
}
WITH_A_KERNEL = ("gradient descent", "Adam", "L-BFGS", "Newton-CG", "Newton", "proximal")


class Place(NamedTuple):
    """Stands for a device of JAX's."""

    platform: str


class SeenError(Exception):
    """What was to be compiled is there."""


def lowered(
    monkeypatch: pytest.MonkeyPatch, kind: str, loss: Any, begin: Any, options: Any, precision: str = "full"
) -> tuple[str, Descent]:
    """StableHLO of the stretches of a descent, for a kind of device that need not be there."""
    seen: list[Any] = []

    def compile_(
        graph: Any, loop: Any, device: Any, place: Any, room: int, data: Any, descents: Any
    ) -> program.DeviceProgram:
        descent = next(descents)
        with program.precise():
            types = program.stretch_types(graph, loop, device, room, data, descent.width)
            traced = program.lowerable(descent).trace(*types)
            seen.extend([traced.lower(lowering_platforms=(PLATFORMS[kind],)).as_text(), descent])
        raise SeenError

    for module in (finding, program):
        monkeypatch.setattr(module, "found", lambda device: Place(kind))
    monkeypatch.setattr(program, "_compile", compile_)
    monkeypatch.setattr(program, "_known", type(program._known)())
    device = tw.Device(kind, precision=precision, memory=1 << 40)
    with pytest.raises(SeenError):
        tw.minimize(loss, begin, target="jax", device=device, stop=tw.MaxSteps(5), **options)
    text, descent = seen
    return text, descent


def check(text: str) -> None:
    """Nothing is asked of the processor, no data are part of the program, and products are not in float64."""
    assert not re.search(r"callback|outfeed|infeed", text)
    assert max(map(len, re.findall(r'dense<"?[^>]*', text)), default=0) < 5000
    assert not re.search(r"dot_general[^\n]*xf64>", text)


@pytest.mark.usefixtures("h200")
@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize("name", ON_DATA)
def test_descents_over_data(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thalweg.compile.jax.sweeps._WORTH_A_KERNEL", 0)
    text, _ = lowered(monkeypatch, kind, logistic, WEIGHTS, {"data": (X, y), **ON_DATA[name]})
    check(text if name not in ("L-BFGS", "Newton-CG") else re.sub(r"dot_general[^\n]*", "", text))
    assert ("xla.gpu.triton" in text) == (kind == "gpu" and name in WITH_A_KERNEL)


@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize("precision", ["full", "tensorfloat32", "bfloat16"])
def test_networks_with_mini_batches(precision: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products have the precision that was asked for; examples are read in place, and what they chose is not scattered."""
    options: dict[str, Any] = {"data": (X, LABELS), "batch_size": 64, "method": tw.GradientDescent(0.05)}
    text, descent = lowered(monkeypatch, kind, perceptron, LAYERS, options, precision)
    check(text)
    products = re.findall(r"dot_general[^\n]*", text)
    wanted = {"full": "[HIGHEST, HIGHEST]", "tensorfloat32": "[HIGH, HIGH]", "bfloat16": "xbf16>"}[precision]
    assert products
    assert all(wanted in product for product in products)
    assert "stablehlo.scatter" not in text
    assert descent.unasked == (64 if kind == "gpu" else 1)


@pytest.mark.usefixtures("h200")
@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_populations_without_data(dtype: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"start": tw.Gaussian(0.5), "restarts": 1024, "method": tw.Adam(1e-3)}
    text, _ = lowered(monkeypatch, kind, rosenbrock, np.zeros(4, dtype), options)
    check(text)
    assert text.count("xla.gpu.triton") == (kind == "gpu")


def test_long_steps_are_followed_by_a_question() -> None:
    """Whether to go on; short ones come many at a time."""

    def steps(rows: int) -> int:
        from thalweg.graph import ArrayType
        from thalweg.trace import trace

        shapes = (100,), (rows, 100), (rows,)
        return steps_unasked(trace(lambda *xs: (squares(*xs),), [ArrayType(shape, np.dtype("f4")) for shape in shapes]))

    assert steps(1000) == 64
    assert 1 < steps(1_000_000) < 16
    assert steps(20_000_000) == 1
