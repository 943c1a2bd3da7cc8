"""SQLite as a store: which library is sound enough, how each connection is set, where the file lies."""

import importlib
import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from lingpai.stores.sql.engine import WAIT_SECONDS, json_text
from lingpai.vocabulary.outcomes import Outcome, Refused

SOUND_SINCE = (3, 51, 3)
SOUND_BEFORE = frozenset({(3, 50, 7), (3, 44, 6)})

PRAGMAS = (
    # A commit is on stable storage when it returns, not only safe from a crash of ours.
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}",
    "PRAGMA foreign_keys = ON",
)


class UnsoundSqlite(RuntimeError):
    """No SQLite library was found that keeps what it confirmed."""


def is_sound(version: tuple[int, ...]) -> bool:
    """Return whether that version is without the WAL-reset race, which can lose confirmed changes."""
    return version >= SOUND_SINCE or version in SOUND_BEFORE


def sound_driver(names: tuple[str, ...] = ("pysqlite3.dbapi2", "sqlite3")) -> ModuleType:
    """
    Return the first driver in *names* whose SQLite library is sound.

    Raises:
        UnsoundSqlite: None is. The message says what was found and what to do.

    """
    found = []
    for name in names:
        try:
            driver = importlib.import_module(name)
        except ImportError:
            continue
        if is_sound(driver.sqlite_version_info):
            return driver
        found.append(f"{name} {driver.sqlite_version}")
    raise UnsoundSqlite(
        f"SQLite here is {', '.join(found) or 'absent'}, and every version before 3.51.3 (except 3.50.7 and 3.44.6) "
        "can lose confirmed changes when several connections write (the WAL-reset race). "
        "Install one that cannot: `pip install pysqlite3` brings SQLite 3.53; where that has no wheel, use a Python "
        "that is linked with SQLite 3.51.3 or newer, or PostgreSQL."
    )


def sqlite_engine(path: Path, *, threads: int = 32) -> Engine:
    """
    Return an engine for the file at *path*, which is made where it is absent, readable by its owner alone.

    A folder that is made for it is the owner's alone too; one that is there keeps its mode.

    Args:
        threads: How many may hold a connection at once.

    Raises:
        UnsoundSqlite: The library has the WAL-reset race.

        OSError: The file can be neither found nor made.

    """
    driver = sound_driver()
    _make_private(path)
    identity = _identity(path)

    def refuse_another_file(*_: object) -> None:
        # What is open would go on with the old file, and lose what it confirms; its
        # log, found by name, would be taken for the new one's. Only a restart helps.
        if _identity(path) != identity:
            raise Refused(Outcome.STORE_SILENT, f"{path} was taken away or replaced under a running server")

    def connect() -> Any:
        refuse_another_file()
        # mode=rw: a file that is taken away just now is missed, not replaced by an empty one.
        # isolation_level=None: the driver begins no transaction; writers do, in words.
        return driver.connect(
            f"file:{quote(str(path.absolute()))}?mode=rw",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(
        "sqlite://",
        module=driver,
        creator=connect,
        poolclass=QueuePool,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=1,
        pool_use_lifo=True,
        hide_parameters=True,
        json_serializer=json_text,
    )

    def set_up(connection: Any, _: object) -> None:
        for pragma in PRAGMAS:
            connection.execute(pragma).fetchall()

    event.listen(engine, "connect", set_up)
    event.listen(engine, "checkout", refuse_another_file)
    return engine


def is_damaged(refused: Refused) -> bool:
    """Return whether *refused* because the file is no database, or damaged: all else has an error of its own kind."""
    return type(refused.__cause__) is DatabaseError


def write_ahead(engine: Engine) -> None:
    """
    Make the file keep a write-ahead log, from now on and for every process.

    Raises:
        OperationalError: Others kept the file busy all the while.

    """
    # The switch wants the file for itself, and SQLite does not wait for that as it waits for a lock.
    deadline = time.monotonic() + WAIT_SECONDS
    with engine.connect() as connection:
        while True:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Only a file that is new is opened here: closing one that SQLite has open in
        # this process would drop SQLite's locks on it (sqlite.org/howtocorrupt.html §2.2).
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        path.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
