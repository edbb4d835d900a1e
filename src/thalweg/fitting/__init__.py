"""From a table to a model, and what can be done with one: prepare → descend → model → predict, evaluate, export."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand
from .descend import task_of
from .fit_table import fit, fit_prepared, model_of, prepare_source, prepare_within
from .prepare import Prepared, prepare
from .settings import Settings
from .streamed import PreparedStream
from .table_model import TableModel

if TYPE_CHECKING:
    from .reporting import fitted_of, write_report
    from .streaming import prepare_stream
    from .tuning import RANGES, Tuned, tune
    from .use import Evaluation, NewRows, evaluate, predictions

__all__ = [
    "RANGES",
    "Evaluation",
    "NewRows",
    "Prepared",
    "PreparedStream",
    "Settings",
    "TableModel",
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
    "task_of",
    "tune",
    "write_report",
]

# What streams, searches, predicts and reports takes no time of those who only fit.
__getattr__ = on_demand(
    __name__,
    {
        "reporting": ["fitted_of", "write_report"],
        "streaming": ["prepare_stream"],
        "tuning": ["RANGES", "Tuned", "tune"],
        "use": ["Evaluation", "NewRows", "evaluate", "predictions"],
    },
)
