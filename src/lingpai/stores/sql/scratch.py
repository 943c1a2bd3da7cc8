"""Modules' tables beside the memory stores: an SQLite file that is gone with them."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from lingpai.stores.interfaces import Tables
from lingpai.stores.sql.asking import Silence
from lingpai.stores.sql.engine import Database
from lingpai.stores.sql.modules import SqlMigrations
from lingpai.stores.sql.sqlite import sqlite_engine, write_ahead
from lingpai.stores.sql.tables import modules


class Scratch:
    """What modules keep, and their migrations; nothing is made before the first of these."""

    def __init__(self) -> None:
        self._opened: tuple[Engine, Database] | None = None

    def migrate(self, module: str, steps: Sequence[Callable[[Any], None]]) -> None:
        SqlMigrations(self._open()[0]).migrate(module, steps)

    def rows(self, statement: Any, /, **values: object) -> Sequence[Any]:
        return self._open()[1].alone.rows(statement, **values)

    def row(self, statement: Any, /, **values: object) -> Any:
        return self._open()[1].alone.row(statement, **values)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Return a transaction; where no module has tables there is none."""
        if self._opened is None:
            yield self
            return
        with self._opened[1].writing() as transaction:
            yield transaction

    def close(self) -> None:
        """Let go of every connection."""
        if self._opened:
            self._opened[1].close()

    def _open(self) -> tuple[Engine, Database]:
        if self._opened is None:
            folder = Path(tempfile.mkdtemp(prefix="lingpai-"))
            engine = sqlite_engine(folder / "scratch.db")
            weakref.finalize(self, _drop, engine, folder)
            write_ahead(engine)
            modules.create(engine)
            self._opened = engine, Database(engine, Silence(), begin="BEGIN IMMEDIATE", writers=1)
        return self._opened


def _drop(engine: Engine, folder: Path) -> None:
    engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)
