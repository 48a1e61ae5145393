"""What a user loses if these fail: the nightly run that did not happen, that happened twice, or whose failure nobody was told of.

Real processes: a scheduler, killed where the test says so, and the runs that it starts. What they run is short: `check` of a file that was
taken away, which ends with exit code 2.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtl_models.errors import ConfigError, PolytaskError
from pipelines import schedule
from pipelines.cli import app
from pipelines.scheduling import clock
from pipelines.scheduling.store import Schedule, Store
from pipelines.scheduling.times import Times
from pipelines.scheduling.units import clock_unit, crontab_line, timer_units

NOW = datetime.now(UTC)
MANY = 10_000
FAST = "*/2 * * * * *"


def scheduled(folder: Path, cron: str = FAST, grace: float = 12.0, settled: datetime = NOW, name: str = "often") -> Schedule:
    return Schedule(name, Times(cron, "UTC"), ("check", "gone.yaml"), folder, grace, settled, settled)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYTASK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """A scheduler of the home folder; all are ended after the test."""
    started: list[subprocess.Popen[str]] = []

    def scheduler() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen([sys.executable, "-m", "pipelines", "schedule", "run"], env=os.environ, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield scheduler
    for process in started:
        process.kill()
        process.communicate()


def wait_for(what: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def ended(store: Store, name: str = "often") -> list[str]:
    return [f"{run.state} {run.code}" for run in store.runs(name, MANY) if run.state == "ended"]


def test_it_fires_twice_and_after_a_kill_goes_on_with_one_run_for_all_that_were_missed(home: Path, tmp_path: Path, start) -> None:
    store = Store()
    store.add(scheduled(tmp_path))
    first = start()
    wait_for(lambda: len(ended(store)) >= 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(run.alive for run in store.runs("often")))
    dealt_with = store.find("often").settled
    before = {run.number for run in store.runs("often", MANY)}
    time.sleep(5)
    start()
    wait_for(lambda: store.find("often").settled > dealt_with)
    made_up = min((run for run in store.runs("often", MANY) if run.number not in before), key=lambda run: run.number)
    assert made_up.due - dealt_with >= timedelta(seconds=4), "of the times that were missed the last is made up, not each"
    wait_for(lambda: any(run.state == "ended" and run.number not in before for run in store.runs("often", MANY)))
    assert set(ended(store)) == {"ended 2"}
    log = next(run.log for run in store.runs("often", MANY) if run.state == "ended")
    assert log is not None
    assert "gone.yaml: no such file" in log.read_text()


def test_a_run_missed_long_ago_is_noted_and_not_made_up(home: Path, tmp_path: Path, start) -> None:
    store = Store()
    store.add(scheduled(tmp_path, cron="0 0 * * *", grace=0.0, settled=NOW - timedelta(days=3)))
    scheduler = start()
    wait_for(lambda: bool(store.runs("often")))
    assert [(run.state, run.due.hour) for run in store.runs("often")] == [("missed", 0)]
    scheduler.send_signal(signal.SIGTERM)
    _, told = scheduler.communicate(timeout=60)
    assert scheduler.returncode == 0
    assert "too long ago to be made up" in told
    assert store.find("often").settled > NOW - timedelta(days=1)


def test_a_second_scheduler_of_a_home_folder_is_refused(home: Path) -> None:
    with clock._only_one(), pytest.raises(PolytaskError, match="is running already"), clock._only_one():
        pass


def test_a_due_time_is_dealt_with_once_whoever_comes(home: Path, tmp_path: Path) -> None:
    store = Store()
    store.add(scheduled(tmp_path))
    assert store.settle("often", NOW, "waiting") is not None
    assert store.settle("often", NOW, "waiting") is None
    assert store.settle("often", NOW - timedelta(hours=1), "missed") is not None
    assert store.find("often").settled == NOW


def test_two_runs_of_a_home_folder_take_turns(home: Path, tmp_path: Path) -> None:
    store = Store()
    for name in ("one", "two"):
        store.add(scheduled(tmp_path, name=name))
    words = [sys.executable, "-m", "pipelines", "schedule", "run"]
    processes = [subprocess.Popen([*words, name], stderr=subprocess.PIPE, text=True) for name in ("one", "two")]
    told = [process.communicate(timeout=90)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2]
    assert "one: exit code 2" in told[0]
    (one,), (two,) = store.runs("one"), store.runs("two")
    earlier, later = sorted((one, two), key=lambda run: run.began)
    assert earlier.ended <= later.began


def test_a_killed_run_is_listed_as_such(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store()
    store.add(scheduled(tmp_path))
    number = store.settle("often", NOW, "waiting", os.getpid(), "another process had this number")
    assert number is not None
    store.begin(number, NOW, tmp_path / "log")
    schedule.list_schedules("often")
    assert "killed" in capsys.readouterr().out


def test_no_pickle_is_kept(home: Path, tmp_path: Path) -> None:
    store = Store()
    store.add(scheduled(tmp_path))
    with sqlite3.connect(store.path) as connection:
        (row,) = connection.execute("SELECT * FROM schedule").fetchall()
    assert all(isinstance(value, (str, float)) for value in row)
    assert row[:5] == ("often", FAST, "UTC", '["check", "gone.yaml"]', str(tmp_path))


def test_the_commands(home: Path, experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(experiment.parent)
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})

    def told(*words: str) -> str:
        result = runner.invoke(app, ["schedule", *words])
        assert result.exit_code == 0, result.output
        return result.output

    said = told("add", "nightly", "--cron", "30 2 * * *", "--zone", "Asia/Kolkata", "--", "retrain", "made.yaml", "--force")
    assert "30 2 * * * in Asia/Kolkata; next" in said
    assert "02:30:00 IST" in said
    assert "retrain made.yaml --force" in told("list")
    assert "OnCalendar=*-*-* 02:30:00 Asia/Kolkata" in told("unit", "nightly")
    assert "30 2 * * * POLYTASK_HOME=" in told("crontab", "nightly")
    assert "removed: nightly" in told("remove", "nightly")
    assert "nothing is scheduled here" in told("list")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["clean"], "cannot be scheduled"),
        ([], "cannot be scheduled"),
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["run", "made.yaml", "--set", "training.epoch=3"], "unknown key"),
    ],
)
def test_what_would_fail_at_night_is_refused_by_day(
    home: Path, experiment: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(experiment.parent)
    with pytest.raises(ConfigError, match=told):
        schedule.add_schedule("nightly", "30 2 * * *", "UTC", 12.0, words)
    assert Store().all() == []


def test_a_stack_is_told_utc_and_only_what_it_can_do(home: Path) -> None:
    with pytest.raises(ConfigError, match="moves with the season"):
        schedule.schedule_on_stack("nightly", "0 3 * * *", "Europe/Berlin", "kubernetes", ["run", "made.yaml"])
    with pytest.raises(ConfigError, match="leave --stack out"):
        schedule.schedule_on_stack("nightly", "0 3 * * *", "UTC", "kubernetes", ["retrain", "made.yaml"])


def test_units_are_quoted_and_percent_signs_doubled(home: Path, tmp_path: Path) -> None:
    words = ("batch", "100%.csv", "--out", "a b.parquet")
    awkward = Schedule("often", Times("0 3 * * *", "UTC"), words, tmp_path / "50% off", 12.0, NOW, NOW)
    assert f"WorkingDirectory={tmp_path}/50%% off" in timer_units(awkward)
    assert "KillMode=process" in clock_unit()
    assert "CRON_TZ=UTC\n0 3 * * * " in crontab_line(awkward)
    with pytest.raises(ConfigError, match="which no crontab knows"):
        crontab_line(scheduled(tmp_path))
