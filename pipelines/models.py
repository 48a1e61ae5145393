"""`polytask models`: what is registered, what serves, and the way back."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from mtl_models.errors import ConfigError, TrackingError
from pipelines.environment import prepare
from pipelines.predict import model_folder

__all__ = ["drop_task", "list_models", "rollback_model", "show_model"]


def list_models() -> None:
    """A row per version of every registered model, the newest first."""
    prepare()
    from steps.tracking import versions

    table = Table("model", "version", "aliases", "registered (UTC)", "run", header_style="bold")
    for name in versions.list_models():
        for version in versions.list_versions(name):
            created = version.created.strftime("%Y-%m-%d %H:%M")
            table.add_row(name, str(version.number), ", ".join(version.aliases) or "-", created, version.run_id or "-")
    if not table.row_count:
        typer.echo("no model is registered yet; run an experiment: polytask run configs/quick.yaml")
        return
    Console(width=max(Console().width, 100)).print(table)


def show_model(name: str, version: str | None) -> None:
    """Tasks, measures, decision and lineage of one version."""
    prepare()
    from mtl_models.evaluation.comparison import JOINT, Comparison
    from mtl_models.networks.folder import load_model
    from mtl_models.reports.numbers import interval, score, signed
    from steps.tracking import registry, versions
    from steps.tracking.records import COMPARISON, REGISTRATION, read_record
    from steps.tracking.registration import Registration

    wanted = version or (versions.CHAMPION if versions.champion(name) else None)
    if wanted is None:
        newest = versions.list_versions(name)
        wanted = str(newest[0].number) if newest else versions.CHAMPION
    found = versions.resolve(f"models:/{name}/{wanted}" if wanted.isdigit() else f"models:/{name}@{wanted}")
    typer.secho(f"{name} version {found.number} ({', '.join(found.aliases) or 'no alias'})", bold=True)
    model = load_model(registry.download(found.uri))
    table = Table("task", "classes", "test", "interval", "joint - twin", "interval", header_style="bold")
    comparison = read_record(found.run_id, COMPARISON, Comparison) if found.run_id else None
    for task in model.tasks:
        cells = [task.name, ", ".join(task.labels)]
        compared = comparison.tasks.get(task.name) if comparison else None
        if compared:
            reached, gain = compared.scores[JOINT], compared.transfer
            cells += [score(reached.value), interval(reached)]
            cells += [signed(gain.value), interval(gain)] if gain else []
        table.add_row(*cells)
    if comparison:
        table.title = f"{comparison.metric} on the test splits"
    Console(width=max(Console().width, 100)).print(table)
    registration = read_record(found.run_id, REGISTRATION, Registration) if found.run_id else None
    if registration:
        typer.echo(registration.decision.prose())
    typer.echo(f"run: {found.run_id}   fingerprint: {found.fingerprint}")
    for key, value in sorted(found.tags.items()):
        if key not in ("model_fingerprint", "run_id"):
            typer.echo(f"{key}: {value}")


def rollback_model(name: str) -> None:
    """The previous champion serves again."""
    prepare()
    from steps.tracking import aliases, versions

    if name not in versions.list_models():
        known = ", ".join(versions.list_models()) or "none yet"
        raise TrackingError(f"no model '{name}'; the registered models: {known}")
    version = aliases.rollback(name)
    typer.secho(f"{name}: version {version.number} is champion again", fg="green")


def drop_task(source: str, task: str, out: Path) -> None:
    """A model folder without `task`; refuses a folder that exists, and proves that the other tasks answer as before."""
    if out.exists():
        raise ConfigError(f"{out} exists already; give a folder that does not")
    prepare()
    from mtl_models.networks.folder import load_model, save_model
    from mtl_models.networks.surgery import same_answers, without_task

    model = load_model(model_folder(source))
    smaller = without_task(model, task)
    kept = [other.name for other in smaller.tasks]
    same_answers(model, smaller, kept)
    save_model(smaller, out)
    typer.secho(f"written: {out}, with {', '.join(kept)}; their answers are as before, to the bit", fg="green")
