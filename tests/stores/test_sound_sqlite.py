"""Which SQLite library may keep accounts."""

import sqlite3

import pytest

from lingpai.stores.sql.sqlite import UnsoundSqlite, is_sound, sound_driver


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 4), (4, 0, 0), (3, 50, 7), (3, 44, 6)])
def test_a_version_without_the_race_is_sound(version):
    assert is_sound(version)


@pytest.mark.parametrize("version", [(3, 51, 2), (3, 50, 6), (3, 44, 5), (3, 40, 1), (3, 7, 0)])
def test_a_version_with_the_race_is_not(version):
    assert not is_sound(version)


def test_who_finds_only_unsound_libraries_is_told_which_and_what_to_do(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.40.1")

    with pytest.raises(UnsoundSqlite, match=r"sqlite3 3\.40\.1.*pip install pysqlite3"):
        sound_driver(("not_installed_at_all", "sqlite3"))


def test_a_sound_library_behind_an_unsound_one_is_found(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))

    assert sound_driver(("not_installed_at_all", "sqlite3")) is sqlite3
