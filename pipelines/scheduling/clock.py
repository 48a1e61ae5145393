"""The process that keeps the clock: APScheduler over the table of schedules, each due run in a process of its own.

The rules are APScheduler's, said here once: of several times that were missed one is made up (`coalesce`), if it is no later than the
schedule's grace (`misfire_grace_time`); a time that comes while the run before is not over is skipped (`max_instances`).
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from filelock import FileLock, Timeout

from mtl_models.errors import PolytaskError
from mtl_models.home import home, home_folder
from mtl_models.progress import say
from pipelines.scheduling.store import Schedule, Store
from pipelines.scheduling.turns import command

__all__ = ["keep_clock"]

_LOOK = 2.0
"""Seconds between two looks at the table: schedules may be added and removed while the clock is kept."""
_WAITERS = 64
"""Threads, each of which does nothing but wait for a run; more schedules at a time wait for one of these."""
_POLL = 0.2


def keep_clock() -> None:
    """Start due runs until interrupted. A run in flight then goes on to its end, in its own process."""
    with _only_one():
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stopping.set())
        clock = _Clock(Store(), stopping)
        clock.start()
        while not stopping.wait(_LOOK):
            clock.read_table()
        clock.stop()
    say("the scheduler has stopped; a run in flight goes on by itself")


class _Clock:
    def __init__(self, store: Store, stopping: threading.Event) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._store = store
        self._stopping = stopping
        self._jobs: dict[str, Schedule] = {}
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(_WAITERS)}, job_defaults={"coalesce": True, "max_instances": 1}, timezone=UTC
        )
        self._scheduler.add_listener(self._note_missed, EVENT_JOB_MISSED)
        self._scheduler.add_listener(self._note_skipped, EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        self._scheduler.start(paused=True)
        self.read_table()
        self._scheduler.resume()
        say(f"{len(self._jobs)} schedules of {home()}; Ctrl-C ends this")

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def read_table(self) -> None:
        """Bring the jobs into line with the table."""
        found = {schedule.name: schedule for schedule in self._store.all()}
        for name in [name for name, known in self._jobs.items() if name not in found or found[name].added != known.added]:
            self._scheduler.remove_job(name)
            del self._jobs[name]
        for name, schedule in found.items():
            if name not in self._jobs:
                self._jobs[name] = schedule
                self._scheduler.add_job(
                    self._run,
                    schedule.times.trigger,
                    args=[schedule],
                    id=name,
                    next_run_time=schedule.due,
                    misfire_grace_time=max(1, int(schedule.grace_hours * 3600)),
                )
                say(f"{name}: {schedule.times.cron} in {schedule.times.zone}, next {schedule.due:%Y-%m-%d %H:%M:%S %Z}")

    def _run(self, schedule: Schedule) -> None:
        """Called by APScheduler when a time is due or made up; returns when its run is over, or when the clock stops."""
        name, due = schedule.name, self._last_due(schedule.name)
        if due is None:
            return
        if any(run.alive for run in self._store.runs(name)):  # of a scheduler that was killed
            self._skip(name, due)
            return
        say(f"{name}: begun, due {due:%Y-%m-%d %H:%M:%S %Z}")
        child = subprocess.Popen(  # noqa: S603 (ourselves)
            command(["schedule", "run", name, "--due", due.isoformat()]), stdin=subprocess.DEVNULL, start_new_session=True
        )
        while child.poll() is None:
            if self._stopping.wait(_POLL):
                return
        say(f"{name}: exit code {child.returncode}")

    def _last_due(self, name: str) -> datetime | None:
        """The latest of the times that are due and not dealt with."""
        schedule, now = self._store.find(name), datetime.now(UTC)
        due, later = None, schedule.due
        while later is not None and later <= now:
            due, later = later, schedule.times.after(later)
        return due

    def _note_missed(self, event: JobExecutionEvent) -> None:
        self._store.settle(event.job_id, event.scheduled_run_time, "missed")
        say(f"{event.job_id}: {event.scheduled_run_time:%Y-%m-%d %H:%M:%S %Z} was missed, too long ago to be made up")

    def _note_skipped(self, event: JobSubmissionEvent) -> None:
        for due in event.scheduled_run_times[-1:]:
            self._skip(event.job_id, due)

    def _skip(self, name: str, due: datetime) -> None:
        self._store.settle(name, due, "skipped")
        say(f"{name}: {due:%Y-%m-%d %H:%M:%S %Z} was skipped, the run before is not over")


@contextmanager
def _only_one() -> Iterator[None]:
    """Two schedulers of one home folder would start everything twice."""
    lock = FileLock(home_folder("cache", "locks") / "scheduler.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PolytaskError(f"a scheduler of {home()} is running already; `polytask schedule list` shows what it does") from None
    try:
        yield
    finally:
        lock.release()
