"""Tables: reading files, kinds of columns, targets, features, and model files."""

from typing import TYPE_CHECKING

from ..on_demand import on_demand
from .available import reading_bound
from .batches import tables_in
from .column import Column, Kind
from .differences import Differences
from .encoding import Encoding
from .file_state import changes_of_files, state_of_files
from .infer import MISSING
from .missing import Missing, Unseen, complete_rows, refuse_missing
from .model_file import load_model, save_model
from .read import FORMATS, files_of, open_source, read_table
from .source import Source
from .split import split_rows
from .survey import Survey, survey
from .table import Table
from .target import Target, class_name, holds_classes, places_of_classes, target_of
from .write import csv_writer, open_writer

if TYPE_CHECKING:
    from .encoded import stream_of

__all__ = [
    "FORMATS",
    "MISSING",
    "Column",
    "Differences",
    "Encoding",
    "Kind",
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
    "survey",
    "tables_in",
    "target_of",
]

# What descends over a stream is loaded after the table has begun to be read.
__getattr__ = on_demand(__name__, {"encoded": ["stream_of"]})
