"""The native target: machine code through LLVM. The only package that imports llvmlite."""

from .interface import DENSE_BITS, Control, Loop
from .permutation import Sampling
from .program import Execution, Program, compile_native

__all__ = ["DENSE_BITS", "Control", "Execution", "Loop", "Program", "Sampling", "compile_native"]
