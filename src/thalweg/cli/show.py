"""What the commands print."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from ..descent.data import size_text
from ..descent.result import duration
from ..fitting import Prepared, PreparedStream, TableModel
from ..graph import Array
from ..models import Linear, Logistic, Model, Perceptron, Poisson, Softmax, SupportVectorMachine
from ..tables import Kind
from ..tables.column import Column
from ..tables.encoding import IGNORED
from ..tables.table import counted

__all__ = ["console", "ended", "fitted", "grid_of", "score", "understood"]

_MOST = 100
"""Columns and coefficients that are shown."""
console = Console(highlight=False, emoji=False)
_NAMES: dict[type[Model], str] = {
    Linear: "linear regression",
    Logistic: "logistic regression",
    Softmax: "softmax regression",
    Poisson: "Poisson regression",
    SupportVectorMachine: "support vector machine",
    Perceptron: "perceptron",
}


def grid_of(*headers: str) -> Grid:
    """A table without lines; numbers stand to the right."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        grid.add_column(header, justify="left" if number == 0 else "right")
    return grid


def understood(prepared: Prepared | PreparedStream) -> None:
    """What was read, and what will be fitted."""
    if isinstance(prepared, PreparedStream):
        _streamed(prepared)
        _model(prepared)
        survey = prepared.survey
        _rows(sum(survey.training), sum(survey.validation), survey.target.dropped, survey.incomplete)
        return
    table, target = prepared.table, prepared.target
    how = f" ({table.how})" if table.how else ""
    missing = sum(column.missing_count for column in table.columns)
    absent = f", {missing:,} values missing" if missing else ""
    console.print(f"[bold]{escape(table.path)}[/]{how}: {table.row_count:,} rows, {len(table.columns)} columns{absent}")
    _columns(prepared, {column.name: column.describe() for column in table.columns})
    _model(prepared)
    _rows(len(prepared.training), len(prepared.validation), target.dropped, prepared.incomplete)


def _streamed(prepared: PreparedStream) -> None:
    """A table of which only chunks are in memory."""
    survey = prepared.survey
    source = survey.source
    how = f" ({source.how})" if source.how else ""
    console.print(f"[bold]{escape(source.path)}[/]{how}: {survey.row_count:,} rows, {len(survey.described)} columns")
    _columns(prepared, survey.described)
    needed = prepared.fitted.data.examples * prepared.fitted.data.row_bytes
    fits = "read once, and kept" if prepared.fitted.data.fits else "read again in every pass"
    console.print(
        f"Streamed with {size_text(prepared.memory)} of memory: the training rows take {size_text(needed)} and are {fits}. "
        f"Kinds are those of the first {survey.rows_for_kinds:,} rows."
    )


def _columns(prepared: Prepared | PreparedStream, described: Mapping[str, str]) -> None:
    """What each column holds, and what it is used for."""
    settings, left_out = prepared.settings, prepared.encoding.left_out
    grid = Grid(box=None, pad_edge=False, show_header=False)
    for name in list(described)[:_MOST]:
        text, note = described[name], ""
        if name in settings.ignored:
            text, note = "", f"[dim]{IGNORED}[/]"
        elif name in prepared.target.names:
            note = "; [bold]target[/]"
        elif name == settings.weights:
            note = "; weights of the rows"
        elif name in left_out:
            note = f"; [dim]not used: {escape(left_out[name])}[/]"
        elif isinstance(prepared, Prepared) and _numbers_the_rows(prepared.table.column(name)):
            note = f"; rises by 1 from row to row: if it only numbers them, --ignore {escape(shlex.quote(name))}"
        grid.add_row(f"  {escape(name)}", escape(text) + note)
    if len(described) > _MOST:
        grid.add_row("  ...", f"and {len(described) - _MOST:,} columns more")
    console.print(grid)


