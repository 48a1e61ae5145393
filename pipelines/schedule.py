"""`polytask schedule`: what is run when, on this machine or by a cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.config import load_experiment
from mtl_models.errors import ConfigError
from mtl_models.home import home_folder
from pipelines.environment import prepare
from pipelines.placing import use_stack
from pipelines.scheduling.clock import keep_clock
from pipelines.scheduling.store import Run, Schedule, Store
from pipelines.scheduling.times import Times, local_zone
from pipelines.scheduling.turns import run_once
from pipelines.scheduling.units import clock_unit, crontab_line, timer_units
from pipelines.zenml_store import lay_out_store

__all__ = [
    "add_schedule",
    "list_schedules",
    "print_crontab",
    "print_unit",
    "remove_schedule",
    "run_schedules",
    "schedule_on_stack",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_WITH_EXPERIMENT = ("run", "retrain", "check", "finetune")
_COMMANDS = (*_WITH_EXPERIMENT, "batch", "study")


def add_schedule(name: str, cron: str, zone: str | None, grace_hours: float, words: Sequence[str]) -> None:
    """Keep a schedule of this machine; `words` are those behind `polytask`, run in the present folder. Says when it is due next."""
    _check_name(name)
    times = Times(cron, zone or local_zone())
    _check_words(words)
    now = datetime.now(UTC)
    Store().add(Schedule(name, times, tuple(words), Path.cwd(), grace_hours, now, now))
    typer.secho(f"{name}: polytask {' '.join(words)}", bold=True)
    typer.echo(f"  due         {cron} in {times.zone}; next {_shown(times.after(now))}")
    typer.echo(f"  missed      one run is made up within {grace_hours:g} hours, never several")
    typer.echo("  scheduler   polytask schedule run, or see: polytask schedule unit")


def schedule_on_stack(name: str, cron: str, zone: str | None, stack: str, words: Sequence[str]) -> None:
    """Let a cluster's own scheduler do it: cron in UTC, so times of another zone are turned into those, where that can be done."""
    _check_name(name)
    times = Times(cron, zone or "UTC")
    in_utc = times.in_utc()
    if not words or words[0] != "run":
        raise ConfigError(
            f"--stack {stack}: a cluster's schedule runs one graph from end to end, so it can `run`: train, and let the gate decide; "
            f"`{' '.join(words[:1]) or 'nothing'}` decides half-way. Schedule it on a machine that is on: leave --stack out"
        )
    config, overrides = _parsed(words)
    assert config is not None
    experiment = load_experiment(config, overrides)
    prepare()
    from pipelines.fingerprints import pinned, source_fingerprints

    experiment = pinned(experiment)
    fingerprints = source_fingerprints(experiment)
    lay_out_store()
    use_stack(stack)
    from pipelines.carrying import carried
    from pipelines.cron import schedule
    from pipelines.training import training

    schedule(training, name, in_utc, carried(experiment), fingerprints)
    if times.zone != "UTC":
        typer.echo(f"  zone        {cron} in {times.zone} is {in_utc} in UTC, all year")


def list_schedules(name: str | None) -> None:
    """A row per schedule with its next due time and its last run; of one schedule, a row per run."""
    store = Store()
    if name is not None:
        _list_runs(store, store.find(name))
        return
    table = Table("name", "due", "runs", "next", "last", "ended as", header_style="bold")
    table.add_column("log", overflow="fold")
    for schedule in store.all():
        last = next(iter(store.runs(schedule.name, 1)), None)
        told = [_shown(last.due.astimezone(schedule.times.trigger.timezone)), _became(last), str(last.log or "-")] if last else ["-"] * 3
        due = schedule.times.after(datetime.now(UTC))
        table.add_row(schedule.name, f"{schedule.times.cron} ({schedule.times.zone})", " ".join(schedule.words), _shown(due), *told)
    if not table.row_count:
        typer.echo(
            'nothing is scheduled here; for instance: polytask schedule add nightly --cron "30 2 * * *" -- retrain configs/demo.yaml'
        )
        return
    _print(table)


def remove_schedule(name: str) -> None:
    """Forget it. A run in flight goes on; logs stay."""
    store = Store()
    flying = [run for run in store.runs(name) if run.alive]
    store.remove(name)
    logs = home_folder("logs", "schedules", name)
    typer.echo(f"removed: {name}; its logs stay in {logs}")
    for run in flying:
        typer.secho(f"its run due {_shown(run.due)} goes on (process {run.pid}); `kill {run.pid}` interrupts it", fg="yellow")


def run_schedules(name: str | None, due: str | None) -> None:
    """Keep the clock until interrupted; or run one schedule once, now or for the time it is `due`, and exit as it does."""
    if name is None:
        keep_clock()
        return
    code = run_once(name, datetime.fromisoformat(due) if due else None)
    if code:
        raise typer.Exit(code if code > 0 else 128 - code)


def print_unit(name: str | None) -> None:
    """Of a schedule, a service and a timer; else the service that keeps the clock for all of them."""
    typer.echo(clock_unit() if name is None else timer_units(Store().find(name)))


def print_crontab(name: str) -> None:
    """The line of a schedule."""
    typer.echo(crontab_line(Store().find(name)))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name for a schedule; give small letters, digits and hyphens, 40 at most")


def _check_words(words: Sequence[str]) -> None:
    """Faults that can be found now must not wait for the night."""
    if not words or words[0] not in _COMMANDS:
        raise ConfigError(f"'{' '.join(words)}' cannot be scheduled; behind -- stands one of {', '.join(_COMMANDS)} with its arguments")
    config, overrides = _parsed(words)
    if words[0] in _WITH_EXPERIMENT and config is not None:
        load_experiment(config, overrides)


def _parsed(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """CONFIG and the values of --set, as the command itself would take them; it refuses options that it does not know."""
    from pipelines.cli import app

    whole: Any = typer.main.get_command(app)
    given = whole.commands[words[0]].make_context(words[0], [*words[1:]]).params
    return given.get("config"), [*(given.get("overrides") or ())]


def _list_runs(store: Store, schedule: Schedule) -> None:
    table = Table("due", "began", "took", "ended as", header_style="bold")
    table.add_column("log", overflow="fold")
    zone = schedule.times.trigger.timezone
    for run in store.runs(schedule.name):
        took = f"{(run.ended - run.began).total_seconds():.0f} s" if run.began and run.ended else "-"
        began = _shown(run.began.astimezone(zone)) if run.began else "-"
        table.add_row(_shown(run.due.astimezone(zone)), began, took, _became(run), str(run.log or "-"))
    _print(table)


def _became(run: Run) -> str:
    if run.state == "ended":
        return f"exit code {run.code}"
    return run.state if run.alive or run.state in ("missed", "skipped") else "killed"


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if moment else "never"


def _print(table: Table) -> None:
    Console(width=max(Console().width, 160)).print(table)
