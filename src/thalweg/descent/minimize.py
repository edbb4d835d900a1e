"""`minimize`: a loss, a start, and the way down."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import whole_number
from ..compile.device import Device, device_of
from ..compile.processors import available_processors
from ..errors import ArgumentError
from ..graph import Array
from . import methods
from .checkpoint import Keeper
from .controls import Controls
from .curvature import curvature_of
from .data import Data, data_of
from .gradients import gradient_source
from .grid import expanded
from .indices import check_indices
from .line_search import LineSearch
from .member import Member
from .methods import LBFGS, AcceleratedGradient, Adam, GradientDescent, LevenbergMarquardt, Method, RandomSearch
from .penalties import Penalty
from .plan import Plan
from .problem import Problem, problem_of
from .result import Result
from .run import Progress
from .single import run_single
from .stopping import GradientBelow, MaxSteps, NoChange, StoppingRule, ValidationStalls, leaves

if TYPE_CHECKING:
    from .starts import Start

__all__ = ["check_method", "minimize", "plan_of", "planned"]


def minimize(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    data: Any = None,
    method: Method | None = None,
    gradient: Any = "automatic",
    penalty: Penalty | None = None,
    batch_size: int | None = None,
    stop: StoppingRule | None = None,
    validation: Any = None,
    validate_every: int | None = None,
    start: Start | None = None,
    restarts: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    target: str = "native",
    device: str | Device | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    memory: Any = None,
    checkpoints: Keeper | None = None,
    controls: Controls | None = None,
) -> Result:
    """Descends from given parameters to lower values of a loss.

    loss: a function of the parameters, and of the data if there are any, in plain NumPy; returns one number.
    parameters: where to start: an array, or any nesting of dict, list, tuple, namedtuple and dataclass of arrays. They set
        the dtype, float32 or float64, and are left as they are.
    data: what the loss gets after the parameters: an array, or a tuple of arrays with one row per example; or a `Stream` of them,
        which need not fit in memory.
    method: of descent; by default LBFGS(), and for mini-batches Adam(learning_rate=0.01).
    gradient: "automatic"; "numerical" or `Numerical(...)`; or a function that takes what the loss takes and returns the
        gradient, nested as the parameters. With the latter two the loss can be any Python function, then uncompiled.
    penalty: on the weights: L1, L2 or ElasticNet. It is part of the loss that is minimised and reported, but not of the loss on
        validation data. L1 and ElasticNet take a method with proximal steps; by default AcceleratedGradient, with
        1 / the largest curvature at the start as learning rate.
    batch_size: examples in a mini-batch; by default every step sees all. Every epoch visits each example once, shuffled.
    stop: a stopping rule, or rules combined with | and &. By default GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000);
        for mini-batches MaxSteps of 100 epochs.
    validation: data kept apart, as `data`, for `ValidationStalls`. validate_every: iterations between checks; by default an
        epoch of mini-batches, or 10.
    start: draws the start at random: Gaussian, Uniform, Glorot, He, Zeros; `parameters` then give shapes, and the Gaussian's
        center.
    restarts: so many descents at once, each from a start of its own. Without `start` the first begins at `parameters`, and the
        others are drawn from Gaussian(1.0) around them. Numbers of the method can be grids, such as
        learning_rate=powers_of_ten(-6, 0): then every combination descends. All run as one program.
    seed: of all randomness. The same seed gives the same run to the last bit, on any number of threads.
    threads: that share the work; by default as many as there are processors. No result depends on it. Verdicts use all processors.
    target: "native" (compiled for the processor), "jax" (compiled by JAX for a GPU, a TPU or the processor; an extra), or
        "numpy" (the slow reference).
    device: of the jax target: "gpu", "tpu" or "cpu", the second one as "gpu:1", or a `Device` with a precision or a limit of
        memory; by default the best that JAX finds. A GPU or TPU implies target="jax".
    on_progress: called some twenty times a second with a `Progress`; if it returns True the descent stops.
    checkpoints: `tw.Checkpoints("FOLDER")`: where checkpoints and the history are kept. If they are there already, the descent goes
        on from the latest; interrupted, even killed, it ends in the same digits as one that was not disturbed.
    controls: `tw.Controls()`, by which another thread can hold the descent, change its learning rate, and end it.
    memory: `result.memory` of an earlier descent with the same method, which goes on with it (the means of Adam, for example).

    Returns a Result; of several descents a `Population`, which is the result of the best and has all the others.
    Raises TracingError, LossError, ShapeError, DataError, ArgumentError or DeviceError before the descent starts; RunError if
    checkpoints cannot be kept, or those there are of another descent.

    >>> import numpy as np
    >>> result = minimize(lambda x: np.sum((x - 3.0) ** 2), np.zeros(2))
    >>> np.round(result.parameters, 3)
    array([3., 3.])
    """
    plan, members, is_population = planned(
        loss,
        parameters,
        start=start,
        restarts=restarts,
        data=data,
        method=method,
        gradient=gradient,
        penalty=penalty,
        batch_size=batch_size,
        stop=stop,
        validation=validation,
        validate_every=validate_every,
        seed=seed,
        threads=threads,
        target=target,
        device=device,
        memory=memory,
        checkpoints=checkpoints,
        controls=controls,
    )
    if is_population:
        from .together import run_population  # one descent needs neither this nor starts

        return run_population(plan, members, on_progress)
    return run_single(plan, members[0].vector, members[0].method, on_progress)


def planned(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    start: Start | None = None,
    restarts: int | None = None,
    **options: Any,
) -> tuple[Plan, list[Member], bool]:
    """What is to be done, who descends, and whether that is a population. options: of `minimize`, as `plan_of` takes them."""
    plan, chosen = plan_of(loss, parameters, **options)
    vectors = _starts(plan.problem, parameters, start, restarts, plan.seed)
    methods = expanded(chosen)
    return plan, _members(plan, vectors, methods), restarts is not None or len(methods) > 1


def plan_of(
    loss: Callable[..., Any],
    parameters: Any,
    *,
    data: Any = None,
    method: Method | None = None,
    gradient: Any = "automatic",
    penalty: Penalty | None = None,
    batch_size: int | None = None,
    stop: StoppingRule | None = None,
    validation: Any = None,
    validate_every: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    target: str = "native",
    device: str | Device | None = None,
    memory: Any = None,
    checkpoints: Keeper | None = None,
    controls: Controls | None = None,
    numbers: tuple[str, ...] = (),
) -> tuple[Plan, Method]:
    """The arguments of `minimize`, checked, and the method; the loss is traced. numbers: see `problem_of`."""
    begin = time.perf_counter()
    if checkpoints is not None and not isinstance(checkpoints, Keeper):
        raise ArgumentError(f'checkpoints={checkpoints!r}: expected tw.Checkpoints("FOLDER")')
    if controls is not None and not isinstance(controls, Controls):
        raise ArgumentError(f"controls={controls!r}: expected tw.Controls()")
    given = data_of(data)
    batch = _check_batch(batch_size, given)
    _check_penalty(penalty, method, gradient)
    if method is None and penalty is not None and penalty.has_kink:
        method = _proximal_method(loss, parameters, given, batch, penalty, int(seed), target)
    chosen = check_method(method, batch)
    rule = _check_rule(stop, validation) if stop is not None else _default_rule(given, batch, chosen)
    target, on = _check_target(target, device)
    source = gradient_source(gradient)
    problem = problem_of(loss, parameters, given, batch or given.examples, source, numbers, penalty)
    check_indices(problem, given)
    kept = None if validation is None else data_of(validation)
    plan = Plan(
        loss=loss,
        parameters=parameters,
        problem=problem,
        source=source,
        data=given,
        batch=batch,
        rule=rule,
        seed=int(seed),
        threads=_thread_count(threads),
        target=target,
        validation=kept,
        every=_check_every(validate_every, given, batch),
        begin=begin,
        penalty=penalty,
        memory=memory,
        controls=controls,
        device=on,
        keeper=checkpoints,
    )
    return plan, chosen


def _check_target(target: str, device: str | Device | None) -> tuple[str, Device | None]:
    """The target, and the device if it is the jax target's."""
    if target not in ("native", "jax", "numpy"):
        raise ArgumentError(f'target={target!r}: expected "native", "jax" or "numpy"')
    named = None if device is None else device_of(device)
    if target == "jax" or (target == "native" and named is not None and named.kind != "cpu"):
        return "jax", named or Device()
    if named is not None and named.kind != "cpu":
        raise ArgumentError(
            f'target="{target}" runs on the processor: leave out device={device!r}, or write target="jax"'
        )
    return target, None


