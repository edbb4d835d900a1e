"""From a table to a model, and what can be done with one: prepare → descend → model → predict, evaluate, export."""

from .descend import GRADIENT_THRESHOLD, Task, task_of
from .fit_table import fit, fit_prepared, model_of
from .prepare import Part, Prepared, prepare
from .settings import METHODS, MODELS, Settings
from .table_model import TableModel
from .tuning import RANGES, Tuned, tune

__all__ = [
    "GRADIENT_THRESHOLD",
    "METHODS",
    "MODELS",
    "RANGES",
    "Part",
    "Prepared",
    "Settings",
    "TableModel",
    "Task",
    "Tuned",
    "fit",
    "fit_prepared",
    "model_of",
    "prepare",
    "task_of",
    "tune",
]
