"""The command line. Heavy libraries are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mtl_models import __version__
from pipelines import faults

__all__ = ["app", "main"]

app = typer.Typer(
    name="polytask",
    help="Train one compact text model for many tasks, prove task by task that it pays, and keep the winner in production.",
    epilog="Start with: polytask check configs/quick.yaml, then: polytask run configs/quick.yaml",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
_TRAIN, _USE, _OPERATE, _KEEP = "Train and judge", "Ask a model", "In production", "Housekeeping"
schedule_app = typer.Typer(
    no_args_is_help=True, help="Run and retrain on a schedule, on this machine or by a cluster.", rich_markup_mode="markdown"
)
models_app = typer.Typer(no_args_is_help=True, help="Look at registered models and move the champion.", rich_markup_mode="markdown")
app.add_typer(schedule_app, name="schedule", rich_help_panel=_OPERATE)
app.add_typer(models_app, name="models", rich_help_panel=_OPERATE)
stack_app = typer.Typer(
    no_args_is_help=True, help="Say where experiments run: here, on Kubernetes, on Kubeflow.", rich_markup_mode="markdown"
)
app.add_typer(stack_app, name="stack", rich_help_panel=_OPERATE)

USER_FAULT, INTERRUPTED = 2, 130

Config = Annotated[Path, typer.Argument(help="Experiment file (YAML).", metavar="CONFIG", show_default=False)]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key, e.g. training.epochs=3. May be repeated.")
]
Stack = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Where to run: local, or a stack of `polytask stack register`. Default: here.", show_default=False),
]
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Name in the registry, e.g. polytask-demo.", show_default=False)]


class Format(StrEnum):
    """How predictions are printed."""

    table = "table"
    json = "json"
    csv = "csv"


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
    sys.exit(USER_FAULT)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"polytask {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


@app.command(rich_help_panel=_TRAIN, epilog="Example: polytask check configs/demo.yaml")
def check(config: Config, overrides: Overrides = None) -> None:
    """Find everything that can be wrong before anything runs, and print the plan.

    Reads and validates the corpora, builds the vocabularies, and shows per task the rows, updates, passes and share of updates.
    """
    from pipelines.check import check_experiment

    check_experiment(config, overrides or ())


@app.command(rich_help_panel=_TRAIN, epilog="Example: polytask run configs/demo.yaml --set training.epochs=5")
def run(
    config: Config,
    overrides: Overrides = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")] = False,
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

    try:
        run_experiment(config, overrides or (), cache=not no_cache, stack=stack, cron=cron)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command(rich_help_panel=_TRAIN, epilog="Example: polytask finetune configs/finetune.yaml --from models:/polytask-demo@champion")
def finetune(
    config: Config,
    source: Annotated[
        str,
        typer.Option("--from", metavar="MODEL", help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder.", show_default=False),
    ],
    overrides: Overrides = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")] = False,
) -> None:
    """Teach a trained model new tasks, and prove what that did to the old ones.

    CONFIG names the new tasks; `finetune.freeze` says what may move. The result is judged and registered as after `polytask run`.
    """
    from pipelines.finetune import finetune_model

    try:
        finetune_model(config, source, overrides or (), cache=not no_cache)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command(rich_help_panel=_OPERATE, epilog="Example: polytask retrain configs/demo.yaml --set retraining.max_age_days=30")
def retrain(
    config: Config,
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Train anew whatever the data say.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")] = False,
    stack: Stack = None,
) -> None:
    """Look at the corpora as they are now; where they drift from what the champion was trained on, train its successor and let them meet.

    Nothing new ends it early. `drift` holds the limits, `retraining` where training begins and what may not be lost.
    """
    from pipelines.retrain import retrain_model

    try:
        retrain_model(config, overrides or (), force, cache=not no_cache, stack=stack)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command(rich_help_panel=_USE, epilog="Example: polytask predict 'what a waste of two hours' 'love this phone'")
def predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to classify.", show_default=False)] = None,
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder. Default: the only champion.", show_default=False),
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Answer for this task only. May be repeated.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option(help="Texts from a file: .txt (one a line), .csv, .tsv, .jsonl or .parquet.", show_default=False)
    ] = None,
    column: Annotated[str, typer.Option(help="Column, or key, of the texts in the file.")] = "text",
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

    try:
        predict_texts(texts or [], file, model, task, format.value, column, out, abstain_below)
    except KeyboardInterrupt:
        typer.echo("stopped" if out is None else "stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


class OnDrift(StrEnum):
    """What drift does to a batch."""

    warn = "warn"
    refuse = "refuse"


@app.command(
    rich_help_panel=_OPERATE, epilog="Example: polytask batch reviews.csv --model models:/polytask-demo@champion --out answers.parquet"
)
def batch(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="File or URL: .txt (one a line), .csv, .tsv, .jsonl or .parquet.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Parquet file to write.", show_default=False)],
    model: Annotated[
        str | None, typer.Option(help="models:/NAME@ALIAS or models:/NAME/VERSION. Default: the only champion.", show_default=False)
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Answer for this task only. May be repeated.", show_default=False)] = None,
    column: Annotated[str, typer.Option(help="Column, or key, of the texts.")] = "text",
    on_drift: Annotated[OnDrift, typer.Option(help="What to do where the texts are unlike those of training.")] = OnDrift.warn,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a limit, e.g. drift.domain=0.9. May be repeated.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")] = False,
) -> None:
    """Answer a file with a registered model, in a tracked run: checked first, compared with what the model was trained on, traceable after.

    Every answer has a prediction id; `polytask trace` tells what it comes from.
    """
    from pipelines.batch import answer_file

    try:
        answer_file(source, column, model, task or (), out, overrides or (), on_drift is OnDrift.refuse, cache=not no_cache)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command(rich_help_panel=_OPERATE, epilog="Example: polytask trace 0123456789abcdef0123-17-movie")
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


@app.command(rich_help_panel=_TRAIN, epilog="Example: polytask study configs/studies/little-data.yaml --out results.md")
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


@app.command(rich_help_panel=_USE, epilog="Example: polytask explain 'what a waste of two hours' --out explain.html")
def explain(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to look into.", show_default=False)] = None,
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder. Default: the only champion.", show_default=False),
    ] = None,
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


@app.command(rich_help_panel=_USE, epilog="Example: polytask embed --file reviews.csv --out vectors.npy")
def embed(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts to embed.", show_default=False)] = None,
    model: EncoderName = None,
    task: ReadAs = None,
    file: Annotated[
        Path | None, typer.Option(help="Texts from a file: .txt (one a line), .csv, .tsv, .jsonl or .parquet.", show_default=False)
    ] = None,
    column: Annotated[str, typer.Option(help="Column, or key, of the texts in the file.")] = "text",
    out: Annotated[
        Path | None, typer.Option(help="Write .npy (a row of numbers per text) or .jsonl. Default: print JSON lines.", show_default=False)
    ] = None,
) -> None:
    """Turn texts into vectors of length 1: what a model's heads read, or a pre-trained encoder before training."""
    from pipelines.embed import embed_texts

    embed_texts(texts or [], file, column, model, task, out)


