"""The native target: machine code through LLVM. The only package that imports llvmlite."""

from . import jit
from .interface import Control, Loop, Stage
from .permutation import Sampling
from .program import Execution, Program, compile_native

__all__ = ["Control", "Execution", "Loop", "Program", "Sampling", "Stage", "compile_native", "get_ready"]


def get_ready() -> None:
    """Loads what makes code, as the first call that needs some does; for who has to wait for something else."""
    from . import module  # noqa: F401  # to load it is all that is wanted

    jit.host_fingerprint()
