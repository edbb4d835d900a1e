"""The proof as text: one line per node, with what is known of it and why."""

from __future__ import annotations

import os

import numpy as np

from ..graph import Node
from .facts import Facts
from .proof import Proof

__all__ = ["lines_of", "place_of"]

_INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}
_INFIX |= {"less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!=", "dot": "@"}


_MOST_OPERANDS = 8


def lines_of(proof: Proof) -> list[str]:
    """Each node that depends on the parameters: number, expression, facts, reason, line."""
    numbers: dict[Node, int] = {}
    rows: list[tuple[str, str, str]] = []
    for node in proof.graph.nodes:
        if node in proof.constants:
            continue
        numbers[node] = len(numbers) + 1
        reason = proof.reasons[node]
        where = place_of(node)
        rows.append(
            (
                f"#{numbers[node]} = {_expression(proof, node, numbers)}",
                describe(proof.facts[node]),
                f"{reason}  ({where})" if where else reason,
            )
        )
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]


def place_of(node: Node) -> str:
    """file:line of the user's code."""
    return f"{os.path.basename(node.source.file)}:{node.source.line}" if node.source else ""


def _expression(proof: Proof, node: Node, numbers: dict[Node, int]) -> str:
    if node.is_input:
        return f"parameters {list(node.shape)}"
    operands = [_operand(proof, operand, numbers) for operand in node.operands]
    name = node.primitive.name
    if name in _INFIX:
        return f"{operands[0]} {_INFIX[name]} {operands[1]}"
    if name == "negative":
        return f"-{operands[0]}"
    if len(operands) > _MOST_OPERANDS:
        operands = [*operands[:2], "...", operands[-1]]
    return f"{name}({', '.join(operands)})"


def _operand(proof: Proof, node: Node, numbers: dict[Node, int]) -> str:
    if node not in proof.constants:
        return f"#{numbers[node]}"
    value = np.asarray(proof.constants[node])
    if value.size and value.dtype.kind in "fiub" and (value == value.reshape(-1)[0]).all():
        return f"{value.reshape(-1)[0]:g}" if value.dtype.kind != "b" else str(value.reshape(-1)[0])
    return f"constant {list(value.shape)}"


def describe(facts: Facts) -> str:
    """What is known of a value, in words."""
    convex, concave = facts.convex, facts.concave
    size = convex.size
    if bool((convex & concave).all()):
        words = ["affine"]
    elif bool(convex.all()):
        words = ["convex"]
    elif bool(concave.all()):
        words = ["concave"]
    elif bool((convex | concave).all()):
        words = [f"convex in {int(convex.sum())} of {size} elements, concave in the others"]
    else:
        words = ["unknown"] if not (convex | concave).any() else [f"known in {int((convex | concave).sum())} of {size}"]
    if "convex" not in words and bool((facts.convex_degree == np.inf).all()):
        words.append("log-convex")
    elif words == ["convex"] and bool((facts.convex_degree == np.inf).all()):
        words = ["log-convex"]
    if words[0] != "affine" and not words[0].startswith("concave") and bool((~np.isnan(facts.concave_degree)).all()):
        words.append("log-concave")
    low = float(np.min(facts.lower, initial=np.inf))
    high = float(np.max(facts.upper, initial=-np.inf))
    if np.isfinite(low) and np.isfinite(high):
        words.append(f"in [{low:.4g}, {high:.4g}]")
    elif np.isfinite(low):
        words.append(f"≥ {low:.4g}")
    elif np.isfinite(high):
        words.append(f"≤ {high:.4g}")
    return ", ".join(words)
