"""Commands that keep house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer()

_PANEL = "Housekeeping"


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask schema --out configs/experiment.schema.json")
def schema(
    out: Annotated[Path | None, typer.Option(help="File to write. Default: print it.", show_default=False)] = None,
) -> None:
    """The JSON Schema of experiment files, for editors."""
    import json

    from mtl_models.config import json_schema
    from mtl_models.files import writing_file

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    with writing_file(out) as draft:
        draft.write_text(text, encoding="utf-8")
    typer.echo(f"written: {out}")


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask clean --yes")
def clean(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Remove all local state: runs, registered models, downloads, caches."""
    from pipelines.clean import clean_home

    clean_home(ask=not yes)