def _numbers_the_rows(column: Column) -> bool:
    values = column.values
    is_rising = column.kind is Kind.NUMBER and len(values) > 2 and values[2] - values[0] == 2  # a quick look first
    return is_rising and bool(np.all(np.diff(values) == 1))


def _model(prepared: Prepared | PreparedStream) -> None:
    model = prepared.model
    console.print(
        f"Model: {_NAMES[type(model)]}{escape(_classes(prepared))}; {counted(len(prepared.encoding.features), 'feature')}"
    )
    for note in (_why_a_number(prepared), *_classes_to_mind(prepared)):
        if note:
            console.print(f"Note: {note}", markup=False)
    for number, layer in enumerate(model.layers, 1):
        console.print(f"  {number}  {layer}")
    if len(model.layers) > 1:
        console.print(f"     in all {model.parameter_count:,} parameters")


_FEW = 20
"""Whole numbers with no more different values may be meant as names of classes."""


def _why_a_number(prepared: Prepared | PreparedStream) -> str:
    """What was decided, and how to decide otherwise, of a target whose few whole numbers may be classes, a scale or counts."""
    settings, target = prepared.settings, prepared.target
    if target.classes or len(target.names) > 1 or settings.model in ("linear", "poisson") or settings.objective:
        return ""
    if np.any(target.values != np.trunc(target.values)) or len(different := np.unique(target.values)) > _FEW:
        return ""
    as_classes = "--objective cross_entropy" if isinstance(prepared.model, Perceptron) else "--model softmax"
    as_counts = "--objective poisson" if isinstance(prepared.model, Perceptron) else "--model poisson"
    counts = f"; if they are counts: {as_counts}" if different[0] >= 0 else ""
    return (
        f"{target.name} holds {len(different)} different whole numbers, {different[0]:g} to {different[-1]:g}, and they are predicted as "
        f"numbers. If they are names of classes: {as_classes}{counts}."
    )


_MOST_OF_ALL = 0.9
"""A class with a larger share of the rows makes accuracies high whatever the model is worth."""


def _classes_to_mind(prepared: Prepared | PreparedStream) -> Iterator[str]:
    """What the numbers of rows of the classes mean for the scores."""
    target = prepared.target
    if not target.classes or not isinstance(prepared, Prepared):
        return
    counts = np.bincount(target.values.astype(np.int64), minlength=len(target.classes))
    share = counts.max() / counts.sum()
    if share > _MOST_OF_ALL and not prepared.settings.class_weight:
        yield (
            f"{100 * share:.3g} % of the rows are {target.classes[int(counts.argmax())]}, so whoever always answers that is right as "
            "often: look at AUC, and with thalweg evaluate at each class. --class-weight balanced lets all classes count alike."
        )
    single = int(np.count_nonzero(counts == 1))
    if single > len(counts) / 2:
        yield f"{single:,} of the {len(counts):,} classes of {target.name} have one row only, too few to learn them."


def _rows(training: int, validation: int, without_target: int, incomplete: int) -> None:
    dropped = f"; {without_target:,} without a target are left out" if without_target else ""
    if incomplete:
        dropped += f"; {incomplete:,} with missing values are left out"
    console.print(f"Rows: {training:,} for training, {validation:,} for validation{dropped}")


def _classes(prepared: Prepared | PreparedStream) -> str:
    target = prepared.target
    if len(target.classes) == 2:
        return f" of {target.name} = {target.classes[1]} against {target.classes[0]}"
    if not target.classes:
        return f" of {target.name}"
    shown = ", ".join(target.classes[:6]) + (", ..." if len(target.classes) > 6 else "")
    return f" of {target.name}: {len(target.classes)} classes ({shown})"


