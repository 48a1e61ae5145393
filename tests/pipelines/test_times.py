"""What a user loses if these fail: a training that starts at another hour, on another day, or never, than what was written."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime, timedelta
from shutil import which
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.errors import ConfigError
from pipelines.scheduling.times import Times

BERLIN = ZoneInfo("Europe/Berlin")
FIXED = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "America/Phoenix", "Pacific/Kiritimati"]


def dues(times: Times, start: datetime, count: int) -> list[datetime]:
    found = [start]
    while len(found) <= count:
        later = times.after(found[-1])
        assert later is not None
        found.append(later)
    return found[1:]


@pytest.mark.parametrize(("weekday", "expected"), [("0", 6), ("7", 6), ("1", 0), ("sun", 6), ("5-7", 4), ("SAT", 5)])
def test_weekdays_are_counted_as_cron_counts_them(weekday: str, expected: int) -> None:
    first = dues(Times(f"0 3 * * {weekday}", "UTC"), datetime(2027, 1, 4, 12, tzinfo=UTC), 1)[0]
    assert first.weekday() == expected


def test_the_zone_is_heeded_through_summer_and_winter() -> None:
    times = Times("30 3 * * *", "Europe/Berlin")
    assert {due.astimezone(UTC).hour for due in dues(times, datetime(2027, 1, 10, tzinfo=BERLIN), 3)} == {2}
    assert {due.astimezone(UTC).hour for due in dues(times, datetime(2027, 7, 10, tzinfo=BERLIN), 3)} == {1}


def test_an_hour_that_the_clock_skips_or_repeats_still_means_one_run() -> None:
    times = Times("30 2 * * *", "Europe/Berlin")
    spring = dues(times, datetime(2027, 3, 27, 12, tzinfo=BERLIN), 2)
    assert [due.astimezone(UTC) for due in spring] == [datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2027, 3, 29, 0, 30, tzinfo=UTC)]
    autumn = dues(times, datetime(2027, 10, 30, 12, tzinfo=BERLIN), 2)
    assert [due.astimezone(UTC) for due in autumn] == [datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 11, 1, 1, 30, tzinfo=UTC)]


def test_every_quarter_of_an_hour_goes_on_while_the_clock_is_put_back() -> None:
    found = dues(Times("*/15 * * * *", "Europe/Berlin"), datetime(2027, 10, 31, 1, 50, tzinfo=BERLIN), 12)
    assert {
        later - earlier for earlier, later in zip([d.astimezone(UTC) for d in found], [d.astimezone(UTC) for d in found[1:]], strict=False)
    } == {timedelta(minutes=15)}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(FIXED),
    st.lists(st.integers(0, 59), min_size=1, max_size=2, unique=True),
    st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True),
    st.sampled_from(["*", "mon", "1-5", "0,6"]),
)
def test_what_is_turned_into_utc_is_due_at_the_same_moments(zone: str, minutes: list[int], hours: list[int], weekday: str) -> None:
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * {weekday}"
    times = Times(cron, zone)
    with contextlib.suppress(ConfigError):  # some have no line in UTC, which is said; what has one must mean the same
        in_utc = Times(times.in_utc(), "UTC")
        start = datetime(2027, 2, 26, 11, 7, tzinfo=UTC)
        assert [due.astimezone(UTC) for due in dues(times, start.astimezone(ZoneInfo(zone)), 12)] == dues(in_utc, start, 12)


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("*/5 3 * * 7", "UTC", "*/5 3 * * 0"),
        ("30 2 * * mon", "Asia/Kolkata", "0 21 * * 0"),
        ("0 3 1 * *", "Asia/Tokyo", None),
        ("0 12 1 * *", "Asia/Tokyo", "0 3 1 * *"),
    ],
)
def test_a_day_that_changes_on_the_way_to_utc_changes_with_it_or_is_refused(cron: str, zone: str, expected: str | None) -> None:
    if expected is not None:
        assert Times(cron, zone).in_utc() == expected
        return
    with pytest.raises(ConfigError, match="write the times in UTC with --zone UTC"):
        Times(cron, zone).in_utc()


def test_a_zone_with_summer_time_has_no_cron_in_utc() -> None:
    with pytest.raises(ConfigError, match="moves with the season"):
        Times("0 3 * * *", "Europe/Berlin").in_utc()


@pytest.mark.parametrize(
    ("cron", "zone", "told"),
    [
        ("0 3 * *", "UTC", "4 fields"),
        ("0 24 * * *", "UTC", "'24' is no hour"),
        ("x 3 * * *", "UTC", "'x' is no minute"),
        ("*/0 3 * * *", "UTC", "is no minute"),
        ("5-1 3 * * *", "UTC", "is no minute"),
        ("0 3 30 2 *", "UTC", "never be due"),
        ("0 3 1 * mon", "UTC", "both restricted"),
        ("0 3 * * *", "Berlin", "no such time zone"),
        ("0 3 * * *", "../etc", "no such time zone"),
    ],
)
def test_what_cannot_be_meant_is_refused(cron: str, zone: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Times(cron, zone)


@pytest.mark.skipif(which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_its_calendar_as_we_mean_it() -> None:
    times = Times("5,35 2-4 * 1,7 1-5", "Europe/Berlin")
    told = subprocess.run(
        ["systemd-analyze", "calendar", "--base-time=2027-01-04 12:00:00 UTC", "--iterations=4", times.calendar()],
        capture_output=True,
        text=True,
        check=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    ).stdout
    due = dues(times, datetime(2027, 1, 4, 12, tzinfo=UTC), 4)
    assert all(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" in told for moment in due), told
