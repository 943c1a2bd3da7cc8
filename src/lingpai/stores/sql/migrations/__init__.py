"""From any earlier schema to this one: Alembic's scripts, run by the program itself when it starts."""

from importlib.resources import as_file, files

from sqlalchemy import Connection, Engine, inspect, text

HEAD = "0008"
"""The newest script in `versions`."""

# Any number will do, as long as nothing else on the server takes it: "lingpai" on a telephone's keys.
ADVISORY_LOCK = 5464724


def migrate(engine: Engine) -> None:
    """
    Bring the schema to `HEAD`, in one transaction.

    Several processes may start at once: one migrates, the others wait for it.

    Raises:
        alembic.util.CommandError: The database was made by a later version of Lingpai.

    """
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
        connection.rollback()
        wait_for_turn(connection)
        if _version(connection) != HEAD:
            _upgrade(connection)
        connection.commit()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def wait_for_turn(connection: Connection) -> None:
    """Begin the transaction of whoever changes a schema: one at a time, of all processes."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})


def _upgrade(connection: Connection) -> None:
    # A tenth of a second and ten megabytes that only a start with something to migrate needs.
    from alembic import command
    from alembic.config import Config

    with as_file(files(__name__)) as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
