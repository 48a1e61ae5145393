"""Ctrl-C in a command that goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["INTERRUPTED", "stoppable"]

INTERRUPTED = 130


@contextmanager
def stoppable(goes_on: bool = True) -> Iterator[None]:
    """A block that Ctrl-C ends with exit code 130, and with a line that says whether the same command goes on from there."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there" if goes_on else "stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None
