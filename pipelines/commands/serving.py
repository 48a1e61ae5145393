"""Commands that give a model to other programs: over HTTP, as an ONNX graph."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Column, ModelOrChampion

__all__ = ["app"]

app = typer.Typer()

_PANEL = "Ask a model"


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask serve --model models:/polytask-demo@champion --port 8000")
def serve(
    model: ModelOrChampion = None,
    compare: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A second model, to look at side by side.", show_default=False)
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine's own want a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that every request must bring. Default: POLYTASK_TOKEN.", show_default=False)
    ] = None,
    without_token: Annotated[
        bool, typer.Option("--without-token", help="Listen beyond this machine without a token: something in front keeps strangers out.")
    ] = False,
    examples: Annotated[
        Path | None, typer.Option(help="Texts to click on the page: .txt (one a line), .csv or .jsonl.", show_default=False)
    ] = None,
    poll: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the registry for a moved alias.")] = 5.0,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Write the texts of requests to the log.")] = False,
    max_texts: Annotated[int, typer.Option(min=1, help="Texts of a request.")] = 256,
    max_characters: Annotated[int, typer.Option(min=1, help="Characters of a text.")] = 20_000,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes of a request.")] = 1_000_000,
    max_waiting: Annotated[int, typer.Option(min=1, help="Texts that may wait for the model.")] = 4096,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a request may take.")] = 30.0,
    batch: Annotated[int, typer.Option(min=1, help="Texts that go through the encoder at once; 1 answers every request alone.")] = 64,
    batch_wait: Annotated[float, typer.Option(min=0, help="Milliseconds that a text waits for others to share its pass.")] = 4.0,
) -> None:
    """Serve a model over HTTP, with a page to try it: answers, explanations, measures, and new champions without a dropped request.

    Listens on this machine only unless told otherwise. The log is JSON, a line per request, without texts.
    """
    from mtl_models.serving.limits import Limits
    from pipelines.serve import serve_models

    limits = Limits(max_bytes, max_texts, max_characters, timeout, max_waiting, batch=batch, batch_wait=batch_wait / 1000)
    serve_models(model, compare, host, port, token_file, without_token, examples, poll, log_texts, limits)


class Target(StrEnum):
    """What a model can be exported to."""

    onnx = "onnx"


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask export models:/polytask-demo@champion --to onnx --out exported")
def export(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder. Default: the only champion.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[Target, typer.Option(help="Form to export to.")] = Target.onnx,  # noqa: ARG001  # the one there is, said out loud
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("exported"),
    file: Annotated[Path | None, typer.Option(help="Also check on the texts of this file (up to 1,000).", show_default=False)] = None,
    column: Column = "text",
    tolerance: Annotated[float, typer.Option(min=0.0, help="Largest difference of a logit.")] = 1e-4,
) -> None:
    """Write a model as one ONNX graph with an output per task, beside its tokenizer.

    ONNX Runtime answers texts with it before the folder appears; where a logit differs from PyTorch's nothing is written.
    """
    from pipelines.export import export_model

    export_model(model, out, file, column, tolerance)
