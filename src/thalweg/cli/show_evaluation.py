"""What the command `evaluate` prints."""

from __future__ import annotations

from rich.markup import escape

from ..fitting import Evaluation, TableModel
from ..models import ClassMetrics
from .show import console, grid_of, score

__all__ = ["evaluated"]

_MOST_CLASSES = 20


def evaluated(model: TableModel, found: Evaluation) -> None:
    """Metrics; for classes those of each class and the confusion matrix."""
    left_out = f"; {found.left_out:,} without a target are left out" if found.left_out else ""
    console.print(f"{found.rows:,} rows{left_out}")
    for note in found.notes:
        console.print(f"Note: {note}", markup=False)
    if found.unseen:
        total = sum(found.unseen.values())
        names = ", ".join(f"{name} ({count:,})" for name, count in list(found.unseen.items())[:5])
        console.print(
            f"Note: {total:,} rows have a class that training never saw: {names}; the first is {found.unseen_place}. They count as "
            "wrong answers, and are left out of log loss and AUC.",
            markup=False,
        )
    console.print()
    scores = found.scores()
    grid = grid_of("", *next(iter(scores.values())))
    for name, values in scores.items():
        grid.add_row(escape(name), *(score(value) for value in values.values()))
    console.print(grid)
    if found.of_classes is not None:
        _classes(model.classes, found.of_classes)


def _classes(classes: tuple[str, ...], metrics: ClassMetrics) -> None:
    if metrics.area_error:
        console.print(f"AUC is counted in bins of scores: right to {metrics.area_error:.1g}")
    if len(classes) > 2:
        console.print("AUC is the mean over the classes, each against the rest")
    console.print()
    grid = grid_of("class", "precision", "recall", "F1", "rows")
    for number, name in enumerate(classes[:_MOST_CLASSES]):
        found = metrics.of_class(number)
        grid.add_row(
            escape(name), *(score(found[what]) for what in ("precision", "recall", "F1")), f"{found['rows']:,.0f}"
        )
    if len(classes) > _MOST_CLASSES:
        grid.add_row(f"... and {len(classes) - _MOST_CLASSES:,} more: --json shows all")
    console.print(grid)
    if len(classes) > _MOST_CLASSES:
        return
    console.print("\nConfusion: rows are classes, columns answers")
    grid = grid_of("", *(escape(name) for name in classes))
    names = [*classes, *(["(never seen)"] if metrics.unseen else [])]
    for name, row in zip(names, metrics.confusion.tolist(), strict=False):
        grid.add_row(escape(name), *(f"{count:,}" for count in row))
    console.print(grid)
