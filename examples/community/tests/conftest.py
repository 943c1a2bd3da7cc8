"""The town, and databases of a test's own."""

import sys
from pathlib import Path

import pytest

# The town is told in a file beside this one, and the databases where the root's tests have them.
sys.path.insert(0, str(Path(__file__).parent))

from settling import begin, settled

from lingpai.stores.memory import Memory
from lingpai.stores.sql.postgres import open_postgres
from lingpai.stores.sql.stores import open_sqlite
from tests.conftest import databases, postgres_url

__all__ = ["databases", "postgres_url"]


@pytest.fixture
def town():
    """Five contracts to ask, in a town where the first has been asked before."""
    five = settled()
    begin(five, "mowork")
    return five


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request, tmp_path):
    if request.param == "memory":
        stores = Memory(lambda: 0)
    elif request.param == "sqlite":
        stores = open_sqlite(tmp_path / "lingpai.db", lambda: 0)
    else:
        stores = open_postgres(request.getfixturevalue("postgres_url"), lambda: 0)
    yield stores
    stores.close()
