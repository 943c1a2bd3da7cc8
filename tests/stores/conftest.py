"""The stores that every test of this folder is held against, and a clock that stands still."""

import pytest
from sqlalchemy.exc import IntegrityError

from lingpai.stores.memory import Memory
from lingpai.stores.sql.stores import open_sqlite
from tests.stores.samples import NOW, StoppedClock, client, company, done, session, user


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "lingpai.db"


@pytest.fixture
def sqlite(path, clock):
    stores = open_sqlite(path, clock)
    yield stores
    stores.close()


@pytest.fixture(params=["memory", "sqlite"])
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
def misuse():
    """What is raised where the caller asked for what can never be."""
    return IntegrityError, ValueError
