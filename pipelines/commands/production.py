"""Commands of a model in production: retraining, batches, pages."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Config, NoCache, OnlyTasks, Overrides, PagePort, Stack
from pipelines.commands.stopping import stoppable

__all__ = ["PANEL", "app"]

app = typer.Typer()

PANEL = "In production"


class OnDrift(StrEnum):
    """What drift does to a batch."""

    warn = "warn"
    refuse = "refuse"


@app.command(rich_help_panel=PANEL, epilog="Example: polytask retrain configs/demo.yaml --set retraining.max_age_days=30")
def retrain(
    config: Config,
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Train anew whatever the data say.")] = False,
    no_cache: NoCache = False,
    stack: Stack = None,
) -> None:
    """Look at the corpora as they are now; where they drift from what the champion was trained on, train its successor and let them meet.

    Nothing new ends it early. `drift` holds the limits, `retraining` where training begins and what may not be lost.
    """
    from pipelines.retrain import retrain_model

    with stoppable():
        retrain_model(config, overrides or (), force, cache=not no_cache, stack=stack)


@app.command(
    rich_help_panel=PANEL, epilog="Example: polytask batch reviews.csv --model models:/polytask-demo@champion --out answers.parquet"
)
def batch(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="File or URL: .txt (one a line), .csv, .tsv, .jsonl or .parquet.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Parquet file to write.", show_default=False)],
    model: Annotated[
        str | None, typer.Option(help="models:/NAME@ALIAS or models:/NAME/VERSION. Default: the only champion.", show_default=False)
    ] = None,
    task: OnlyTasks = None,
    column: Annotated[str, typer.Option(help="Column, or key, of the texts.")] = "text",
    on_drift: Annotated[OnDrift, typer.Option(help="What to do where the texts are unlike those of training.")] = OnDrift.warn,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a limit, e.g. drift.domain=0.9. May be repeated.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Answer a file with a registered model, in a tracked run: checked first, compared with what the model was trained on, traceable after.

    Every answer has a prediction id; `polytask trace` tells what it comes from.
    """
    from pipelines.batch import answer_file

    with stoppable():
        answer_file(source, column, model, task or (), out, overrides or (), on_drift is OnDrift.refuse, cache=not no_cache)


@app.command(rich_help_panel=PANEL, epilog="Example: polytask trace 0123456789abcdef0123-17-movie")
def trace(
    prediction: Annotated[
        str, typer.Argument(metavar="PREDICTION_ID", help="From the column prediction_id of an answers file.", show_default=False)
    ],
    file: Annotated[
        Path | None, typer.Option(help="The answers file, where the run's own copy is out of reach.", show_default=False)
    ] = None,
) -> None:
    """Tell where an answer of `polytask batch` comes from: input, batch, model, training runs, corpora, code."""
    from pipelines.trace import trace_prediction

    trace_prediction(prediction, file)


@app.command(rich_help_panel=PANEL, epilog="Example: polytask ui --port 5001")
def ui(
    port: PagePort = 5000,
) -> None:
    """Start the MLflow pages on this machine (127.0.0.1 only) and print their address. Ctrl-C ends them."""
    from pipelines.environment import prepare

    prepare()
    from steps.tracking.server import serve_ui

    serve_ui(port)


@app.command(rich_help_panel=PANEL, epilog="Example: polytask dashboard --port 8238")
def dashboard(
    port: PagePort = 8237,
) -> None:
    """Start ZenML's pages on this machine (127.0.0.1 only): pipelines, runs as graphs, artifacts. Ctrl-C ends them."""
    from pipelines.dashboard import serve_dashboard

    serve_dashboard(port)
