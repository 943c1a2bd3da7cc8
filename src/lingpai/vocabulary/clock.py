"""Time, as an argument."""

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache

Clock = Callable[[], int]
"""Milliseconds since 1970, from wherever the composition says that time comes from."""

SECOND = 1000
"""Milliseconds in a second: stores and values keep milliseconds, settings and wires seconds."""


@lru_cache(maxsize=4096)
def _second(seconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def local_time(milliseconds: int, zone: tzinfo) -> str:
    """
    Return the moment as text without a zone, as it is called in *zone*.

    >>> from datetime import UTC
    >>> local_time(1501110176336, UTC)
    '2017-07-26 23:02:56'
    """
    return _second(milliseconds // SECOND, zone)


def system_clock() -> int:
    """Return the machine's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
