"""From a table to a model, and what can be done with one: prepare → descend → model → predict, evaluate, export."""

from .descend import GRADIENT_THRESHOLD, Task, task_of
from .fit_table import fit, fit_prepared, model_of, prepare_source, prepare_within, reading_bound
from .prepare import Part, Prepared, prepare
from .reporting import fitted_of, write_report
from .settings import METHODS, MODELS, Settings
from .streamed import PreparedStream, prepare_stream
from .table_model import TableModel
from .tuning import RANGES, Tuned, tune
from .use import Evaluation, NewRows, evaluate, predictions

__all__ = [
    "GRADIENT_THRESHOLD",
    "METHODS",
    "MODELS",
    "RANGES",
    "Evaluation",
    "NewRows",
    "Part",
    "Prepared",
    "PreparedStream",
    "Settings",
    "TableModel",
    "Task",
    "Tuned",
    "evaluate",
    "fit",
    "fit_prepared",
    "fitted_of",
    "model_of",
    "predictions",
    "prepare",
    "prepare_source",
    "prepare_stream",
    "prepare_within",
    "reading_bound",
    "task_of",
    "tune",
    "write_report",
]
