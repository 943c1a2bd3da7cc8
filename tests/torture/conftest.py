"""How much torture: `make torture` asks for all of it, `make test` for a little."""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Counts:
    """How often each is done."""

    reads: int
    stopped_seconds: float
    kills: int
    races: int


@pytest.fixture(scope="session")
def counts():
    if os.environ.get("LINGPAI_TEST_TORTURE"):
        return Counts(reads=10_000, stopped_seconds=5, kills=10, races=10_000)
    return Counts(reads=1500, stopped_seconds=1.5, kills=2, races=200)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """What the setting `database` says."""
    return "lingpai.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
