"""The report: a result as a page that can be sent to a colleague, its pictures as files, and an excerpt for notebooks."""

from .files import pictures
from .notebook import html
from .page import check, write

__all__ = ["check", "html", "pictures", "write"]