def _members(
    plan: Plan, vectors: Sequence[Array], methods: Sequence[tuple[Method, Mapping[str, float]]]
) -> list[Member]:
    """Every start with every method."""
    chosen = [(number, *choice) for number in range(len(vectors)) for choice in methods]
    return [
        Member(vectors[number], method, {**({"start": number} if len(vectors) > 1 else {}), **own}, plan.seed + place)
        for place, (number, method, own) in enumerate(chosen)
    ]


def _check_penalty(penalty: Any, method: Any, gradient: Any) -> None:
    if penalty is None:
        return
    if not isinstance(penalty, Penalty):
        raise ArgumentError(f"penalty={penalty!r}: expected tw.L1(0.1), tw.L2(0.1) or tw.ElasticNet(0.1, 0.1)")
    if gradient != "automatic":
        raise ArgumentError(
            "penalty=... needs the automatic gradient; write the penalty into your loss and gradient instead"
        )
    if (
        penalty.has_kink
        and isinstance(method, Method)
        and (not method.takes_proximal or method.line_search is not None)
    ):
        raise ArgumentError(
            f"{penalty} has a kink, where {method} cannot take proximal steps: use tw.AcceleratedGradient or tw.GradientDescent "
            "with a learning rate and no line search, or leave out method. Or take tw.L2, which every method takes"
        )


