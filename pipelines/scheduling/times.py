"""When a schedule is due: the five fields of cron, in a time zone that is always said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

from mtl_models.errors import ConfigError

__all__ = ["WEEKDAYS", "Times", "find_zone", "local_zone"]

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {"month": {name: number for number, name in enumerate(_MONTHS, 1)}, "weekday": {name: n for n, name in enumerate(WEEKDAYS)}}
_DAY = 24 * 60

Values = tuple[int, ...]


class _FirstOfTwo(CronTrigger):  # type: ignore[misc]
    """Cron, but a time that the clock gives twice in autumn is taken once. One that it skips in spring comes an hour later."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first due time after the one before."""
        found: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        while found is not None and found.fold:
            found = super().get_next_fire_time(found, found)
        return found


@dataclass(frozen=True)
class Times:
    """A cron expression and its zone (IANA). Six fields begin with seconds. `ConfigError` for what cannot be read, or is never due."""

    cron: str
    zone: str

    def __post_init__(self) -> None:
        find_zone(self.zone)
        if len(self._days) < 31 and len(self._weekdays) < 7:
            raise ConfigError(
                f"--cron '{self.cron}': day of month and weekday are both restricted, which crons read in two ways; give one of them"
            )
        if self.after(datetime.now(UTC)) is None:
            raise ConfigError(f"--cron '{self.cron}': there is no such day; it would never be due")

    @cached_property
    def trigger(self) -> CronTrigger:
        """For APScheduler, whose own reading of cron takes Monday for 0."""
        weekdays = "*" if len(self._weekdays) == 7 else ",".join(WEEKDAYS[day] for day in self._weekdays)
        fixed = len(self._hours) < 24
        return (_FirstOfTwo if fixed else CronTrigger)(
            second=_listed(self._seconds, 60),
            minute=_listed(self._minutes, 60),
            hour=_listed(self._hours, 24),
            day=_listed(self._days, 31),
            month=_listed(self._months, 12),
            day_of_week=weekdays,
            timezone=ZoneInfo(self.zone),
        )

    def after(self, moment: datetime) -> datetime | None:
        """The first due time later than `moment`, in the zone."""
        found: datetime | None = self.trigger.get_next_fire_time(moment, moment)
        return found

    def in_utc(self) -> str:
        """The five fields that mean the same in UTC, for schedulers that know no zones. `ConfigError` where there are none."""
        if len(self.cron.split()) != 5:
            raise ConfigError(f"--cron '{self.cron}': a stack's schedule has five fields, without seconds")
        shift = _fixed_offset(self.zone, self.cron)
        if shift == 0:
            return " ".join([*self.cron.split()[:4], _listed(self._weekdays, 7)])  # Kubernetes knows no day 7
        moved = [hour * 60 + minute - shift for hour, minute in product(self._hours, self._minutes)]
        of_day = {time % _DAY for time in moved}
        hours, minutes = _sorted(time // 60 for time in of_day), _sorted(time % 60 for time in of_day)
        days = {time // _DAY for time in moved}
        every_day = len(self._days) == 31 and len(self._weekdays) == 7 and len(self._months) == 12
        by_weekday = len(days) == 1 and len(self._days) == 31 and len(self._months) == 12
        if len(hours) * len(minutes) != len(of_day) or not (days == {0} or every_day or by_weekday):
            raise ConfigError(
                f"--cron '{self.cron}' in {self.zone}: a line of cron in UTC, all that a stack's scheduler knows, cannot say it; "
                "write the times in UTC with --zone UTC"
            )
        weekdays = _sorted((day + next(iter(days))) % 7 for day in self._weekdays)
        fields = [_listed(minutes, 60), _listed(hours, 24), _listed(self._days, 31), _listed(self._months, 12), _listed(weekdays, 7)]
        return " ".join(fields)

    def calendar(self) -> str:
        """The same as `OnCalendar=` of a systemd timer."""
        weekdays = "" if len(self._weekdays) == 7 else ",".join(WEEKDAYS[day].capitalize() for day in self._weekdays) + " "
        date = f"*-{_padded(self._months, 12)}-{_padded(self._days, 31)}"
        time = f"{_padded(self._hours, 24)}:{_padded(self._minutes, 60)}:{_padded(self._seconds, 60)}"
        return f"{weekdays}{date} {time} {self.zone}"

    @cached_property
    def _parsed(self) -> tuple[Values, ...]:
        fields = self.cron.split()
        if len(fields) not in (5, 6):
            raise ConfigError(
                f"--cron '{self.cron}': {len(fields)} fields; give five, minute hour day month weekday, for instance '30 2 * * mon'"
            )
        given = fields if len(fields) == 6 else ["0", *fields]
        return tuple(_values(text, *about, self.cron) for text, about in zip(given, _FIELDS, strict=True))

    @property
    def _seconds(self) -> Values:
        return self._parsed[0]

    @property
    def _minutes(self) -> Values:
        return self._parsed[1]

    @property
    def _hours(self) -> Values:
        return self._parsed[2]

    @property
    def _days(self) -> Values:
        return self._parsed[3]

    @property
    def _months(self) -> Values:
        return self._parsed[4]

    @property
    def _weekdays(self) -> Values:
        return _sorted(day % 7 for day in self._parsed[5])


def local_zone() -> str:
    """The name of this machine's zone; UTC where it has none."""
    from tzlocal import get_localzone_name

    return get_localzone_name() or "UTC"


def find_zone(name: str) -> ZoneInfo:
    """The zone of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        raise ConfigError(
            f"--zone {name}: no such time zone here; for instance Europe/Berlin or UTC (where none is known: pip install tzdata)"
        ) from None


def _values(text: str, field: str, low: int, high: int, cron: str) -> Values:
    """The numbers that a field stands for."""
    try:
        return _sorted(value for part in text.split(",") for value in _part(part, field, low, high))
    except ValueError:
        raise ConfigError(f"--cron '{cron}': '{text}' is no {field}; give *, {low} to {high}, ranges 1-5, lists 1,2 or steps */2") from None


def _part(part: str, field: str, low: int, high: int) -> Iterator[int]:
    span, slash, step = part.partition("/")
    by = _number(step, "") if slash else 1
    if span == "*":
        first, last = low, 6 if field == "weekday" else high
    else:
        ends = [_number(end, field) for end in span.split("-")]
        first, last = (ends[0], high if slash else ends[0]) if len(ends) == 1 else ends
    if not (low <= first <= last <= high) or by < 1:
        raise ValueError
    yield from range(first, last + 1, by)


def _number(text: str, field: str) -> int:
    named = _NAMES.get(field, {})
    if text.lower() in named:
        return named[text.lower()]
    if not text.isdecimal():
        raise ValueError
    return int(text)


def _sorted(values: Iterable[int]) -> Values:
    return tuple(sorted(set(values)))


def _listed(values: Values, of: int) -> str:
    return "*" if len(values) == of else ",".join(map(str, values))


def _padded(values: Values, of: int) -> str:
    return "*" if len(values) == of else ",".join(f"{value:02d}" for value in values)


def _fixed_offset(zone: str, cron: str) -> int:
    """Minutes that a zone is ahead of UTC; `ConfigError` where that changes with the season."""
    now = datetime.now(UTC)
    offsets = {
        (offset.total_seconds() / 60 if (offset := datetime(now.year + year, month, 15, tzinfo=ZoneInfo(zone)).utcoffset()) else 0.0)
        for year in (0, 1)
        for month in range(1, 13)
    }
    if len(offsets) > 1:
        raise ConfigError(
            f"--zone {zone}: its clock moves with the season, and a stack's scheduler knows UTC only: '{cron}' would be an hour off half "
            "of the year. Write the times in UTC with --zone UTC, and say so to whoever relies on them"
        )
    return int(offsets.pop())
