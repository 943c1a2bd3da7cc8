"""Looking at a database without changing it: how far its tables are, and what keeps it."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lingpai.stores.sql.migrations import HEAD
from lingpai.stores.sql.sqlite import sound_driver

VERSION = "SELECT version_num FROM alembic_version"
MODULES = "SELECT name, steps FROM modules"


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What there is.

    Args:
        engine: Name and version of what keeps it.
        version: Of the tables; None where there are none yet.
        head: The version that this program makes.
        modules: How many steps of each module's are made.
        journal: SQLite's way to write; empty elsewhere.
        now: The server's clock in milliseconds; None where it has none of its own.

    """

    engine: str
    version: str | None
    modules: Mapping[str, int]
    head: str = HEAD
    journal: str = ""
    now: int | None = None


def look_at_sqlite(path: Path) -> Looked:
    """
    Return what the file at *path* holds.

    Raises:
        UnsoundSqlite: The library can lose what it confirmed.

        OSError: It cannot be read, or is no database.

    """
    driver = sound_driver()
    try:
        with contextlib.closing(driver.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            version = _version(connection, driver.Error)
            journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
            modules = _modules(connection, driver.Error)
    except driver.Error as wrong:
        raise OSError(f"{path}: {wrong}") from None
    return Looked(f"SQLite {driver.sqlite_version}", version, modules, journal=journal)


def look_at_postgres(url: str) -> Looked:
    """
    Return what the database at *url* holds.

    Raises:
        UnfitPostgres: The URL cannot be read.

        OSError: The server does not answer, or lets us not in.

    """
    import psycopg

    from lingpai.stores.sql.postgres import PARAMETERS, connection_parameters

    try:
        with psycopg.connect(autocommit=True, **(PARAMETERS | connection_parameters(url))) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
            ).fetchone()
            assert row is not None  # noqa: S101 - it has no condition
            version, modules = _version(connection, psycopg.Error), _modules(connection, psycopg.Error)
    except psycopg.Error as wrong:
        raise OSError(f"PostgreSQL: {' '.join(str(wrong).split())}") from None
    return Looked(f"PostgreSQL {row[0]}", version, modules, now=row[1])


def _version(connection: Any, error: type[Exception]) -> str | None:
    try:
        row = connection.execute(VERSION).fetchone()
    except error as wrong:
        if _is_missing(wrong):
            return None
        raise
    return row[0] if row else None


def _modules(connection: Any, error: type[Exception]) -> Mapping[str, int]:
    try:
        return dict(connection.execute(MODULES).fetchall())
    except error as wrong:
        if _is_missing(wrong):
            return {}
        raise


def _is_missing(wrong: Exception) -> bool:
    """Return whether there is no such table."""
    return "no such table" in str(wrong) or getattr(wrong, "sqlstate", "") == "42P01"
