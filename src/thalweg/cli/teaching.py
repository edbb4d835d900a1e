"""The command that opens the laboratory."""

from __future__ import annotations

import threading

import click

__all__ = ["lab"]


@click.command()
@click.argument("address", required=False, default="")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Where to serve; by default 8477, or a free one."
)
@click.option("--browser/--no-browser", default=True, help="Whether to open the page in the browser.")
def lab(address: str, port: int | None, browser: bool) -> None:
    """Open the laboratory for teachers and students.

    Methods of descent run side by side, step by step, on functions that are chosen, typed, or come from data.

    ADDRESS: a scene that someone has shared, as it stands in their browser; it is opened here.

    The page is served on this machine only, until Ctrl-C.
    """
    from ..errors import ArgumentError
    from ..laboratory import PORT, serve

    try:
        server = serve(PORT if port is None else port)
    except ArgumentError:
        if port is not None:
            raise
        server = serve(0)
        click.echo(f"Port {PORT} is in use, perhaps by another laboratory; bookmarks lead there.")
    with server:
        scene = address.partition("#")[2] if "#" in address else address
        page = f"{server.address}#{scene}" if scene else server.address
        try:
            click.echo(f"The laboratory is open at {page}\nCtrl-C ends it.")
            if browser:
                import webbrowser  # takes 4 ms of every other command

                webbrowser.open(page)
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo()
