"""A pipeline on a schedule of the cluster: five-field cron in UTC, one run at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mtl_models.errors import ConfigError

if TYPE_CHECKING:
    from zenml.pipelines.pipeline_definition import Pipeline

__all__ = ["checked_cron", "schedule"]

_LONGEST = 43
"""Characters of a pipeline's name that fit into the name of a CronJob, which has 52."""


def schedule(pipeline: Pipeline, name: str, cron: str, *arguments: object) -> None:
    """Let the active stack run `pipeline` on `arguments` whenever `cron` says. `ConfigError` where it has no scheduler of its own.

    Whatever the experiment reads by URL is read anew in every run; what was carried there from this machine stays as it was now.
    """
    from zenml.client import Client
    from zenml.config import Schedule
    from zenml.enums import ExecutionMode

    from pipelines.placing import place

    checked_cron(cron)
    placed = place(pipeline, arguments, read_anew=True)
    if not placed.in_pods:
        raise ConfigError(
            "--cron: the stack has no scheduler of its own; name one that has with --stack (configs/stacks/kubernetes.yaml), "
            "or schedule on this machine with `polytask schedule add`"
        )
    if len(pipeline.name) > _LONGEST:
        raise ConfigError(f"the pipeline's name '{pipeline.name}' is longer than {_LONGEST} characters, too long for a CronJob")
    there = Client().list_schedules(name=name).items
    if there:
        raise ConfigError(
            f"--cron: there is a schedule '{name}' already ({there[0].cron_expression}); it keeps the code and the image of its day. "
            f"Let its runs end, remove it with `zenml pipeline schedule delete {name}`, then give this command again"
        )
    configured = pipeline.with_options(
        run_name=f"{name}-{{date}}-{{time}}",
        schedule=Schedule(name=name, cron_expression=cron),
        execution_mode=ExecutionMode.FAIL_FAST,
        **placed.options,
    )
    configured(*arguments)
    typer.secho(f"scheduled '{name}': {cron}, read in UTC; one run at a time", fg="green")
    typer.echo(f"  list        zenml pipeline schedule list\n  remove      zenml pipeline schedule delete {name}")


def checked_cron(cron: str) -> str:
    """`cron` if it has the five fields of cron; `ConfigError` else."""
    from apscheduler.triggers.cron import CronTrigger

    try:
        CronTrigger.from_crontab(cron, timezone="UTC")
    except ValueError as error:
        raise ConfigError(f"--cron '{cron}': {error}; five fields are minute hour day month weekday, for instance '0 3 * * 1'") from None
    return cron
