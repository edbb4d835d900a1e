"""An ONNX graph that grows operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import __version__
from ...errors import ThalwegError
from ...graph import Array

__all__ = ["Builder", "onnx_library"]

_OPSET, _ML_OPSET, _IR = 18, 3, 9
"""Of ONNX 1.14 and later."""


def onnx_library() -> Any:
    """The library. Raises ThalwegError if it is not installed."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise ThalwegError("ONNX files need the library onnx: pip install 'thalweg[onnx]'") from None
    return onnx


class Builder:
    """Operators, constants, inputs and outputs. Values are known by their names.

    The first axis of inputs and outputs runs over any number of examples, N.
    """

    def __init__(self) -> None:
        self._onnx = onnx_library()
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def input(self, name: str, dtype: Any, *extents: int) -> str:
        """An input (N, *extents)."""
        self._inputs.append(self._value(name, dtype, extents))
        return name

    def output(self, name: str, value: str, dtype: Any, *extents: int) -> None:
        """Gives a value (N, *extents) out under a name; if it is taken, by a column perhaps, with "_" after it."""
        while name in {value.name for value in (*self._inputs, *self._outputs)}:
            name += "_"
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._value(name, dtype, extents))

    def constant(self, value: Any) -> str:
        """An array, or a list of strings."""
        name = self._fresh("constant")
        array = np.asarray(value)
        if array.dtype.kind in "US":
            array = array.astype(object)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def apply(self, operator: str, *operands: str, domain: str = "", **attributes: Any) -> str:
        """The value of an operator."""
        name = self._fresh(operator)
        self._nodes.append(
            self._onnx.helper.make_node(operator, list(operands), [name], name=name, domain=domain, **attributes)
        )
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """A value as another dtype."""
        return self.apply("Cast", value, to=self._element(dtype))

    def serialised(self, description: str) -> bytes:
        """The graph, checked, as the content of a file."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "thalweg", self._inputs, self._outputs, self._constants, doc_string=description
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR, producer_name="thalweg", producer_version=__version__
        )
        self._onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content

    def _fresh(self, what: str) -> str:
        self._count += 1
        return f"thalweg/{what}_{self._count}"

    def _element(self, dtype: Any) -> int:
        if dtype is str:
            return int(self._onnx.TensorProto.STRING)
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _value(self, name: str, dtype: Any, extents: Sequence[int]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._element(dtype), ["N", *extents])


def as_integers(values: Sequence[int]) -> Array:
    """int64, as ONNX has shapes and axes."""
    return np.asarray(values, np.int64)
