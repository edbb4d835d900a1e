"""The ONNX target: a graph as operators that other runtimes know. Needs the extra `onnx`."""

from .builder import Builder
from .export import export_onnx, lower_function

__all__ = ["Builder", "export_onnx", "lower_function"]
