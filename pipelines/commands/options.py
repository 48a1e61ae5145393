"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Column",
    "Config",
    "ModelOrChampion",
    "ModelSource",
    "NoCache",
    "OnlyTasks",
    "Overrides",
    "PagePort",
    "Stack",
    "TextsFile",
]

Config = Annotated[Path, typer.Argument(help="Experiment file (YAML).", metavar="CONFIG", show_default=False)]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key, e.g. training.epochs=3. May be repeated.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")]
Stack = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Where to run: local, or a stack of `polytask stack register`. Default: here.", show_default=False),
]

ModelSource = Annotated[
    str, typer.Argument(metavar="MODEL", help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder.", show_default=False)
]
ModelOrChampion = Annotated[
    str | None,
    typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder. Default: the only champion.", show_default=False),
]
OnlyTasks = Annotated[list[str] | None, typer.Option(help="Answer for this task only. May be repeated.", show_default=False)]

TextsFile = Annotated[
    Path | None, typer.Option(help="Texts from a file: .txt (one a line), .csv, .tsv, .jsonl or .parquet.", show_default=False)
]
Column = Annotated[str, typer.Option(help="Column, or key, of the texts in the file.")]

PagePort = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]
