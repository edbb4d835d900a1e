"""Tables: reading files, kinds of columns, targets, features, and model files."""

from .column import Column, Kind
from .encoding import Encoding
from .infer import MISSING
from .missing import Missing, Unseen, complete_rows, refuse_missing
from .model_file import load_model, save_model
from .read import FORMATS, open_source, read_table
from .source import Source
from .split import split_rows
from .table import Table
from .target import Target, class_name, holds_classes, places_of_classes, target_of

__all__ = [
    "FORMATS",
    "MISSING",
    "Column",
    "Encoding",
    "Kind",
    "Missing",
    "Source",
    "Table",
    "Target",
    "Unseen",
    "class_name",
    "complete_rows",
    "holds_classes",
    "load_model",
    "open_source",
    "places_of_classes",
    "read_table",
    "refuse_missing",
    "save_model",
    "split_rows",
    "target_of",
]
