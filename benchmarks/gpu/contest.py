"""What the cases on a GPU share: how large they are, competitors that are timed and compared, PyTorch at its best."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..harness import Goal, Report, interleaved

__all__ = ["LARGE", "SMALL", "Case", "Contest", "Scale", "compiled_by_torch", "repeated", "timed", "torch_device"]


@dataclass(frozen=True)
class Scale:
    """How large the cases are. kind: of the device."""

    kind: str
    rows: int
    steps: int
    images: int
    epochs: int
    members: int
    member_steps: int
    copied: int


LARGE = Scale("gpu", 20_000_000, 200, 60_000, 5, 1024, 5_000, 500_000_000)
SMALL = Scale("cpu", 20_000, 20, 2_000, 1, 64, 200, 1_000_000)


@dataclass
class Contest:
    """Competitors of one case. Each run returns the seconds of a step. ends: what each came to. size: bytes that a step must read."""

    runs: dict[str, Callable[[], float]]
    ends: dict[str, np.ndarray]
    size: int = 0

    def report(self, name: str, repeats: int, bound: float, tolerance: float = 1e-2) -> Report:
        """The medians, and whether all came to the same end. Raises what thalweg raises."""
        notes = list(self._without_failures())
        seconds = interleaved(self.runs, repeats)
        for other, end in self.ends.items():
            if not np.allclose(end, self.ends["thalweg"], rtol=tolerance, atol=tolerance):
                difference = float(np.max(np.abs(end - self.ends["thalweg"])))
                notes.append(f"{other} came to ANOTHER END than thalweg: {difference:.3g} away")
        peers = [value for other, value in seconds.items() if other != "thalweg"]
        goals = []
        if peers:
            goals = [Goal(f"≤ {bound:g} × the faster of PyTorch and JAX", seconds["thalweg"] / min(peers), bound)]
        return Report(name, "step", seconds, goals, notes)

    def _without_failures(self) -> Iterator[str]:
        """Everyone runs once, which also compiles; who fails is out."""
        for name, run in list(self.runs.items()):
            begin = time.perf_counter()
            try:
                run()
            except Exception as error:
                if name == "thalweg":
                    raise
                del self.runs[name]
                self.ends.pop(name, None)
                yield f"{name} FAILED: {type(error).__name__}: {str(error)[:500]}"
            else:
                yield f"{name}: {time.perf_counter() - begin:.1f} s the first time, with compiling"


@dataclass(frozen=True)
class Case:
    """One table. contest: makes it. bound: of the ratio to the faster peer. tolerance: within which all come to the same end."""

    title: str
    contest: Callable[[], Contest]
    bound: float
    tolerance: float = 1e-2


def timed(run: Callable[[], Any], steps: int) -> float:
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) / steps


def torch_device(scale: Scale) -> str:
    return "cuda" if scale.kind == "gpu" else "cpu"


_STEPS_OF_A_GRAPH = 8


def repeated(step: Callable[[], None], scale: Scale) -> Callable[[int], None]:
    """PyTorch's steps, which work in place, so many times: on a GPU as replays of a CUDA graph."""
    import torch

    if scale.kind != "gpu":

        def plainly(times: int) -> None:
            for _ in range(times):
                step()

        return plainly
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    several, single = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(several):
        for _ in range(_STEPS_OF_A_GRAPH):
            step()
    with torch.cuda.graph(single):
        step()

    def replayed(times: int) -> None:
        for _ in range(times // _STEPS_OF_A_GRAPH):
            several.replay()
        for _ in range(times % _STEPS_OF_A_GRAPH):
            single.replay()
        torch.cuda.synchronize()

    return replayed


def compiled_by_torch(function: Callable[..., Any], scale: Scale) -> Callable[..., Any]:
    import torch

    found: Callable[..., Any] = torch.compile(
        function, mode="max-autotune-no-cudagraphs" if scale.kind == "gpu" else "default"
    )
    return found
