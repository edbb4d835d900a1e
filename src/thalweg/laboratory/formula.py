"""Formulas that are typed: parsed against a list of what is allowed, and never evaluated as code."""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FormulaError

__all__ = ["FUNCTIONS", "LONGEST", "Formula", "parse"]

LONGEST = 300
_MOST_PARTS = 200
_DEEPEST = 80
_LARGEST = 1e100

_VARIABLES = ("x", "y")
_CONSTANTS = {"pi": np.pi, "e": np.e}

FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    **{
        name: (1, getattr(np, name))
        for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "abs", "sinh", "cosh", "tanh")
    },
    **{name: (1, getattr(np, name)) for name in ("arctan", "log1p", "expm1", "floor", "sign")},
    "sigmoid": (1, lambda z: 1 / (1 + np.exp(-z))),
    "relu": (1, lambda z: np.maximum(z, 0.0)),
    "softplus": (1, lambda z: np.log(1 + np.exp(z))),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
"""What a formula may call: the number of arguments, and the function."""

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.UAdd: lambda a: a,
    ast.USub: lambda a: -a,
}

_SPELLINGS = {"^": "**", "²": "**2", "³": "**3", "⁴": "**4", "·": "*", "×": "*", "−": "-", "π": " pi ", "÷": "/"}
"""How mathematics is written, and how Python spells it."""


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of x, or of x and y.

    text: as it was typed. dimension: 1 if only x is used, else 2. loss: parameters (dimension,) → one number, for `tw.minimize`.
    """

    text: str
    dimension: int
    loss: Callable[[Any], Any]


def parse(text: str) -> Formula:
    """The formula as an ordinary loss.

    Numbers, x, y, pi, e, + - * / ^ and the functions in `FUNCTIONS`. Nothing else is understood: no other names, no attributes, no
    items, no keywords. Raises FormulaError, with the place, for what cannot be read, or is longer or deeper than a formula is.

    >>> import numpy as np
    >>> bowl = parse("x^2 + 3y²".replace("3y", "3*y"))
    >>> bowl.dimension, float(bowl.loss(np.array([1.0, 2.0])))
    (2, 13.0)
    >>> parse("x + z")
    Traceback (most recent call last):
    thalweg.errors.FormulaError: z is not known here; write x, y, pi, e, a number or a function such as sin(x)
    """
    if len(text) > LONGEST:
        raise FormulaError(
            "long", (LONGEST, len(text)), f"the formula is longer than {LONGEST} characters", most=LONGEST
        )
    source, places = _spelled(text)
    tree = _Reader(text, places).read(source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names & set(_VARIABLES):
        raise FormulaError(
            "constant", (0, len(text)), "the formula does not depend on x: write x, and y for two variables"
        )
    dimension = 2 if "y" in names else 1

    def loss(parameters: Any) -> Any:
        values = {**_CONSTANTS, **{name: parameters[place] for place, name in enumerate(_VARIABLES[:dimension])}}
        return _value(tree, values)

    return Formula(text, dimension, loss)


def _spelled(text: str) -> tuple[str, list[int]]:
    """The text as Python spells it, and for each character of that the place it comes from."""
    parts, places = [], []
    for place, character in enumerate(text):
        part = _SPELLINGS.get(character, " " if character.isspace() else character)
        if not part.isascii() or not part.isprintable():
            raise FormulaError(
                "character", (place, place + 1), f"{character!r} has no meaning in a formula", character=character
            )
        parts.append(part)
        places += [place] * len(part)
    # Spaces before the first character would be an indentation to Python.
    source = "".join(parts)
    lead = len(source) - len(source.lstrip())
    return source[lead:], [*places[lead:], len(text)]


class _Reader:
    """Reads a formula. places: for each character of the source the place in the text that was typed."""

    def __init__(self, text: str, places: list[int]) -> None:
        self.text, self.places = text, places

    def read(self, source: str) -> ast.expr:
        """The tree, with nothing in it that is not allowed."""
        self._check_depth(source)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as of `1(x)`, which is refused below
                tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise self._syntax(error, source) from None
        except (RecursionError, MemoryError, ValueError):
            raise self._deep(0) from None
        self._check(tree)
        return tree

    def _check_depth(self, source: str) -> None:
        depth = 0
        for place, character in enumerate(source):
            depth += (character == "(") - (character == ")")
            if depth > _DEEPEST:
                raise self._deep(place)

    def _deep(self, place: int) -> FormulaError:
        at = self.places[place]
        return FormulaError("deep", (at, at + 1), f"the formula is nested more than {_DEEPEST} deep", most=_DEEPEST)

    def _syntax(self, error: SyntaxError, source: str) -> FormulaError:
        at = self.places[min(max((error.offset or 1) - 1, 0), len(self.places) - 1)]
        if not source:
            return FormulaError("empty", (0, 0), "write a formula, such as x^2 + 3*y^2")
        return FormulaError(
            "syntax",
            (at, min(at + 1, len(self.text))),
            "this cannot be read; products are written with *, such as 2*x",
        )

    def _error(self, node: Any, code: str, message: str, **values: str | int) -> FormulaError:
        place = self.places[node.col_offset], self.places[node.end_col_offset - 1] + 1
        return FormulaError(code, place, message, **values)

    def _check(self, tree: ast.expr) -> None:
        """Walks the tree, without recursion: what is hostile may be deep."""
        parts = 0
        waiting: list[tuple[ast.expr, int]] = [(tree, 0)]
        while waiting:
            node, depth = waiting.pop()
            parts += 1
            if depth > _DEEPEST:
                raise self._deep(node.col_offset)
            if parts > _MOST_PARTS:
                raise self._error(node, "parts", f"the formula has more than {_MOST_PARTS} parts", most=_MOST_PARTS)
            waiting += [(child, depth + 1) for child in self._children(node)]
        self._check_numbers(tree)

    def _children(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return [node.left, node.right]
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return [node.operand]
        if isinstance(node, ast.Call):
            return self._arguments(node)
        if isinstance(node, ast.Name):
            self._check_name(node)
            return []
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            if not abs(node.value) <= _LARGEST:
                raise self._error(node, "large", "this number is too large", most="1e100")
            return []
        raise self._error(
            node, "forbidden", "only numbers, x, y, + - * / ^ and functions such as sin(x) are understood"
        )

    def _check_name(self, node: ast.Name) -> None:
        if node.id in FUNCTIONS:
            raise self._error(node, "call", f"{node.id} is a function: write {node.id}(x)", name=node.id)
        if node.id not in _VARIABLES and node.id not in _CONSTANTS:
            raise self._error(
                node,
                "name",
                f"{node.id} is not known here; write x, y, pi, e, a number or a function such as sin(x)",
                name=node.id,
            )

    def _arguments(self, node: ast.Call) -> list[ast.expr]:
        if not isinstance(node.func, ast.Name):
            raise self._error(node.func, "product", "products are written with *, such as 2*(x + 1)")
        name = node.func.id
        if name in _VARIABLES or name in _CONSTANTS:
            raise self._error(node.func, "product", "products are written with *, such as x*(y + 1)")
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise self._error(
                node.func, "function", f"there is no function {name}; there are {known}", name=name, known=known
            )
        if len(node.args) != FUNCTIONS[name][0] or node.keywords:
            wanted = FUNCTIONS[name][0]
            values = "1 value" if wanted == 1 else f"{wanted} values"
            raise self._error(node, "arguments", f"{name} takes {values} in brackets", name=name, count=wanted)
        return list(node.args)

    def _check_numbers(self, tree: ast.expr) -> None:
        """Parts without x and y are numbers; one that is not finite would make the whole function so."""
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and not _has_variables(node):
                if isinstance(node, ast.Name) and node.id in FUNCTIONS:
                    continue
                with np.errstate(all="ignore"):
                    value = _value(node, _CONSTANTS)
                if not np.isfinite(value):
                    raise self._error(node, "not_finite", "this is no finite number")


def _has_variables(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Name) and node.id in _VARIABLES for node in ast.walk(tree))


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of a tree that was checked: a number, or what is being traced."""
    go = functools.partial(_value, values=values)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](go(node.left), go(node.right))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](go(node.operand))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return FUNCTIONS[node.func.id][1](*map(go, node.args))
    if isinstance(node, ast.Name):
        return values[node.id]
    assert isinstance(node, ast.Constant)
    return np.float64(node.value)  # type: ignore[arg-type]  # _children lets only numbers pass
