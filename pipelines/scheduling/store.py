"""Schedules and their runs as plain columns of one SQLite file in the home folder.

APScheduler's own job store keeps pickles, which nothing here does; and a pickle names code that may have moved when it is read. So the
table is ours, and its jobs are made anew from it at every start.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from mtl_models.errors import ConfigError
from mtl_models.home import home
from pipelines.scheduling.times import Times

__all__ = ["Run", "Schedule", "Store", "process_of"]

_TABLES = """
CREATE TABLE IF NOT EXISTS schedule (
    name TEXT PRIMARY KEY, cron TEXT NOT NULL, zone TEXT NOT NULL, words TEXT NOT NULL, folder TEXT NOT NULL, grace_hours REAL NOT NULL,
    added TEXT NOT NULL, settled TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS run (
    number INTEGER PRIMARY KEY, schedule TEXT NOT NULL, due TEXT NOT NULL, state TEXT NOT NULL, began TEXT, ended TEXT, code INTEGER,
    pid INTEGER, process TEXT, log TEXT, UNIQUE (schedule, due)
);
"""
_WAIT = 30.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True)
class Schedule:
    """What to run and when. Times are aware; `words` are those behind `polytask`, to be run in `folder`."""

    name: str
    times: Times
    words: tuple[str, ...]
    folder: Path
    grace_hours: float
    """A run that was missed is made up if it is no later than this."""
    added: datetime
    settled: datetime
    """Every time up to here has been dealt with: it ran, was made up, or was missed for good."""

    @property
    def due(self) -> datetime | None:
        """The first time that has not been dealt with."""
        return self.times.after(self.settled)


@dataclass(frozen=True)
class Run:
    """One due time and what became of it: `waiting`, `running`, `ended` with `code`, `missed` or `skipped`."""

    number: int
    schedule: str
    due: datetime
    state: str
    began: datetime | None
    ended: datetime | None
    code: int | None
    pid: int | None
    process: str | None
    """When the process began, as the system has it: numbers of processes are used again."""
    log: Path | None

    @property
    def alive(self) -> bool:
        """Whether its process is there: one that waits or runs without it was killed."""
        if self.state not in ("waiting", "running") or self.pid is None:
            return False
        return process_of(self.pid) == self.process


class Store:
    """The file, opened for each question: commands, the scheduler and its runs are processes of their own."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home() / "schedules.db"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.executescript(_TABLES)

    def add(self, schedule: Schedule) -> None:
        """Keep a new one; `ConfigError` where the name is taken."""
        values = (
            schedule.name,
            schedule.times.cron,
            schedule.times.zone,
            json.dumps(schedule.words, ensure_ascii=False),
            str(schedule.folder),
            schedule.grace_hours,
            schedule.added.isoformat(),
            schedule.settled.isoformat(),
        )
        try:
            with self._open() as connection:
                connection.execute("INSERT INTO schedule VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError:
            raise ConfigError(
                f"there is a schedule '{schedule.name}' already; take another name, or first `polytask schedule remove {schedule.name}`"
            ) from None

    def remove(self, name: str) -> None:
        """Forget a schedule and the account of its runs."""
        self.find(name)
        with self._open() as connection:
            connection.execute("DELETE FROM schedule WHERE name = ?", (name,))
            connection.execute("DELETE FROM run WHERE schedule = ?", (name,))

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        with self._open() as connection:
            return [_schedule(row) for row in connection.execute("SELECT * FROM schedule ORDER BY name")]

    def find(self, name: str) -> Schedule:
        """The one of that name; `ConfigError` names those there are."""
        found = {schedule.name: schedule for schedule in self.all()}
        if name not in found:
            known = ", ".join(found) or "none yet; `polytask schedule add` makes one"
            raise ConfigError(f"no schedule '{name}' in {self.path}; there are: {known}")
        return found[name]

    def settle(self, name: str, due: datetime, state: str, pid: int | None = None, process: str | None = None) -> int | None:
        """Deal with a due time once: the number of its new run, in that state. None where somebody else has dealt with it."""
        moment = due.astimezone(UTC).isoformat()
        with self._open() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO run (schedule, due, state, pid, process) VALUES (?, ?, ?, ?, ?)",
                (name, moment, state, pid, process),
            )
            connection.execute("UPDATE schedule SET settled = max(settled, ?) WHERE name = ?", (moment, name))
            return made.lastrowid if made.rowcount else None

    def begin(self, number: int, began: datetime, log: Path) -> None:
        """A run has begun."""
        with self._open() as connection:
            connection.execute(
                "UPDATE run SET state = 'running', began = ?, log = ? WHERE number = ?", (began.isoformat(), str(log), number)
            )

    def end(self, number: int, ended: datetime, code: int) -> None:
        """A run has ended."""
        with self._open() as connection:
            connection.execute("UPDATE run SET state = 'ended', ended = ?, code = ? WHERE number = ?", (ended.isoformat(), code, number))

    def runs(self, name: str, most: int = 20) -> list[Run]:
        """The latest runs of a schedule, the newest first."""
        with self._open() as connection:
            rows: Sequence[sqlite3.Row] = connection.execute(
                "SELECT * FROM run WHERE schedule = ? ORDER BY due DESC LIMIT ?", (name, most)
            ).fetchall()
        return [_run(row) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with closing(sqlite3.connect(self.path, timeout=_WAIT)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection


def process_of(pid: int) -> str | None:
    """What tells a process from others that have had its number: when it began. None where there is none."""
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def _schedule(row: sqlite3.Row) -> Schedule:
    return Schedule(
        name=row["name"],
        times=Times(row["cron"], row["zone"]),
        words=tuple(json.loads(row["words"])),
        folder=Path(row["folder"]),
        grace_hours=row["grace_hours"],
        added=datetime.fromisoformat(row["added"]),
        settled=datetime.fromisoformat(row["settled"]),
    )


def _run(row: sqlite3.Row) -> Run:
    began, ended = (datetime.fromisoformat(row[name]) if row[name] else None for name in ("began", "ended"))
    return Run(
        number=row["number"],
        schedule=row["schedule"],
        due=datetime.fromisoformat(row["due"]),
        state=row["state"],
        began=began,
        ended=ended,
        code=row["code"],
        pid=row["pid"],
        process=row["process"],
        log=Path(row["log"]) if row["log"] else None,
    )