@app.command(rich_help_panel=_USE, epilog="Example: polytask similarity 'love this phone' 'a fine phone' 'a dull film'")
def similarity(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Two texts or more.", show_default=False)],
    model: EncoderName = None,
    task: ReadAs = None,
) -> None:
    """Show how like texts are to a model: the cosine of every pair of their vectors, from -1 to 1."""
    from pipelines.embed import show_similarity

    show_similarity(texts, model, task)


@app.command(rich_help_panel=_USE, epilog="Example: polytask serve --model models:/polytask-demo@champion --port 8000")
def serve(
    model: Annotated[
        str | None,
        typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder. Default: the only champion.", show_default=False),
    ] = None,
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


@app.command(rich_help_panel=_USE, epilog="Example: polytask export models:/polytask-demo@champion --to onnx --out exported")
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
    column: Annotated[str, typer.Option(help="Column, or key, of the texts in the file.")] = "text",
    tolerance: Annotated[float, typer.Option(min=0.0, help="Largest difference of a logit.")] = 1e-4,
) -> None:
    """Write a model as one ONNX graph with an output per task, beside its tokenizer.

    ONNX Runtime answers texts with it before the folder appears; where a logit differs from PyTorch's nothing is written.
    """
    from pipelines.export import export_model

    export_model(model, out, file, column, tolerance)


