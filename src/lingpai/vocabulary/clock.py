"""Time, as an argument."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Milliseconds since 1970, from wherever the composition says that time comes from."""

SECOND = 1000
"""Milliseconds in a second: stores and values keep milliseconds, settings and wires seconds."""


def system_clock() -> int:
    """Return the machine's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
