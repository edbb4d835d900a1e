"""Pages in a browser: what report, live page and laboratory share. Their looks, and a server for this machine alone."""

from .assets import File, asset, file_of, text_of
from .numbers import json_numbers, thinned
from .schema import Flag, ListOf, Number, OneOf, Record, Schema, Text, Whole
from .serving import Action, Server
from .streams import Event, Stream

__all__ = [
    "Action",
    "Event",
    "File",
    "Flag",
    "ListOf",
    "Number",
    "OneOf",
    "Record",
    "Schema",
    "Server",
    "Stream",
    "Text",
    "Whole",
    "asset",
    "file_of",
    "json_numbers",
    "text_of",
    "thinned",
]
