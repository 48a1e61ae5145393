"""`polytask stack`: where things run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Say where experiments run: here, on Kubernetes, on Kubeflow.", rich_markup_mode="markdown")


@app.command("register", epilog="Example: polytask stack register configs/stacks/kubernetes.yaml")
def stack_register(
    file: Annotated[Path, typer.Argument(help="Stack file (YAML).", metavar="FILE", show_default=False)],
) -> None:
    """Bring ZenML's stack into line with a file, and say what that changed; a second time it changes nothing.

    Secrets are taken from the environment variables that the file names.
    """
    from pipelines.stacks import register_stack

    register_stack(file)


@app.command("list", epilog="Example: polytask stack list")
def stack_list() -> None:
    """Every stack of the ZenML store that is connected."""
    from pipelines.stacks import list_stacks

    list_stacks()
