"""The command line. Heavy libraries are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mtl_models import __version__
from pipelines import faults
from pipelines.commands import asking, housekeeping, models, production, schedule, serving, stack, training

__all__ = ["app", "main"]

app = typer.Typer(
    name="polytask",
    help="Train one compact text model for many tasks, prove task by task that it pays, and keep the winner in production.",
    epilog="Start with: polytask check configs/quick.yaml, then: polytask run configs/quick.yaml",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for commands in (training, asking, serving, production):
    app.add_typer(commands.app)
for name, commands in {"schedule": schedule, "models": models, "stack": stack}.items():
    app.add_typer(commands.app, name=name, rich_help_panel=production.PANEL)
app.add_typer(housekeeping.app)

_USER_FAULT = 2


def main() -> None:
    """Run a command; a fault the user can mend is one message and exit code 2, any other keeps its traceback."""
    try:
        app()
    except Exception as error:
        message = faults.explain(error)
        if message is None:
            raise
        _fail(message)


def _fail(message: str) -> None:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(message, err=True)
    sys.exit(_USER_FAULT)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"polytask {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass
