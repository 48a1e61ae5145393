"""Commands that ask a model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Column, ModelOrChampion, OnlyTasks, TextsFile
from pipelines.commands.stopping import stoppable

__all__ = ["app"]

app = typer.Typer()

_PANEL = "Ask a model"


class Format(StrEnum):
    """How predictions are printed."""

    table = "table"
    json = "json"
    csv = "csv"


EncoderName = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="models:/NAME@ALIAS, models:/NAME/VERSION, a model folder, or a Hugging Face encoder: a folder or a hub name. "
        "Default: the only champion.",
        show_default=False,
    ),
]
ReadAs = Annotated[
    str | None, typer.Option(help="Read the texts as this task does; needed where the model's tasks differ in that.", show_default=False)
]


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask predict 'what a waste of two hours' 'love this phone'")
def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to classify.", show_default=False)] = None,
    model: ModelOrChampion = None,
    task: OnlyTasks = None,
    file: TextsFile = None,
    column: Column = "text",
    format: Annotated[Format, typer.Option(help="Form of what is printed.")] = Format.table,  # noqa: A002 (the option's name)
    out: Annotated[
        Path | None, typer.Option(help="Write the answers to this .jsonl, .csv or .parquet instead of printing them.", show_default=False)
    ] = None,
    abstain_below: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="No label where the confidence is lower than this.", show_default=False)
    ] = None,
) -> None:
    """Let a model answer for every task at once.

    With --out a run that was stopped goes on where it was; the file appears when it is whole.
    """
    from pipelines.predict import predict_texts

    with stoppable(goes_on=out is not None):
        predict_texts(texts or [], file, model, task, format.value, column, out, abstain_below)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask explain 'what a waste of two hours' --out explain.html")
def explain(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to look into.", show_default=False)] = None,
    model: ModelOrChampion = None,
    task: Annotated[list[str] | None, typer.Option(help="Show this task only. May be repeated.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option(help="Texts from a file: .txt (one a line), .csv or .jsonl (column `text`).", show_default=False)
    ] = None,
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Also show what an answer loses when a word is left out.")] = False,
    out: Annotated[Path | None, typer.Option(help="HTML file to write. Default: runs/reports/explain.html.", show_default=False)] = None,
) -> None:
    """Show what a model looks at: words coloured by the weight of its attention, per hop and per head, beside every task's answer.

    A network without attention is explained by leaving out one word at a time.
    """
    from pipelines.explain import explain_texts

    explain_texts(texts or [], file, model, task, leave_out, out)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask embed --file reviews.csv --out vectors.npy")
def embed(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to embed.", show_default=False)] = None,
    model: EncoderName = None,
    task: ReadAs = None,
    file: TextsFile = None,
    column: Column = "text",
    out: Annotated[
        Path | None, typer.Option(help="Write .npy (a row of numbers per text) or .jsonl. Default: print JSON lines.", show_default=False)
    ] = None,
) -> None:
    """Turn texts into vectors of length 1: what a model's heads read, or a pre-trained encoder before training."""
    from pipelines.embed import embed_texts

    embed_texts(texts or [], file, column, model, task, out)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask similarity 'love this phone' 'a fine phone' 'a dull film'")
def similarity(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Two texts or more.", show_default=False)],
    model: EncoderName = None,
    task: ReadAs = None,
) -> None:
    """Show how like texts are to a model: the cosine of every pair of their vectors, from -1 to 1."""
    from pipelines.embed import show_similarity

    show_similarity(texts, model, task)
