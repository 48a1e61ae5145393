"""Schedules for the system's own schedulers: units of systemd and lines of a crontab, to be looked at before they are used."""

from __future__ import annotations

import shlex

from mtl_models.errors import ConfigError
from mtl_models.home import home
from pipelines.scheduling.store import Schedule
from pipelines.scheduling.times import local_zone
from pipelines.scheduling.turns import command

__all__ = ["clock_unit", "crontab_line", "timer_units"]


def clock_unit() -> str:
    """A service that keeps the clock of this home folder. Stopping it lets a run in flight go on (`KillMode=process`)."""
    return "\n".join(
        [
            "# ~/.config/systemd/user/polytask.service; then: systemctl --user enable --now polytask.service",
            "[Unit]",
            f"Description=Schedules of Polytask in {home()}",
            "",
            "[Service]",
            f"Environment={_quoted(f'POLYTASK_HOME={home()}')}",
            f"ExecStart={_line(['schedule', 'run'])}",
            "Restart=always",
            "KillMode=process",
            "",
            "[Install]",
            "WantedBy=default.target",
        ]
    )


def timer_units(schedule: Schedule) -> str:
    """A service for one run, and the timer that starts it: systemd keeps the clock then, and makes up one missed run (`Persistent`)."""
    unit = f"polytask-{schedule.name}"
    return "\n".join(
        [
            f"# ~/.config/systemd/user/{unit}.service",
            "[Unit]",
            f"Description=Polytask: {shlex.join(schedule.words)}",
            "",
            "[Service]",
            "Type=oneshot",
            f"Environment={_quoted(f'POLYTASK_HOME={home()}')}",
            f"WorkingDirectory={_doubled(str(schedule.folder))}",
            f"ExecStart={_line(['schedule', 'run', schedule.name])}",
            "",
            f"# ~/.config/systemd/user/{unit}.timer; then: systemctl --user enable --now {unit}.timer",
            "[Unit]",
            f"Description=Polytask: {schedule.times.cron} in {schedule.times.zone}",
            "",
            "[Timer]",
            f"OnCalendar={schedule.times.calendar()}",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ]
    )


def crontab_line(schedule: Schedule) -> str:
    """A line, below the zone it is meant in: cronie heeds CRON_TZ, others read the times in the machine's zone."""
    if len(schedule.times.cron.split()) != 5:
        raise ConfigError(f"the schedule '{schedule.name}' ({schedule.times.cron}) has seconds, which no crontab knows")
    run = f"POLYTASK_HOME={shlex.quote(str(home()))} {shlex.join(command(['schedule', 'run', schedule.name]))}"
    zone = schedule.times.zone
    lines = [
        f"# {schedule.name}: times in {zone}. A cron without CRON_TZ (Debian's) reads them in the machine's zone, now {local_zone()}.",
        f"CRON_TZ={zone}",
        f"{schedule.times.cron} {run}".replace("%", "\\%"),
    ]
    return "\n".join(lines)


def _line(words: list[str]) -> str:
    return " ".join(_quoted(word) for word in command(words))


def _quoted(text: str) -> str:
    """A word of a unit: its percent signs and dollars are taken as they stand."""
    plain = _doubled(text).replace("$", "$$")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"' if any(mark in plain for mark in " \"'\\;") else plain


def _doubled(text: str) -> str:
    return text.replace("%", "%%")
