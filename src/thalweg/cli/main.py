"""The command `thalweg`."""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

from .. import __version__
from ..errors import ThalwegError
from . import learning, teaching, using

__all__ = ["main", "run"]


_COLLECTED_EVERY = 400_000
"""Objects. Loading modules and compiling makes as many, which live to the end: to look through them again and again would take 50 ms."""

_TURN = 5e-4
"""Seconds. A thread that compiles or reads asks for Python's lock again and again, and would mostly wait 5 ms for it."""


def run() -> None:
    """The command, as the shell calls it.

    When all is done the process ends at once. To take the interpreter down would take 50 ms, and after an error Arrow may still be
    reading ahead in threads of its own, which would end it with an abort.
    """
    gc.set_threshold(_COLLECTED_EVERY, 20, 20)
    sys.setswitchinterval(_TURN)
    if sys.argv[1:2] == [
        "fit"
    ]:  # the threads of NumPy's BLAS begin by waiting busily, and a fit has threads of its own
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    status: list[int] = []
    atexit.register(_end_at_once, status)  # the first that is registered is the last that runs
    try:
        main(prog_name="thalweg")
    except SystemExit as ended:
        if isinstance(ended.code, int):
            status.append(ended.code)
        raise


def _end_at_once(status: Sequence[int]) -> None:
    """Ends the process with that exit status, if there is one, and if what it printed has arrived."""
    with suppress(OSError, ValueError):  # a closed pipe is for the interpreter to deal with
        sys.stdout.flush()
        sys.stderr.flush()
        if status:
            os._exit(status[0])


class _Group(click.Group):
    """Errors that thalweg raises on purpose are for the user to read: one message, no traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ThalwegError as error:
            command = self.commands.get(context.invoked_subcommand or "")
            options = {} if command is None else {str(option.name): option.opts[0] for option in command.params}
            click.echo(f"thalweg: {_with_options(str(error), options)}", err=True)
            sys.exit(1)


def _with_options(message: str, options: Mapping[str, str]) -> str:
    """A message that begins with an argument of Python, learning_rate=-1, with the option of that name: --learning-rate -1."""
    found = re.match(r"(\w+)=('[^']*'|\([^)]*\)|[^\s:]+)", message)
    if found is None or found[1] not in options:
        return message
    value = found[2].strip("'()").rstrip(",").replace(", ", ",")
    return f"{options[found[1]]} {value}{message[found.end() :]}"


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="thalweg")
def main() -> None:
    """Gradient descent on tables: fit a model, search its hyperparameters, predict with it."""


for _command in (
    learning.fit,
    learning.resume,
    learning.tune,
    learning.report,
    using.predict,
    using.evaluate,
    using.export,
    teaching.lab,
):
    main.add_command(_command)


@main.command()
@click.argument("function", metavar="FILE.py:FUNCTION")
@click.option(
    "--at", "point", required=True, metavar="JSON", help="The parameters, such as '[1, 2]' or '{\"w\": [0, 1]}'."
)
def explain(function: str, point: str) -> None:
    """Explain how a function's gradient comes about.

    FILE.py:FUNCTION: a loss in NumPy. Every node is shown with its value and its adjoint, and the gradient is checked.
    """
    import json
    import runpy

    import numpy as np

    from .. import diagnosis

    file, _, name = function.rpartition(":")
    if not file or not name:
        raise click.BadParameter(f"{function!r}: write FILE.py:FUNCTION", param_hint="FILE.py:FUNCTION")
    try:
        names = runpy.run_path(file)
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE.py:FUNCTION") from None
    if not callable(names.get(name)):
        raise click.BadParameter(f"{file} defines no function {name!r}", param_hint="FILE.py:FUNCTION")
    try:
        parsed = json.loads(point)
    except json.JSONDecodeError:
        wanted = "a number, a list as in '[1, 2]', or an object as in '{\"w\": [1, 2], \"b\": 0}'"
        raise click.BadParameter(f"{point!r} is not JSON. Write {wanted}.", param_hint="--at") from None
    if isinstance(parsed, dict):
        parameters: Any = {key: np.array(value, float) for key, value in parsed.items()}
    else:
        parameters = np.array(parsed, float)
    click.echo(str(diagnosis.explain(names[name], parameters)))
