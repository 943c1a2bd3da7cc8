"""What the steps make is what the statements ask, on both engines."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from lingpai_community.migrations import MIGRATIONS
from lingpai_community.tables import metadata

from lingpai.stores.sql.postgres import open_postgres
from lingpai.stores.sql.stores import open_sqlite


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_steps_make_the_tables_that_the_statements_ask(request, tmp_path, engine):
    if engine == "sqlite":
        stores = open_sqlite(tmp_path / "lingpai.db", lambda: 0)
    else:
        stores = open_postgres(request.getfixturevalue("postgres_url"), lambda: 0)
    stores.migrations.migrate("community", MIGRATIONS)

    with stores._database._engine.connect() as connection:
        ours = {
            "compare_type": True,
            "include_name": lambda name, kind, _parents: kind != "table" or name.startswith("community_"),
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=ours), metadata)
    stores.close()

    assert found == []


def test_every_table_bears_the_modules_name():
    assert all(name.startswith("community_") for name in metadata.tables)
