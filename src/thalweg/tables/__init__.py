"""Tables: reading files, kinds of columns, targets, features, and model files."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand
from .available import reading_bound
from .column import Kind
from .marks import MISSING, Marks, marks_of
from .read import FORMATS, files_of, open_source, read_table
from .source import Source
from .table import Table

if TYPE_CHECKING:
    from .batches import tables_in
    from .differences import Differences
    from .encoded import stream_of
    from .encoding import Encoding
    from .file_state import changes_of_files, state_of_files
    from .missing import Missing, Unseen, complete_rows, refuse_missing
    from .model_file import load_model, save_model
    from .split import split_rows
    from .survey import Survey
    from .target import Target, class_name, holds_classes, places_of_classes, target_of
    from .write import csv_writer, open_writer

__all__ = [
    "FORMATS",
    "MISSING",
    "Differences",
    "Encoding",
    "Kind",
    "Marks",
    "Missing",
    "Source",
    "Survey",
    "Table",
    "Target",
    "Unseen",
    "changes_of_files",
    "class_name",
    "complete_rows",
    "csv_writer",
    "files_of",
    "holds_classes",
    "load_model",
    "marks_of",
    "open_source",
    "open_writer",
    "places_of_classes",
    "read_table",
    "reading_bound",
    "refuse_missing",
    "save_model",
    "split_rows",
    "state_of_files",
    "stream_of",
    "tables_in",
    "target_of",
]

# What is not needed to read a table is loaded after it has begun to be read.
__getattr__ = on_demand(
    __name__,
    {
        "batches": ["tables_in"],
        "differences": ["Differences"],
        "encoded": ["stream_of"],
        "encoding": ["Encoding"],
        "file_state": ["changes_of_files", "state_of_files"],
        "missing": ["Missing", "Unseen", "complete_rows", "refuse_missing"],
        "model_file": ["load_model", "save_model"],
        "split": ["split_rows"],
        "survey": ["Survey"],
        "target": ["Target", "class_name", "holds_classes", "places_of_classes", "target_of"],
        "write": ["csv_writer", "open_writer"],
    },
)
