"""What tests of several folders share: PostgreSQL, started once for each process of the tests that asks for it."""

import os

import pytest

from tests.postgres import Databases, Postgres


@pytest.fixture(scope="session")
def databases():
    """Databases on a server that nobody stops."""
    from lingpai.stores.sql.postgres import open_postgres

    def migrate(url):
        open_postgres(url, lambda: 0).close()

    elsewhere = os.environ.get("LINGPAI_TEST_PG_URL")
    if elsewhere:
        databases = Databases(elsewhere, migrate)
        yield databases
        databases.drop_all()
        return
    server = Postgres()
    try:
        server.start()
        yield Databases(server.url(), migrate)
    finally:
        server.end()


@pytest.fixture
def postgres_url(databases):
    """The URL of a database of the test's own, with our tables in it."""
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture
def own_postgres():
    """A server of the test's own, to be stopped and killed."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.end()