def _proximal_method(
    loss: Callable[..., Any], parameters: Any, data: Data, batch: int | None, penalty: Penalty, seed: int, target: str
) -> Method:
    """Steps as long as the curvature at the start allows; for mini-batches shorter ones, without acceleration."""
    curvature = curvature_of(
        problem_of(loss, parameters, data, data.examples, penalty=penalty), parameters, data, seed, target
    )
    rate = 1 / (1.02 * curvature) if math.isfinite(curvature) and curvature > 0 else 0.01
    return AcceleratedGradient(rate) if batch is None else GradientDescent(rate / 4)


def _check_every(every: int | None, data: Data, batch: int | None) -> int:
    if every is None:
        return max(1, data.examples // batch) if batch else 10
    return whole_number("validate_every", every)


def _starts(problem: Problem, parameters: Any, start: Start | None, restarts: int | None, seed: int) -> list[Array]:
    """The vectors to start from."""
    given = problem.layout.vector(parameters)
    if start is None and restarts is None:
        return [given]
    from .starts import Gaussian, Start

    if start is not None and not isinstance(start, Start):
        raise ArgumentError(f"start={start!r}: expected a start such as tw.Gaussian(1.0), tw.Glorot() or tw.He()")
    count = 1 if restarts is None else whole_number("restarts", restarts)
    if start is None and count == 1:
        return [given]
    generator = np.random.default_rng([seed % (1 << 63), 1])
    if start is not None:
        return [start.vector(problem.layout, given, generator) for _ in range(count)]
    return [given, *(Gaussian().vector(problem.layout, given, generator) for _ in range(count - 1))]


def _default_rule(data: Data, batch: int | None, method: Method) -> StoppingRule:
    if batch is not None:
        return MaxSteps(max(1, 100 * data.examples // batch))
    if isinstance(method, RandomSearch):
        return MaxSteps(10_000)
    if isinstance(method, LevenbergMarquardt):
        return NoChange(5, tolerance=1e-15) | MaxSteps(10_000)
    if method.line_search is not None:
        return GradientBelow(1e-6) | NoChange(10, tolerance=1e-14) | MaxSteps(10_000)
    return GradientBelow(1e-6) | NoChange(100) | MaxSteps(10_000)


def _no_method(given: Any) -> ArgumentError:
    """The error for what is no method, with the one that was meant by a name, such as SciPy's "L-BFGS-B"."""
    letters = re.sub("[^a-z]", "", str(given).lower())
    known = {name.lower(): name for name in methods.__all__ if name not in ("Method", "Point")}
    meant = max((short for short in known if letters.startswith(short)), key=len, default="adam")
    rate = "learning_rate=0.01" if hasattr(getattr(methods, known[meant]), "learning_rate") else ""
    return ArgumentError(
        f"method={given!r} is no method of descent; write, for example, method=tw.{known[meant]}({rate})"
    )


def check_method(method: Any, batch: int | None) -> Method:
    if method is None:
        return LBFGS() if batch is None else Adam(learning_rate=0.01)
    if not isinstance(method, Method):
        raise _no_method(method.__name__ if isinstance(method, type) else method)
    if method.line_search is not None and not isinstance(method.line_search, LineSearch):
        raise ArgumentError(
            f"line_search={method.line_search!r} is no line search; write line_search=tw.Armijo() or tw.StrongWolfe()"
        )
    if batch is not None and (method.line_search is not None or isinstance(method, LevenbergMarquardt | RandomSearch)):
        raise ArgumentError(
            f"{type(method).__name__} compares losses along its way, so every step has to see the same examples: leave out "
            f"batch_size={batch}, or use a method with a learning rate such as tw.Adam(0.01)"
        )
    return method


def _check_rule(rule: Any, validation: Any) -> StoppingRule:
    if not isinstance(rule, StoppingRule):
        raise ArgumentError(f"stop={rule!r} is no stopping rule; write, for example, stop=tw.MaxSteps(1000)")
    if validation is None and any(isinstance(simple, ValidationStalls) for simple in leaves(rule)):
        raise ArgumentError("ValidationStalls needs data that are kept apart: pass validation=(X, y)")
    return rule


def _check_batch(batch: int | None, data: Data) -> int | None:
    if batch is None:
        return None
    if not data.examples:
        raise ArgumentError(f"batch_size={batch}: mini-batches need data; pass data=(X, y)")
    size = whole_number("batch_size", batch)
    return size if size < data.examples else None


def _thread_count(threads: int | None) -> int:
    return available_processors() if threads is None else whole_number("threads", threads)
