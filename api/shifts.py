"""Which hour, shift or day of the plant a moment belongs to."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from api.schemas_statistics import By


def time_zone(name: str) -> tzinfo:
    """A time zone by its IANA name; UTC is known also where the system has no table of zones. Raises ZoneInfoNotFoundError, ValueError."""
    return UTC if name == "UTC" else ZoneInfo(name)


class Calendar:
    """The plant's clock.

    Args:
        zone: the plant's time zone.
        shift_starts: when shifts begin, local time, whole quarters of an hour, rising.
    """

    def __init__(self, zone: tzinfo, shift_starts: tuple[str, ...]) -> None:
        self._zone = zone
        self._starts = [time.fromisoformat(start) for start in shift_starts]

    def start_of(self, moment: datetime, by: By) -> datetime:
        """When the hour, shift or day that a moment is in began, local time."""
        local = moment.astimezone(self._zone)
        if by is By.HOUR:
            return local.replace(minute=0, second=0, microsecond=0)
        if by is By.DAY:
            return datetime.combine(local.date(), time(), self._zone)
        number = bisect_right(self._starts, local.time().replace(tzinfo=None)) - 1
        day = local.date() if number >= 0 else local.date() - timedelta(days=1)  # the night shift began yesterday
        return datetime.combine(day, self._starts[number], self._zone)

    def label(self, moment: datetime, by: By) -> str:
        """The beginning of what a moment is in, as groups are named: RFC 3339 with the plant's offset."""
        return self.start_of(moment, by).isoformat(timespec="minutes")

    def shift(self, moment: datetime) -> tuple[datetime, datetime]:
        """Beginning and end (UTC) of the shift that a moment is in."""
        start = self.start_of(moment, By.SHIFT)
        local = start.time().replace(tzinfo=None)
        number = self._starts.index(local)
        last = number + 1 == len(self._starts)
        end = datetime.combine(start.date() + timedelta(days=last), self._starts[0 if last else number + 1], self._zone)
        return start.astimezone(UTC), end.astimezone(UTC)

    def shifts_of(self, day: date) -> list[tuple[datetime, datetime]]:
        """Beginning and end (UTC) of the shifts that begin on a day of the plant, in order."""
        return [self.shift(datetime.combine(day, start, self._zone)) for start in self._starts]
