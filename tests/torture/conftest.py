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


@pytest.fixture(scope="session")
def counts():
    if os.environ.get("LINGPAI_TEST_TORTURE"):
        return Counts(reads=10_000, stopped_seconds=5, kills=10)
    return Counts(reads=1500, stopped_seconds=1.5, kills=2)
