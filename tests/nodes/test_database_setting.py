"""Where everything is kept: what names the database, which name wins, and one line for what is wrong."""

import builtins

import pytest

from lingpai.composition import DataTrouble, holds_data, open_house
from lingpai.vocabulary.settings import SettingRefused, load_settings


def database(tmp_path, **variables):
    return load_settings(tmp_path / "lingpai.toml", variables).database


def test_our_own_variable_wins_over_the_hosters_and_that_over_the_file(tmp_path):
    assert database(tmp_path) == "lingpai.db"
    (tmp_path / "lingpai.toml").write_text('database = "file.db"\n')

    assert database(tmp_path) == "file.db"
    assert database(tmp_path, DATABASE_URL="") == "file.db"
    assert database(tmp_path, DATABASE_URL="postgresql://a") == "postgresql://a"
    assert database(tmp_path, DATABASE_URL="postgresql://a", LINGPAI_DATABASE="b.db") == "b.db"


def test_a_path_is_one_from_the_data_folder(tmp_path):
    variables = {"LINGPAI_DATABASE": "other.db"}
    assert not holds_data(tmp_path, variables)

    open_house(tmp_path, variables).stores.close()

    assert (tmp_path / "other.db").exists()
    assert holds_data(tmp_path, variables)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_is_postgresqls_by_any_of_its_names(tmp_path, postgres_url, scheme):
    variables = {"DATABASE_URL": postgres_url.replace("postgresql", scheme, 1)}
    assert not holds_data(tmp_path, variables)

    house = open_house(tmp_path, variables)
    house.prepare()
    assert house.stores.clients.page("", 99)
    house.stores.close()

    assert holds_data(tmp_path, variables)
    assert not (tmp_path / "lingpai.db").exists()


def trouble(tmp_path, url, kind=DataTrouble):
    with pytest.raises(kind) as raised:
        open_house(tmp_path, {"DATABASE_URL": url})
    said = str(raised.value)
    assert "\n" not in said
    assert "secret" not in said
    return said


def test_another_kind_of_server_is_refused(tmp_path):
    assert "mysql" in trouble(tmp_path, "mysql://me:secret@127.0.0.1/a", SettingRefused)


def test_a_url_that_cannot_be_read_is_refused(tmp_path):
    assert "looks like" in trouble(tmp_path, "postgresql://me:se%zzcret@127.0.0.1/a")


def test_a_server_that_is_absent_is_named(tmp_path):
    assert "127.0.0.1" in trouble(tmp_path, "postgresql://me:secret@127.0.0.1:1/a")


def test_a_driver_that_is_missing_is_asked_for(tmp_path, monkeypatch):
    imported = builtins.__import__

    def without_driver(name, *rest):
        if name == "lingpai.stores.sql.postgres":
            raise ImportError("No module named 'psycopg'")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_driver)

    assert "lingpai[postgres]" in trouble(tmp_path, "postgresql://127.0.0.1/a")
