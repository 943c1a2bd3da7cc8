"""The master key is there whole or not at all; what is sealed opens where it was sealed and nowhere else."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from lingpai.composition import open_house
from lingpai.principals import keys as module
from lingpai.principals.keys import DATA, Keyring, KeyTrouble
from lingpai.principals.master_key import make_key_file, read_key_file
from lingpai.stores.memory import Memory
from lingpai.vocabulary.clock import system_clock
from lingpai.vocabulary.secret import Secret


def test_a_master_key_that_was_not_finished_is_made_again(tmp_path):
    def killed(_size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_key_file(tmp_path / "master.key", killed)

    assert list(tmp_path.iterdir()) == []
    make_key_file(tmp_path / "master.key", os.urandom)
    assert len(read_key_file(tmp_path / "master.key")) == 32


def test_all_who_make_a_master_key_at_once_have_the_same_one(tmp_path):
    start = Barrier(8)

    def load(_number):
        start.wait()
        make_key_file(tmp_path / "master.key", os.urandom)
        return read_key_file(tmp_path / "master.key")

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load, range(8)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_master_key_that_others_can_read_is_refused(tmp_path, mode):
    make_key_file(tmp_path / "master.key", os.urandom)
    (tmp_path / "master.key").chmod(mode)

    with pytest.raises(KeyTrouble, match="chmod 600"):
        read_key_file(tmp_path / "master.key")


@pytest.fixture
def keys():
    keys = Keyring(Memory(system_clock), bytes(32), system_clock, bytes)
    keys.prepare(DATA)
    return keys


def test_what_is_sealed_opens_in_its_place_alone(keys):
    sealed = keys.seal(Secret("hidden"), "clients.1.secret")

    assert keys.unseal(sealed, "clients.1.secret").reveal() == "hidden"
    with pytest.raises(KeyTrouble, match="not sealed there"):
        keys.unseal(sealed, "clients.2.secret")


def test_a_secret_sealed_twice_looks_different(keys):
    assert keys.seal(Secret("hidden"), "here") != keys.seal(Secret("hidden"), "here")


def test_a_worker_has_a_connection_for_each_of_its_threads(tmp_path):
    house = open_house(tmp_path, {"LINGPAI_THREADS": "100"})
    try:
        assert house.stores._database._engine.pool.size() > 100  # type: ignore[attr-defined] # SQL stores
    finally:
        house.stores.close()


def test_a_key_that_strays_into_a_log_stays_unread(keys):
    key = keys.current(DATA)

    assert repr(key) == f"Key({key.id}, …)"
    assert key.value.hex() not in f"{key!r} {key}"


def test_however_many_secrets_are_asked_for_few_stay_open(keys, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN", 3)
    sealed = {place: keys.seal(Secret(f"hidden {place}"), place) for place in map(str, range(8))}

    for _ in range(2):
        for place, each in sealed.items():
            assert keys.unseal(each, place).reveal() == f"hidden {place}"
            assert len(keys._opened) <= 3
