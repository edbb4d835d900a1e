"""`python -m thalweg`."""

from .cli.main import run

run()
