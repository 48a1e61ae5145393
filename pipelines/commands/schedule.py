"""`polytask schedule`: when things run."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Run and retrain on a schedule, on this machine or by a cluster.", rich_markup_mode="markdown")

ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the schedule: small letters, digits and hyphens.", show_default=False)
]
AnySchedule = Annotated[str | None, typer.Argument(metavar="[NAME]", help="One schedule. Default: all.", show_default=False)]


@app.command("add", epilog="Example: polytask schedule add nightly --cron '30 2 * * mon-fri' -- retrain configs/demo.yaml")
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


@app.command("list", epilog="Example: polytask schedule list nightly")
def schedule_list(name: AnySchedule = None) -> None:
    """Every schedule of this machine with its next and its last run; of one, its latest runs with exit codes and logs."""
    from pipelines.schedule import list_schedules

    list_schedules(name)


@app.command("remove", epilog="Example: polytask schedule remove nightly")
def schedule_remove(name: ScheduleName) -> None:
    """Forget a schedule; a run in flight goes on, logs stay."""
    from pipelines.schedule import remove_schedule

    remove_schedule(name)


@app.command("run", epilog="Example: polytask schedule run")
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


@app.command("unit", epilog="Example: polytask schedule unit > ~/.config/systemd/user/polytask.service")
def schedule_unit(name: AnySchedule = None) -> None:
    """Print a unit of systemd that keeps the clock; with NAME, a service and a timer for that schedule alone."""
    from pipelines.schedule import print_unit

    print_unit(name)


@app.command("crontab", epilog="Example: polytask schedule crontab nightly")
def schedule_crontab(name: ScheduleName) -> None:
    """Print the line of a crontab that runs a schedule."""
    from pipelines.schedule import print_crontab

    print_crontab(name)
