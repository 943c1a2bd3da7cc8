"""The stores that every test of this folder is held against, and a clock that stands still."""

import pytest
from sqlalchemy.exc import IntegrityError

from lingpai.stores.memory import Memory
from lingpai.stores.sql.postgres import open_postgres
from lingpai.stores.sql.stores import open_sqlite
from tests.stores.programs import open_at
from tests.stores.samples import NOW, StoppedClock, client, company, done, session, user


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "lingpai.db"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request):
    """Where processes of their own find a database: a path, or a URL."""
    return request.getfixturevalue({"sqlite": "path", "postgres": "postgres_url"}[request.param])


@pytest.fixture
def shared_house(place, clock):
    stores = open_at(place, clock)
    yield inhabit(stores)
    stores.close()


@pytest.fixture
def sqlite(path, clock):
    stores = open_sqlite(path, clock)
    yield stores
    stores.close()


@pytest.fixture
def postgres(postgres_url, clock):
    stores = open_postgres(postgres_url, clock)
    yield stores
    stores.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request, clock):
    if request.param == "memory":
        return Memory(clock)
    return request.getfixturevalue(request.param)


def inhabit(stores):
    """Put in two users, two companies, two clients, and a session of the first user at the first client."""
    with stores.change(done(told=False)) as change:
        for name in ("mei", "bo"):
            change.accounts.add(user(name))
        for name in ("山海科技", "Acme"):
            change.companies.add(company(name))
        for name in ("app", "h5"):
            change.clients.add(client(name))
        change.sessions.open(session("s1"))
    return stores


@pytest.fixture
def house(stores):
    return inhabit(stores)


@pytest.fixture
def sqlite_house(sqlite):
    return inhabit(sqlite)


@pytest.fixture
def postgres_house(postgres):
    return inhabit(postgres)


@pytest.fixture
def misuse():
    """What is raised where the caller asked for what can never be."""
    return IntegrityError, ValueError
