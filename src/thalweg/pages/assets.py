"""The files that pages are made of: theme, plots, scripts. They are packaged with thalweg; nothing comes from a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["File", "asset", "file_of", "text_of"]

_CONTENT_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


@dataclass(frozen=True)
class File:
    """What a server sends for an address."""

    content_type: str
    body: bytes


@cache
def file_of(package: str, name: str) -> File:
    """A file that is packaged beside a module: `file_of("thalweg.live", "page/live.html")`.

    >>> file_of("thalweg.pages", "assets/theme.css").content_type
    'text/css; charset=utf-8'
    """
    return File(_CONTENT_TYPES[name.rpartition(".")[2]], files(package).joinpath(name).read_bytes())


def asset(name: str) -> File:
    """One of the files that all pages share: `"theme.css"`, `"uplot/uPlot.iife.min.js"`, `"uplot/uPlot.min.css"`."""
    return file_of(__package__, f"assets/{name}")


def text_of(name: str) -> str:
    """The same as text, for pages that hold everything in one file."""
    return asset(name).body.decode()
