"""Two workers against one: full-batch logistic regression on Parquet files, on a cluster of this machine's own.

    python -m benchmarks.cluster [--gigabytes 4] [--folder DIR]

Every worker has one thread. Both read their own files, hold them decoded, and answer each step with one vector of totals. What is
compared is the time of a step once the data are there; the overhead is that of a step on next to no data.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import thalweg as tw

FEATURES = 15
ROW_BYTES = 8 * (FEATURES + 1)
GROUP_ROWS = 1 << 18
FILES = 16


def generate(folder: Path, gigabytes: float, seed: int = 0) -> list[Path]:
    """Files of standardised features and a class, with row groups of 32 MB."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=FEATURES)
    groups = max(1, round(gigabytes * 1e9 / ROW_BYTES / GROUP_ROWS / FILES))
    paths = []
    for number in range(FILES):
        path = folder / f"part-{number:02}.parquet"
        names = [*(f"x{i}" for i in range(FEATURES)), "y"]
        schema = pa.schema([(name, pa.float64()) for name in names])
        with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
            for _ in range(groups):
                X = rng.standard_normal((FEATURES, GROUP_ROWS))
                y = (weights @ X + rng.logistic(size=GROUP_ROWS) > 0).astype(np.float64)
                writer.write_table(pa.table([*X, y], schema=schema))
        paths.append(path)
    return paths


def read(path: Path, group: int) -> Iterator[tuple[Any, Any]]:
    """The examples of a row group."""
    table = pq.ParquetFile(path).read_row_group(group)
    columns = [table.column(i).to_numpy() for i in range(FEATURES)]
    yield np.stack(columns, axis=1), table.column(FEATURES).to_numpy()


def stream_of(paths: list[Path], memory: str) -> tw.Stream:
    """All files as a stream whose parts are row groups."""
    parts, rows = [], []
    for path in paths:
        metadata = pq.ParquetFile(path).metadata
        for group in range(metadata.num_row_groups):
            parts.append(functools.partial(read, path, group))
            rows.append(metadata.row_group(group).num_rows)
    return tw.Stream(*parts, rows=rows, memory=memory)


def loss(w: Any, X: Any, y: Any) -> Any:
    z = X @ w
    return np.mean(np.log(1 + np.exp(z)) - y * z)


def seconds_of_a_step(cluster: tw.Cluster, data: Any, steps: int) -> tuple[float, Any]:
    """The median over steps, the first ones left out, and the result."""
    moments: list[tuple[int, float]] = []
    result = tw.minimize(
        loss,
        np.zeros(FEATURES),
        data=data,
        method=tw.GradientDescent(1.0),
        stop=tw.MaxSteps(steps),
        cluster=cluster,
        on_progress=lambda now: moments.append((now.step, time.perf_counter())),
    )
    times = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(moments[3:]) if b[0] > a[0]]
    return statistics.median(times), result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--memory", default="12 GB")
    arguments = parser.parse_args()
    import ray

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        begin = time.perf_counter()
        paths = generate(Path(folder), arguments.gigabytes)
        size = sum(path.stat().st_size for path in paths)
        print(f"{size / 1e9:.2f} GB of Parquet in {len(paths)} files, written in {time.perf_counter() - begin:.0f} s")
        found = {}
        for workers in (1, 2):
            cluster = tw.Cluster(workers=workers)
            begin = time.perf_counter()
            found[workers] = seconds_of_a_step(cluster, stream_of(paths, arguments.memory), 60)
            whole = time.perf_counter() - begin
            print(f"{workers} workers: {1e3 * found[workers][0]:.1f} ms a step, {whole:.1f} s in all, with reading")
            for note in found[workers][1].notes:
                print(f"  {note}")
            small = np.ones((64, FEATURES)), np.zeros(64)
            overhead, _ = seconds_of_a_step(cluster, small, 300)
            print(f"  on 64 examples: {1e3 * overhead:.2f} ms a step")
            ray.shutdown()
        (one, alone), (two, together) = found[1], found[2]
        same = np.array_equal(alone.parameters, together.parameters)
        print(f"two workers against one: {one / two:.2f} ×; the same digits: {same}")


if __name__ == "__main__":
    main()