@app.command(rich_help_panel=_TRAIN, epilog="Example: polytask probe models:/hierarchical@champion --out probing.html")
def probe(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder.", show_default=False)
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="CONFIG", help="Experiment whose corpora give sentences. Default: the one kept with MODEL.", show_default=False
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="HTML page to write. Default: below runs/reports.", show_default=False)] = None,
    rows: Annotated[int, typer.Option(min=100, help="Rows of a probing task, at most.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Other numbers draw other rows.")] = 13,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew, whatever the cache holds.")] = False,
) -> None:
    """Ask what every level of a model encodes: ten small linguistic tasks, made by rule from held-out sentences, read by linear probes.

    Seven need parts of speech or chunks: columns `pos` and `chunk` of a corpus in CoNLL format.
    """
    from pipelines.probe import probe_model

    try:
        probe_model(model, config, out, rows, seed, cache=not no_cache)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from there", err=True)
        raise typer.Exit(INTERRUPTED) from None


@models_app.command("list", epilog="Example: polytask models list")
def models_list() -> None:
    """Every registered model with its versions and aliases."""
    from pipelines.models import list_models

    list_models()


@models_app.command("show", epilog="Example: polytask models show polytask-demo")
def models_show(
    name: ModelName, version: Annotated[str | None, typer.Option(help="Version or alias. Default: the champion.")] = None
) -> None:
    """One version: its tasks, measures, decision and lineage."""
    from pipelines.models import show_model

    show_model(name, version)


@models_app.command("rollback", epilog="Example: polytask models rollback polytask-demo")
def models_rollback(name: ModelName) -> None:
    """Make the previous champion the champion again."""
    from pipelines.models import rollback_model

    rollback_model(name)


@models_app.command("drop", epilog="Example: polytask models drop models:/polytask-demo@champion tweets --out smaller")
def models_drop(
    source: Annotated[
        str, typer.Argument(metavar="MODEL", help="models:/NAME@ALIAS, models:/NAME/VERSION or a model folder.", show_default=False)
    ],
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task to take out.", show_default=False)],
    out: Annotated[Path, typer.Option(help="New model folder.", show_default=False)],
) -> None:
    """Write a model folder without one task; the other tasks answer as before, to the bit."""
    from pipelines.models import drop_task

    drop_task(source, task, out)


@stack_app.command("register", epilog="Example: polytask stack register configs/stacks/kubernetes.yaml")
def stack_register(
    file: Annotated[Path, typer.Argument(help="Stack file (YAML).", metavar="FILE", show_default=False)],
) -> None:
    """Bring ZenML's stack into line with a file, and say what that changed; a second time it changes nothing.

    Secrets are taken from the environment variables that the file names.
    """
    from pipelines.stacks import register_stack

    register_stack(file)


@stack_app.command("list", epilog="Example: polytask stack list")
def stack_list() -> None:
    """Every stack of the ZenML store that is connected."""
    from pipelines.stacks import list_stacks

    list_stacks()


ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the schedule: small letters, digits and hyphens.", show_default=False)
]
AnySchedule = Annotated[str | None, typer.Argument(metavar="[NAME]", help="One schedule. Default: all.", show_default=False)]


