"""A model of a table as an ONNX file: columns go in, predictions come out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..compile.onnx import Builder, lower_function
from ..graph import Array
from ..tables import MISSING, Encoding
from ..tables.encoding import MISSING_CATEGORY
from ..tables.marks import numbers_among

__all__ = ["onnx_content"]


def onnx_content(
    encoding: Encoding,
    missing_marks: tuple[str, ...],
    predict: Callable[[Array], Array],
    target: tuple[str, ...],
    classes: tuple[str, ...],
    what: str,
) -> bytes:
    """A model as the content of a file.

    missing_marks: what else than `MISSING` stands for a missing value.
    predict: features (N, n) → numbers, (N,) or (N, m), or one number for each class (N, K). what: these are: probabilities, scores.
    Inputs are the columns, (N,): numbers as float64, NaN where missing; categories as strings, empty where missing.
    Outputs are the target's columns, or "label" (strings) and `what`.
    """
    builder = Builder()
    X = _encoded(builder, encoding, missing_marks)
    count = len(encoding.features)
    ((predicted, kind),) = lower_function(builder, predict, [X], [(np.float64, (count,))])
    if classes:
        places = builder.apply("ArgMax", predicted, axis=1, keepdims=0)
        builder.output("label", builder.apply("Gather", builder.constant(list(classes)), places), str)
        builder.output(what, predicted, kind.dtype, *kind.shape[1:])
    elif len(target) == 1:
        builder.output(target[0], predicted, kind.dtype)
    else:
        for number, name in enumerate(target):
            column = builder.apply("Gather", predicted, builder.constant(np.asarray(number)), axis=1)
            builder.output(name, column, kind.dtype)
    return builder.serialised(f"{', '.join(target)} from the columns {', '.join(encoding.kinds)}")


def _encoded(builder: Builder, encoding: Encoding, missing_marks: tuple[str, ...]) -> str:
    """The standardised features (N, n) from the columns."""
    raw: list[str] = []
    order: list[int] = []
    last = builder.constant(np.array([1]))
    is_number = {name: encoding.features[indices[0]].category is None for name, indices in encoding.indices().items()}
    numbers = [name for name, holds in is_number.items() if holds]
    if numbers:
        columns = [builder.apply("Unsqueeze", builder.input(name, np.float64), last) for name in numbers]
        values = builder.apply("Concat", *columns, axis=1)
        is_missing = builder.apply("IsNaN", values)
        for mark in numbers_among(missing_marks):
            is_marked = builder.apply("Equal", values, builder.constant(np.array(mark)))
            is_missing = builder.apply("Or", is_missing, is_marked)
        firsts = [encoding.indices()[name][0] for name in numbers]
        fills = builder.constant(np.array([encoding.features[place].fill for place in firsts]))
        raw += [builder.apply("Where", is_missing, fills, values), builder.cast(is_missing, np.float64)]
        with_missing = [len(encoding.indices()[name]) > 1 for name in numbers]
        order += firsts + [place + 1 if has else -1 for place, has in zip(firsts, with_missing, strict=True)]
    for name, indices in encoding.indices().items():
        if is_number[name]:
            continue
        categories = [str(encoding.features[index].category) for index in indices]
        raw.append(_one_hot(builder, builder.input(name, str), categories, missing_marks))
        order += indices
    whole = builder.apply("Concat", *raw, axis=1)
    places = np.array([order.index(feature) for feature in range(len(encoding.features))])
    ordered = builder.apply("Gather", whole, builder.constant(places), axis=1)
    means = builder.constant(np.array([feature.mean for feature in encoding.features]))
    scales = builder.constant(np.array([feature.scale for feature in encoding.features]))
    return builder.apply("Div", builder.apply("Sub", ordered, means), scales)


def _one_hot(builder: Builder, column: str, categories: list[str], missing_marks: tuple[str, ...]) -> str:
    """1 where a row has the category, (N, K); all 0 for one that training never saw."""
    known = {name: place for place, name in enumerate(categories) if name != MISSING_CATEGORY}
    if MISSING_CATEGORY in categories:
        known |= dict.fromkeys([*MISSING, *missing_marks], categories.index(MISSING_CATEGORY))
    codes = builder.apply(
        "LabelEncoder",
        column,
        domain="ai.onnx.ml",
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=-1,
    )
    rows = builder.apply("Unsqueeze", codes, builder.constant(np.array([1])))
    is_own = builder.apply("Equal", rows, builder.constant(np.arange(len(categories))))
    return builder.cast(is_own, np.float64)
