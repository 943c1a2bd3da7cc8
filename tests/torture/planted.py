"""The server's application, with the fault that `LINGPAI_TEST_PLANT` names: what each measure must be able to see."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lingpai.app import App
from lingpai.app import create as create_right
from lingpai.operations.end_session import EndSession
from lingpai.principals import remembered
from lingpai.principals.bell import Bell
from lingpai.stores.sql import sqlite
from lingpai.stores.sql.stores import SqlStores

# A planted fault is put in the place of what is right, whatever its type.
put: Callable[[Any, str, Any], None] = setattr


def nothing() -> None:
    """Plant no fault."""


def memory_for_ever() -> None:
    """A session cache that nobody invalidates: what was seen once is believed for a minute, whatever the feed says."""
    put(remembered, "LEASE_SECONDS", 60.0)
    put(remembered.Follower, "poll", lambda self: self._remembered.confirm(self._ticks(), self._remembered.note()))
    put(Bell, "ring", lambda self: None)


def own_worker_late() -> None:
    """An ending reaches also its own worker by the feed alone."""
    put(SqlStores, "listen", lambda self, hear: None)


def answers_first() -> None:
    """A sign-out is answered, and written down a moment later."""
    end = EndSession.__call__
    put(EndSession, "__call__", lambda *asked: threading.Timer(0.5, end, asked).start())


def answers_anyway() -> None:
    """A sign-out is answered, whether it could be written down or not."""
    end = EndSession.__call__

    def try_to_end(*asked: Any) -> None:
        with suppress(Exception):
            end(*asked)

    put(EndSession, "__call__", try_to_end)


def little_disk() -> None:
    """The file may grow to so many pages."""
    put(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, f"PRAGMA max_page_count = {os.environ['LINGPAI_TEST_PAGES']}"))


PLANTS: dict[str, Callable[[], None]] = {
    "": nothing,
    "memory for ever": memory_for_ever,
    "own worker late": own_worker_late,
    "answers first": answers_first,
    "answers anyway": answers_anyway,
    "little disk": little_disk,
}


def create() -> App:
    """Return the application, with its faults."""
    for name in os.environ.get("LINGPAI_TEST_PLANT", "").split("+"):
        PLANTS[name]()
    return create_right()
