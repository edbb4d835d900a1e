"""The native target: machine code through LLVM. The only package that imports llvmlite."""

from .interface import Control, Loop, Stage
from .permutation import Sampling
from .program import Execution, Program, compile_native

__all__ = ["Control", "Execution", "Loop", "Program", "Sampling", "Stage", "compile_native"]
