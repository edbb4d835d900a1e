"""`python -m thalweg`."""

from .cli.main import main

main(prog_name="thalweg")