@schedule_app.command("add", epilog="Example: polytask schedule add nightly --cron '30 2 * * mon-fri' -- retrain configs/demo.yaml")
def schedule_add(
    name: ScheduleName,
    words: Annotated[
        list[str],
        typer.Argument(metavar="-- COMMAND...", help="What to run, as behind `polytask`: run, retrain, check ...", show_default=False),
    ],
    cron: Annotated[str, typer.Option(help="When: minute hour day month weekday. Six fields begin with seconds.", show_default=False)],
    zone: Annotated[
        str | None,
        typer.Option(help="Time zone that CRON is in, e.g. Europe/Berlin. Default: this machine's; of a stack UTC.", show_default=False),
    ] = None,
    grace: Annotated[float, typer.Option(min=0.0, metavar="HOURS", help="A missed run is made up, once, if it is no later.")] = 12.0,
    stack: Annotated[
        str | None, typer.Option(metavar="NAME", help="Let this stack's own scheduler do it; for `run` only.", show_default=False)
    ] = None,
) -> None:
    """Schedule a command. On this machine `polytask schedule run` must be running, or a unit of systemd, or a crontab."""
    from pipelines.schedule import add_schedule, schedule_on_stack

    if stack is not None:
        schedule_on_stack(name, cron, zone, stack, words)
    else:
        add_schedule(name, cron, zone, grace, words)


@schedule_app.command("list", epilog="Example: polytask schedule list nightly")
def schedule_list(name: AnySchedule = None) -> None:
    """Every schedule of this machine with its next and its last run; of one, its latest runs with exit codes and logs."""
    from pipelines.schedule import list_schedules

    list_schedules(name)


@schedule_app.command("remove", epilog="Example: polytask schedule remove nightly")
def schedule_remove(name: ScheduleName) -> None:
    """Forget a schedule; a run in flight goes on, logs stay."""
    from pipelines.schedule import remove_schedule

    remove_schedule(name)


@schedule_app.command("run", epilog="Example: polytask schedule run")
def schedule_run(
    name: AnySchedule = None,
    due: Annotated[str | None, typer.Option(hidden=True, help="The time that the run is for.")] = None,
) -> None:
    """Keep the clock and start what is due, one run at a time, until Ctrl-C; with NAME, run that schedule once, now.

    Of several missed runs one is made up, if it is no later than the schedule's grace; a run that is due while the one before goes on is
    skipped.
    """
    from pipelines.schedule import run_schedules

    run_schedules(name, due)


@schedule_app.command("unit", epilog="Example: polytask schedule unit > ~/.config/systemd/user/polytask.service")
def schedule_unit(name: AnySchedule = None) -> None:
    """Print a unit of systemd that keeps the clock; with NAME, a service and a timer for that schedule alone."""
    from pipelines.schedule import print_unit

    print_unit(name)


@schedule_app.command("crontab", epilog="Example: polytask schedule crontab nightly")
def schedule_crontab(name: ScheduleName) -> None:
    """Print the line of a crontab that runs a schedule."""
    from pipelines.schedule import print_crontab

    print_crontab(name)


@app.command(rich_help_panel=_OPERATE, epilog="Example: polytask ui --port 5001")
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Start the MLflow pages on this machine (127.0.0.1 only) and print their address. Ctrl-C ends them."""
    from pipelines.environment import prepare

    prepare()
    from steps.tracking.server import serve_ui

    serve_ui(port)


@app.command(rich_help_panel=_OPERATE, epilog="Example: polytask dashboard --port 8238")
def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8237,
) -> None:
    """Start ZenML's pages on this machine (127.0.0.1 only): pipelines, runs as graphs, artifacts. Ctrl-C ends them."""
    from pipelines.dashboard import serve_dashboard

    serve_dashboard(port)


@app.command(rich_help_panel=_KEEP, epilog="Example: polytask schema --out configs/experiment.schema.json")
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


@app.command(rich_help_panel=_KEEP, epilog="Example: polytask clean --yes")
def clean(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Remove all local state: runs, registered models, downloads, caches."""
    from pipelines.clean import clean_home

    clean_home(ask=not yes)
