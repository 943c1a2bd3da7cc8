"""Sealers of several processes, on real databases: one unbroken chain, whoever is killed."""

import time

import pytest

from lingpai.principals.chain import AUDIT
from lingpai.principals.keys import Keyring
from lingpai.principals.sealer import Sealer
from lingpai.principals.verifying import verify
from tests.stores.programs import Program, open_at
from tests.stores.samples import NOW

SEAL = """
import sys, threading, time
from contextlib import suppress
from lingpai.principals.chain import AUDIT
from lingpai.principals.keys import Keyring
from lingpai.principals.sealer import Sealer
from lingpai.vocabulary.outcomes import Refused
from tests.stores.programs import open_at
from tests.stores.samples import NOW, done

stores = open_at(sys.argv[1], lambda: NOW)
keys = Keyring(stores, bytes(32), lambda: NOW, bytes)
keys.prepare(AUDIT)
sealer = Sealer(stores, keys, lambda: NOW)
stopped = threading.Event()

def write():
    while not stopped.wait(0.002):
        with suppress(Refused), stores.change(done(told=False)) as change:
            change.also(done("test:more", told=False))

writer = threading.Thread(target=write, daemon=True)
writer.start()
print("begun", flush=True)
until, sealed = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < until:
    # SQLite lets a writer of another process wait for luck, for seconds where all hurry like this.
    with suppress(Refused):
        sealed += sealer.seal()
stopped.set()
writer.join()
print(sealed, flush=True)
"""
"""Writes and seals as fast as it goes, for so many seconds, and tells how much it sealed."""


def the_chain_is_whole(place):
    stores = open_at(place, lambda: NOW + 10_000)
    keys = Keyring(stores, bytes(32), lambda: NOW, bytes)
    keys.prepare(AUDIT)
    Sealer(stores, keys, lambda: NOW).seal_all()
    report = verify(stores, keys, lambda: NOW + 10_000)
    rows = stores.audit.newest()
    stores.close()
    assert report.faults == []
    assert report.checked <= rows
    return report.checked


@pytest.fixture
def house_with_a_key(shared_house, place):
    Keyring(shared_house, bytes(32), lambda: NOW, bytes).prepare(AUDIT)
    return place


def test_two_sealers_at_full_speed_make_one_unbroken_chain(house_with_a_key):
    programs = [Program(SEAL, house_with_a_key, 2.0) for _ in range(2)]
    for program in programs:
        assert program.hear() == "begun\n"
    sealed = [int(program.hear()) for program in programs]
    for program in programs:
        program.end()

    assert the_chain_is_whole(house_with_a_key) >= sum(sealed) > 100


def test_a_sealer_that_is_killed_leaves_nothing_locked_and_nothing_broken(house_with_a_key):
    for seconds in (0.1, 0.25, 0.4):
        program = Program(SEAL, house_with_a_key, 60)
        assert program.hear() == "begun\n"
        time.sleep(seconds)
        program.kill()

    assert the_chain_is_whole(house_with_a_key) > 0
