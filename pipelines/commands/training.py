"""Commands that train and judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Config, ModelSource, NoCache, Overrides, Stack
from pipelines.commands.stopping import stoppable

__all__ = ["app"]

app = typer.Typer()

_PANEL = "Train and judge"


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask check configs/demo.yaml")
def check(config: Config, overrides: Overrides = None) -> None:
    """Find everything that can be wrong before anything runs, and print the plan.

    Reads and validates the corpora, builds the vocabularies, and shows per task the rows, updates, passes and share of updates.
    """
    from pipelines.check import check_experiment

    check_experiment(config, overrides or ())


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask run configs/demo.yaml --set training.epochs=5")
def run(
    config: Config,
    overrides: Overrides = None,
    no_cache: NoCache = False,
    stack: Stack = None,
    cron: Annotated[
        str | None,
        typer.Option(metavar="CRON", help="Put it on a schedule of the stack: five fields, in UTC, e.g. '0 3 * * 1'.", show_default=False),
    ] = None,
) -> None:
    """Run an experiment: ingest, validate, train jointly and apart, compare, register, report.

    Steps whose code, settings and inputs are as before are taken from the cache. A run that was stopped goes on where it was.
    """
    from pipelines.run import run_experiment

    with stoppable():
        run_experiment(config, overrides or (), cache=not no_cache, stack=stack, cron=cron)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask finetune configs/finetune.yaml --from models:/polytask-demo@champion")
def finetune(
    config: Config,
    source: Annotated[
        str,
        typer.Option("--from", metavar="MODEL", help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder.", show_default=False),
    ],
    overrides: Overrides = None,
    no_cache: NoCache = False,
) -> None:
    """Teach a trained model new tasks, and prove what that did to the old ones.

    CONFIG names the new tasks; `finetune.freeze` says what may move. The result is judged and registered as after `polytask run`.
    """
    from pipelines.finetune import finetune_model

    with stoppable():
        finetune_model(config, source, overrides or (), cache=not no_cache)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask study configs/studies/little-data.yaml --out results.md")
def study(
    file: Annotated[Path, typer.Argument(help="Study file (YAML).", metavar="STUDY", show_default=False)],
    only: Annotated[list[str] | None, typer.Option(help="Only this variant. May be repeated.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Markdown file for the tables; curves go beside it.", show_default=False)] = None,
) -> None:
    """Train an experiment in several variants and with several seeds, and print what came of it, with intervals.

    Every trained model's answers are kept: a study that was stopped goes on where it was, and two terminals may share the variants.
    """
    from pipelines.study import run_study

    run_study(file, only or (), out)


@app.command(rich_help_panel=_PANEL, epilog="Example: polytask probe models:/polytask-hierarchical@champion --out probing.html")
def probe(
    model: ModelSource,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="CONFIG", help="Experiment whose corpora give sentences. Default: the one kept with MODEL.", show_default=False
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="HTML page to write. Default: below runs/reports.", show_default=False)] = None,
    rows: Annotated[int, typer.Option(min=100, help="Rows of a probing task, at most.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Other numbers draw other rows.")] = 13,
    no_cache: NoCache = False,
) -> None:
    """Ask what every level of a model encodes: ten small linguistic tasks, made by rule from held-out sentences, read by linear probes.

    Seven need parts of speech or chunks: columns `pos` and `chunk` of a corpus in CoNLL format.
    """
    from pipelines.probe import probe_model

    with stoppable():
        probe_model(model, config, out, rows, seed, cache=not no_cache)
