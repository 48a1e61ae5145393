"""Ctrl-C in a command that goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["INTERRUPTED", "stoppable"]

INTERRUPTED = 130


@contextmanager
def stoppable(goes_on: bool = True) -> Iterator[None]:
    """A block that Ctrl-C or a kill ends with exit code 130, and with a line that says whether the same command goes on from there.

    What goes wrong while a pipeline puts itself away after Ctrl-C, such as a store that is busy just then, is no fault of its own.
    """
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if not _came_of_stopping(error):
            raise
        typer.echo("stopped; the same command goes on from there" if goes_on else "stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _came_of_stopping(error: BaseException | None) -> bool:
    """Whether Ctrl-C is among what led to it, or the end that ZenML makes of a step at SIGTERM, and at SIGINT in a background job."""
    while error is not None and not (isinstance(error, KeyboardInterrupt) or type(error).__name__ == "RunInterruptedException"):
        error = error.__cause__ or error.__context__
    return error is not None
