"""Streaming a Parquet file larger than the memory bound: full-batch steps against the rate at which pyarrow alone decodes it.

`python -m benchmarks.cases.streaming --gigabytes 4` makes the file larger. It is written to a temporary folder, from which it is deleted.
The columns hold numbers of four digits after the point, which Parquet compresses to about 40 %. pyarrow decodes the same columns
in batches of 65,536 rows, with its own threads, in a process of its own, and drops them: a pass of each by turns. Memory
is the peak of a process, over all passes, beyond what it had taken for a small table of the same kind.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..harness import Goal, Report

COLUMNS = 20
STEPS = 3
GROUP = 250_000

CHILD = """
import re, sys
import numpy as np, thalweg as tw
from thalweg.descent.data import bytes_of
from thalweg.fitting import Settings, prepare_stream
from thalweg.tables import open_source

def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)

def prepared(path, memory):
    return prepare_stream(open_source(path), "y", Settings(validation=0), memory=bytes_of(memory)).fitted.data

def descend(stream, steps):
    rule = tw.MaxSteps(steps)
    return tw.minimize(loss, np.zeros(stream.types[0].shape), data=stream, method=tw.GradientDescent(0.01), stop=rule).seconds / (steps + 1)

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

small, large, memory, steps = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
descend(prepared(small, memory), 2)
before = peak()
stream = prepared(large, memory)
assert not stream.fits
descend(stream, 1)
print(bytes_of(memory), stream.examples * stream.row_bytes, flush=True)
for _ in sys.stdin:
    print(descend(stream, steps), peak() - before, flush=True)
"""

DECODER = """
import sys, time
import pyarrow.parquet as pq

for _ in sys.stdin:
    begin = time.perf_counter()
    with pq.ParquetFile(sys.argv[1], pre_buffer=False, buffer_size=1 << 20) as file:
        for batch in file.iter_batches(1 << 16):
            pass
    print(time.perf_counter() - begin, flush=True)
"""


def write(path: Path, rows: int, seed: int = 0) -> None:
    """A table of so many rows: y, and columns x0, x1, ..."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    names = [*(f"x{number}" for number in range(COLUMNS)), "y"]
    weights = rng.standard_normal(COLUMNS)
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as file:
        for start in range(0, rows, GROUP):
            X = np.round(rng.standard_normal((min(GROUP, rows - start), COLUMNS)), 4)
            y = np.round(X @ weights + rng.standard_normal(len(X)), 4)
            file.write_table(pa.table([*X.T, y], names=names))


def _child(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(child: subprocess.Popen[str]) -> list[float]:
    """What a child answers to a line."""
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return _answer(child)


def _answer(child: subprocess.Popen[str]) -> list[float]:
    assert child.stdout is not None
    return list(map(float, child.stdout.readline().split()))


def measure(repeats: int, gigabytes: float = 0.6, memory: str = "256 MB") -> list[Report]:
    """One report. gigabytes: of the decoded table."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.parquet", Path(folder) / "large.parquet"
        write(small, 10_000)
        write(large, int(gigabytes * 1e9) // (8 * (COLUMNS + 1)))
        size = large.stat().st_size
        with _child(CHILD, str(small), str(large), memory, str(STEPS)) as ours, _child(DECODER, str(large)) as theirs:
            bound, decoded = _answer(ours)
            _ask(theirs)  # for the first time, which is slower
            passes, peaks, decodings = zip(*((*_ask(ours), *_ask(theirs)) for _ in range(5)), strict=True)
    mine, others = statistics.median(passes), statistics.median(decodings)
    goals = [
        Goal("≥ 80 % of the rate at which pyarrow alone decodes", mine / others, 1 / 0.8),
        Goal("peak memory within the bound", peaks[-1] / bound, 1.0),
    ]
    notes = [
        f"{decoded / 1e9:.2f} GB in memory, {size / 1e9:.2f} GB on disk; peak {peaks[-1] / 1e6:.0f} MB of {bound / 1e6:.0f} MB"
    ]
    seconds = {"thalweg": mine, "pyarrow decodes, and no more": others}
    return [Report(f"Streaming {gigabytes:g} GB of Parquet with memory={memory!r}", "pass", seconds, goals, notes)]


def main() -> None:
    """Prints the report of a file of any size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--memory", default="1 GB")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    for report in measure(1, arguments.gigabytes, arguments.memory):
        print(report.name)
        for name, seconds in report.seconds.items():
            print(f"  {name:32} {seconds:.3f} s a pass")
        for goal in report.goals:
            print(f"  goal {goal.text}: {goal.value:.3f} of {goal.bound:.3f} — {'met' if goal.is_met else 'MISSED'}")
        print("  " + "\n  ".join(report.notes))
    print(f"  in all {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
