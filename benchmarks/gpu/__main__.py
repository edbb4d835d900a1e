"""`python -m benchmarks.gpu [CASE...] [--small] [--repeats N] [--seconds S] [--json FILE]`: the jax target beside its peers on a GPU.

Peers are plain JAX, one `scan` over all steps, and PyTorch: forward, gradient and update compiled as one function with
max-autotune, replayed as a CUDA graph of several steps. Times are of a step, in descents of many steps, without compiling and without
sending the data there. Everyone computes in float32, the perceptron also with TensorFloat-32. The bandwidth is that of adding 1 to
an array of 2 GB.

With `--small`, on the processor and with little data, to see that everything runs and that all come to the same end; its ratios
say nothing of GPUs. A competitor that fails is left out and named; a case that fails leaves the others alone; no case begins after
`--seconds`. With `--json`, what is known so far is in the file at any moment.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves PyTorch its share of the memory

from rich.console import Console

from ..harness import print_report
from .contest import LARGE, SMALL, Case, Scale
from .full_batch import full_batch
from .perceptron import perceptron
from .populations import populations


def bandwidth_of(scale: Scale) -> float:
    """Bytes per second that a kernel reads and writes."""
    import jax
    import jax.numpy as jnp

    array = jax.device_put(jnp.zeros(scale.copied, jnp.float32), jax.devices(scale.kind)[0])
    add = jax.jit(lambda x: x + 1)
    add(array).block_until_ready()
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        add(array).block_until_ready()
        times.append(time.perf_counter() - begin)
    return 2 * array.nbytes / statistics.median(times)


CASES: dict[str, Callable[[Scale], Iterator[Case]]] = {
    "populations": populations,
    "full_batch": full_batch,
    "perceptron": perceptron,
}


@dataclass
class Record:
    """What is known so far, in a file if one is named."""

    path: Path | None
    known: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        self.known[name] = value
        if self.path is not None:
            self.path.write_text(json.dumps(self.known, indent=1, ensure_ascii=False))


def run_case(case: Case, repeats: int, bandwidth: float, console: Console, record: Record) -> None:
    """Runs a case, prints it and records it; if it fails, that."""
    begin = time.perf_counter()
    try:
        contest = case.contest()
        report = contest.report(case.title, repeats, case.bound, case.tolerance)
    except Exception as error:
        console.print(f"{case.title}: FAILED")
        console.print(traceback.format_exc(), markup=False)
        record.add(case.title, {"failed": f"{type(error).__name__}: {error}"})
        return
    if contest.size:
        for name, seconds in report.seconds.items():
            share = contest.size / seconds / bandwidth
            report.notes = [*report.notes, f"{name} reads the data at {share:.0%} of the bandwidth of a copy"]
    print_report(console, report)
    record.add(case.title, {**dataclasses.asdict(report), "took": time.perf_counter() - begin})


def main() -> None:
    """Runs the cases and prints a table for each, with the goals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="all, if none is named")
    parser.add_argument(
        "--small", action="store_true", help="on the processor, with little data: a check that all runs"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=480.0, help="no case begins later than this")
    parser.add_argument("--json", type=Path, help="where the figures go as they come")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    scale = SMALL if arguments.small else LARGE
    import thalweg as tw

    device = next(found for found in tw.devices() if (found.kind, found.number) == (scale.kind, 0))
    console, record = Console(width=110, highlight=False), Record(arguments.json)
    bandwidth = bandwidth_of(scale)
    console.print(f"{device}: {bandwidth / 1e9:,.0f} GB/s, read and written, by a kernel that adds 1\n")
    record.add("device", str(device))
    record.add("bytes per second", bandwidth)
    for name in arguments.cases or CASES:
        for case in CASES[name](scale):
            if time.perf_counter() - begin > arguments.seconds:
                console.print(f"{case.title}: not begun, since {arguments.seconds:g} s are over")
                continue
            run_case(case, arguments.repeats, bandwidth, console, record)


if __name__ == "__main__":
    main()
