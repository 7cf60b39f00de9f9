"""The order of day, month and year in a log, which follows the writer's region and is nowhere written."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from deltamem_cli.readers.parse.stamps import Fields, Stamp
from deltamem_cli.records import WallTime

_ORDERS = ("dmy", "mdy", "ymd")


class Order:
    """Finds the order from all the dates of a file, taken in the order of the file.

    The right order makes every date exist and lets time run forwards. Where two orders do so equally well, points or
    dashes mean day, month, year (no region writes the month first with them), and else the order stays unknown.
    """

    def __init__(self) -> None:
        self._faults = dict.fromkeys(_ORDERS, 0)
        self._last: dict[str, datetime] = {}
        self._slashes = False

    def see(self, stamp: Stamp) -> None:
        """Take one more date into account, if the stamp has one whose order is open."""
        if stamp.fields is None or stamp.order:
            return
        fields, separator = stamp.fields, stamp.separator
        self._slashes = self._slashes or separator == "/"
        for order in _ORDERS:
            day = date(fields, order)
            if day is None:
                self._faults[order] += 1_000_000  # worse than any number of steps back in time
            else:
                self._faults[order] += day < self._last.get(order, day)
                self._last[order] = day

    def found(self) -> str:
        """Return one of "dmy", "mdy", "ymd", or "" when the dates leave it open."""
        least = min(self._faults.values())
        best = [order for order in _ORDERS if self._faults[order] == least]
        if len(best) == 1:
            return best[0]
        return "dmy" if "dmy" in best and not self._slashes else ""


@lru_cache(maxsize=4096)
def date(fields: Fields, order: str) -> datetime | None:
    """Return the day (UTC) that the numbers mean in that order, None when there is no such day.

    A year of two digits is one of this century, and never comes first.
    """
    named = dict(zip(order, fields, strict=True))
    year = named["y"]
    if year < 1970 and (year > 99 or order == "ymd"):
        return None
    try:
        return datetime(year if year > 99 else 2000 + year, named["m"], named["d"], tzinfo=UTC)
    except ValueError:
        return None


def moment(stamp: Stamp, order: str, day: datetime | None = None) -> float | None:
    """Seconds since 1970 of a stamp, a WallTime where it tells no zone; None where its day stays open.

    order: that of the log's dates. day: the one that the log told last, for a stamp that is but a clock.
    """
    if stamp.fields is not None:
        found = stamp.order or order
        day = date(stamp.fields, found) if found else None
    if day is None or stamp.clock is None:
        return None
    time = day.timestamp() + stamp.clock
    return WallTime(time) if stamp.offset is None else time - stamp.offset * 60
