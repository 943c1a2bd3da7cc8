"""How workers on one PostgreSQL call each other's followers before these look by themselves: LISTEN and NOTIFY."""

import logging
import os
import selectors
import threading
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from lingpai.vocabulary.events import FeedEntry

LOG = logging.getLogger(__name__)

NAME = "lingpai"
"""Of the channel; PostgreSQL keeps those of other databases apart."""

REST_SECONDS = 1.0
"""So long it rests after its connection broke."""

BREATH_SECONDS = 0.005
"""So long it waits after a call, so that one call is for many changes."""

LISTEN_SECONDS = 30.0
"""So often it looks whether its connection still holds, when nobody calls."""


class Channel:
    """
    Calls and is called, on a thread and a connection of its own.

    A call goes out after the commit, and in no transaction of a change: those that notify commit
    one after the other, on the whole server. It is a help for haste alone, so whatever fails is tried
    again later and nobody waits for it. Only who follows calls: a process that does not is heard a poll later.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._follower: Callable[[], None] = _nobody
        self._stopped = threading.Event()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._thread = threading.Thread(target=self._run, name="channel", daemon=True)

    def follow(self, follower: Callable[[], None]) -> None:
        """Call *follower* whenever another worker has called, until `close`."""
        self._follower = follower
        self._thread.start()

    def call(self, entries: Sequence[FeedEntry]) -> None:
        """Call all other workers soon, where *entries* tell them anything."""
        if entries and self._thread.is_alive():
            self._poke()

    def close(self) -> None:
        """End the thread."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._poke()
            if self._thread.is_alive():
                self._thread.join()
            os.close(self._reading)
            os.close(self._writing)

    def _poke(self) -> None:
        try:
            os.write(self._writing, b"!")
        except BlockingIOError:
            """The pipe is full of pokes that do as well."""

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._connect() as connection:
                    self._serve(connection)
            except psycopg.Error as trouble:
                LOG.info("followers are not called early: %s", " ".join(str(trouble).split()))
                self._stopped.wait(REST_SECONDS)

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"LISTEN {NAME}")
        # What was told while nobody listened.
        self._follower()
        with selectors.DefaultSelector() as either:
            either.register(connection.fileno(), selectors.EVENT_READ)
            either.register(self._reading, selectors.EVENT_READ)
            while not self._stopped.is_set():
                ready = {key.fd for key, _ in either.select(LISTEN_SECONDS)}
                if self._reading in ready:
                    os.read(self._reading, 4096)
                    connection.execute(f"NOTIFY {NAME}")
                    self._stopped.wait(BREATH_SECONDS)
                elif not ready:
                    connection.execute("SELECT 1")
                if self._is_called(connection):
                    self._follower()

    def _is_called(self, connection: psycopg.Connection[Any]) -> bool:
        """Return whether anybody but ourselves has called."""
        callers = {call.pid for call in connection.notifies(timeout=0)}
        return bool(callers - {connection.info.backend_pid})


def _nobody() -> None:
    """Follow nothing."""
