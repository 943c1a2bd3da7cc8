"""The schemas of modules: their own lists of steps, made as ours are."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select

from lingpai.stores.interfaces import MadeByLater
from lingpai.stores.sql.asking import Silence
from lingpai.stores.sql.dialects import insert_or_replace
from lingpai.stores.sql.migrations import wait_for_turn
from lingpai.stores.sql.tables import modules

MADE = select(modules.c.steps).where(modules.c.name == bindparam("name"))

REMEMBER = insert_or_replace(modules, key=["name"], replaced=["steps"])


class SqlMigrations:
    """
    Brings modules' tables up to date.

    Args:
        engine: One whose connections wait for as long as a step takes.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def migrate(self, module: str, steps: Sequence[Callable[[Any], None]]) -> None:
        with Silence(), self._engine.connect() as connection:
            if _made(connection, module) == len(steps):
                return
            connection.rollback()
            wait_for_turn(connection)
            made = _made(connection, module)
            if made > len(steps):
                raise MadeByLater(f"the tables of the module {module} were made by a later version of it")
            operations = _operations(connection)
            for step in steps[made:]:
                step(operations)
            values = {"name": module, "steps": len(steps)}
            connection.execute(REMEMBER.of(connection.dialect.name), values)
            connection.commit()


def _made(connection: Connection, module: str) -> int:
    return connection.scalar(MADE, {"name": module}) or 0


def _operations(connection: Connection) -> Any:
    # A tenth of a second that only a start with something to migrate needs.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    return Operations(MigrationContext.configure(connection))