def fitted(model: TableModel, examples: int | None = None) -> None:
    """How the descent ended, how good the model is, and its coefficients.

    examples: how many each step saw, if it had the machine for itself, so that its speed is worth telling.
    """
    result = model.result
    assert result is not None
    rate = f" ({result.steps * examples / max(result.seconds, 1e-9):.3g} examples/s)" if examples else ""
    console.print(
        f"\nDescended {counted(result.steps, 'step')} in {duration(result.seconds)}{rate}. It stopped because {result.stopped_by}."
    )
    for note in result.notes:
        console.print(f"Note: {note}")
    if result.verdict is not None:
        console.print(f"Verdict: {result.verdict.kind.value}. {_capitalised(result.verdict.sentence)}.", markup=False)
        for advice in result.verdict.advice:
            console.print(f"Advice: {advice.for_shell()}", markup=False)
    console.print(f"Loss {result.loss:.6g} (penalty included), gradient norm {result.gradient_norm:.2e}")
    if model.has_diverged:
        return
    console.print()
    console.print(_scores(model))
    if model.is_linear:
        _coefficients(model)


def ended(model: TableModel) -> None:
    """A model that was fitted before."""
    console.print(f"Model: {_NAMES[type(model.model)]} of {', '.join(model.target)}", markup=False)
    console.print(_scores(model))


def score(value: float) -> str:
    """A number of a table of scores; a dash where it is not defined."""
    return "–" if math.isnan(value) else f"{value:,.4g}"


def _scores(model: TableModel) -> Grid:
    """Of one target a row for each part; of several a column."""
    parts = {part: scores for part, scores in model.scores.items() if scores}
    names = list(model.scores["training"])
    if len(model.target) == 1:
        grid = grid_of("", *names)
        for part, scores in parts.items():
            grid.add_row(part, *(score(value) for value in scores.values()))
        return grid
    grid = grid_of("", *parts)
    for name in names:
        grid.add_row(escape(name), *(score(scores[name]) for scores in parts.values()))
    return grid


_MOST_COEFFICIENTS, _MOST_OF_SEVERAL = 100, 20
"""Features that are shown, of one output and of several."""


def _coefficients(model: TableModel) -> None:
    """Of many, those that weigh most: the weights of standardised features compare. Of many outputs, those that fit in a line."""
    coefficients, intercept = model.coefficients()
    outputs = model.model.outputs or 1
    most = _MOST_COEFFICIENTS if outputs == 1 else _MOST_OF_SEVERAL
    size = np.abs(model.layers[0]["w"]).reshape(len(coefficients), outputs).max(axis=1)
    places = sorted(np.argsort(-size, kind="stable")[:most])
    names = [f"  {model.encoding.names[place]}" for place in places]
    headers = ["coefficient"] if outputs == 1 else list(model.classes or model.target)
    digits = 6 if outputs == 1 else 4
    width = 2 + max(digits + 6, *map(len, headers))
    fitting = max(1, (console.width - max(map(len, names))) // width)

    def shown(values: Array) -> list[str]:
        return [f"{value + 0:,.{digits}g}" for value in values[:fitting]]

    console.print(f"\nCoefficients: the change of {_unit(model)} for one unit of the feature", markup=False)
    grid = grid_of("feature", *(escape(header) for header in headers[:fitting]))
    for name, values in zip(names, coefficients.reshape(len(coefficients), outputs)[places], strict=True):
        grid.add_row(escape(name), *shown(values))
    if len(coefficients) > most:
        grid.add_row(f"  ... and {len(coefficients) - most:,} that weigh less")
    grid.add_row("  intercept", *shown(intercept.reshape(-1)))
    console.print(grid)
    if outputs > fitting:
        what = "classes" if model.classes else "targets"
        console.print(f"Shown are {fitting} of {outputs:,} {what}. All coefficients: thalweg export MODEL model.npz")


def _unit(model: TableModel) -> str:
    """What a coefficient changes."""
    if not model.classes:
        return f"the logarithm of {model.target[0]}" if isinstance(model.model, Poisson) else ", ".join(model.target)
    if not model.has_probabilities:
        return "the score"
    return "the log-odds" if len(model.classes) == 2 else "the logarithm of the class's weight"


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
