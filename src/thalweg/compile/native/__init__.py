"""The native target: machine code through LLVM. The only package that imports llvmlite."""

from .module import DENSE_BITS, Control, Loop
from .program import Execution, Program, compile_native
from .sampling import Sampling

__all__ = ["DENSE_BITS", "Control", "Execution", "Loop", "Program", "Sampling", "compile_native"]
