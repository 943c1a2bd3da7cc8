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


@pytest.fixture(scope="session")
def other_server():
    server = Postgres()
    yield server
    server.end()


@pytest.fixture
def own_postgres(other_server):
    """A server that a test may stop and kill."""
    other_server.go_on()
    if not other_server.is_running():
        other_server.start()
    return other_server
