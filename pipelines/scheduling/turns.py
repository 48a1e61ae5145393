"""One run of a schedule, in a process that outlives the one that keeps the clock: it waits for its turn and keeps the account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from filelock import FileLock

from mtl_models.home import home, home_folder
from mtl_models.progress import say
from pipelines.scheduling.store import Schedule, Store, process_of

__all__ = ["command", "run_once"]

_LOOK = 0.5
"""Seconds between two looks at whether it is our turn."""


def command(words: Sequence[str]) -> list[str]:
    """`polytask WORDS` by this interpreter; -P keeps packages that lie in the working folder out of its way."""
    return [sys.executable, "-P", "-m", "pipelines", *words]


def run_once(name: str, due: datetime | None) -> int:
    """Run what the schedule says, one run at a time in a home folder; its exit code. `due` None is a run by hand, due now.

    A due time that another process has dealt with is not run again, which is no error.
    """
    store = Store()
    schedule = store.find(name)
    by_clock = due is not None
    due = (due or datetime.now(UTC)).astimezone(UTC)
    number = store.settle(name, due, "waiting", os.getpid(), process_of(os.getpid()))
    if number is None:
        say(f"{name}: {due:%Y-%m-%d %H:%M:%S} UTC has been dealt with already")
        return 0
    log = home_folder("logs", "schedules", name) / f"{due:%Y-%m-%dT%H-%M-%S}Z.log"
    with FileLock(home_folder("cache", "locks") / "scheduled-run.lock", poll_interval=_LOOK):
        began = datetime.now(UTC)
        store.begin(number, began, log)
        code = _run(schedule, log)
        ended = datetime.now(UTC)
        store.end(number, ended, code)
    if not by_clock:
        say(f"{name}: exit code {code} after {(ended - began).total_seconds():.0f} s, log {log}")
    return code


def _run(schedule: Schedule, log: Path) -> int:
    with log.open("ab") as file:
        file.write(f"$ polytask {' '.join(schedule.words)}\n".encode())
        file.flush()
        try:
            child = subprocess.Popen(  # noqa: S603 (what the user scheduled)
                command(schedule.words),
                cwd=schedule.folder,
                env=os.environ | {"POLYTASK_HOME": str(home())},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        except FileNotFoundError:
            file.write(f"the folder {schedule.folder} is gone\n".encode())
            return os.EX_NOINPUT
        with _passing_on(child):
            return child.wait()


@contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whoever tells this process to end means the run: it is interrupted, so that it can be gone on with, and its end is written down."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        child.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
