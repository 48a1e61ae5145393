"""`polytask models`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import ModelSource

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at registered models and move the champion.", rich_markup_mode="markdown")

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Name in the registry, e.g. polytask-demo.", show_default=False)]


@app.command("list", epilog="Example: polytask models list")
def models_list() -> None:
    """Every registered model with its versions and aliases."""
    from pipelines.models import list_models

    list_models()


@app.command("show", epilog="Example: polytask models show polytask-demo")
def models_show(
    name: ModelName, version: Annotated[str | None, typer.Option(help="Version or alias. Default: the champion.")] = None
) -> None:
    """One version: its tasks, measures, decision and lineage."""
    from pipelines.models import show_model

    show_model(name, version)


@app.command("rollback", epilog="Example: polytask models rollback polytask-demo")
def models_rollback(name: ModelName) -> None:
    """Make the previous champion the champion again."""
    from pipelines.models import rollback_model

    rollback_model(name)


@app.command("drop", epilog="Example: polytask models drop models:/polytask-demo@champion tweets --out smaller")
def models_drop(
    source: ModelSource,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task to take out.", show_default=False)],
    out: Annotated[Path, typer.Option(help="New model folder.", show_default=False)],
) -> None:
    """Write a model folder without one task; the other tasks answer as before, to the bit."""
    from pipelines.models import drop_task

    drop_task(source, task, out)
