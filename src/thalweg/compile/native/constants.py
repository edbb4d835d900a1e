"""Numbers that are part of the code."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

__all__ = ["element_of", "filled"]


class _Splat(ir.Constant):  # type: ignore[misc]  # llvmlite has no types
    """A vector of one number in LLVM's short form: all elements written out would be a third of a program's text."""

    def _get_reference(self) -> str:
        return f"splat ({self.constant[0]})"


def element_of(kind: ir.Type) -> ir.Type:
    """The type of the elements of a vector; any other type itself."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def filled(kind: ir.Type, value: Any) -> ir.Constant:
    """A number of a type, or a vector of which all elements are this number; or `ir.Undefined`."""
    return _Splat(kind, value) if isinstance(kind, ir.VectorType) else ir.Constant(kind, value)
