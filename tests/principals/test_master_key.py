"""The master key has one source, is read only where nobody else can read it, and is told to nobody."""

import os
import sys
import time
from pathlib import Path

import pytest

from lingpai.composition import MASTER_KEY, holds_data, open_house
from lingpai.principals import master_key as module
from lingpai.principals.keys import KeyTrouble
from lingpai.principals.master_key import LONGEST, VARIABLE, MasterKeySource, choose_source, make_key_file, rotating
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.settings import SettingRefused

KEY = bytes(range(32))
COMMAND, FILE = "LINGPAI_MASTER_KEY_COMMAND", "LINGPAI_MASTER_KEY_FILE"


def printing(code):
    return f"{sys.executable} -c '{code}'"


def refused(source):
    with pytest.raises(KeyTrouble) as raised:
        source()
    said = str(raised.value)
    assert "\n" not in said
    assert KEY.hex()[:12] not in said
    return said


def opened(data, **variables):
    house = open_house(data, variables)
    try:
        house.prepare()
        return house.keys.digest("token")
    finally:
        house.stores.close()


def test_the_key_comes_from_a_variable_a_file_or_a_command_and_is_the_same_key(tmp_path):
    digest = opened(tmp_path, **{VARIABLE: KEY.hex()})
    assert not (tmp_path / MASTER_KEY).exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(KEY.hex() + "\n")
    elsewhere.chmod(0o600)

    assert opened(tmp_path, **{FILE: "elsewhere"}) == digest
    assert opened(tmp_path, **{FILE: str(elsewhere)}) == digest
    assert opened(tmp_path, **{COMMAND: f"cat {elsewhere}"}) == digest
    assert not (tmp_path / MASTER_KEY).exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KEY.hex()[:-2], "64 hexadecimal digits"),
        (KEY.hex() + "00", "64 hexadecimal digits"),
        ("", "64 hexadecimal digits"),
        ("not hexadecimal" * 5, "64 hexadecimal digits"),
        ("00" * 32, "no random key"),
    ],
)
def test_a_key_that_is_short_or_no_key_is_refused_wherever_it_comes_from(tmp_path, text, told):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)

    assert told in refused(MasterKeySource(path))
    assert told in refused(MasterKeySource(path, command=f"cat {path}"))
    assert told in refused(MasterKeySource(path, Secret(text)))


@pytest.mark.parametrize(
    "both",
    [
        {VARIABLE: KEY.hex(), FILE: "key"},
        {VARIABLE: KEY.hex(), COMMAND: "cat key"},
        {FILE: "key", COMMAND: "cat key"},
    ],
)
def test_two_sources_are_refused_by_their_names(tmp_path, both):
    with pytest.raises(KeyTrouble, match="2 sources") as raised:
        open_house(tmp_path, both)
    assert KEY.hex() not in str(raised.value)
    assert all(name.removeprefix("LINGPAI_").lower() in str(raised.value).lower() for name in both)
    assert not (tmp_path / "lingpai.db").exists()


def test_the_usual_file_beside_another_source_is_a_second_one(tmp_path):
    opened(tmp_path)

    with pytest.raises(KeyTrouble, match="2 sources"):
        open_house(tmp_path, {VARIABLE: KEY.hex()})
    opened(tmp_path, **{FILE: MASTER_KEY})


def test_a_key_has_no_place_in_the_settings_file(tmp_path):
    (tmp_path / "lingpai.toml").write_text(f'master_key = "{KEY.hex()}"\n')

    with pytest.raises(SettingRefused, match="master_key is unknown") as raised:
        open_house(tmp_path, {})
    assert KEY.hex() not in str(raised.value)


def test_a_command_gets_no_shell_and_not_the_variable(tmp_path):
    assert "64 hexadecimal" in refused(MasterKeySource(tmp_path, command=f"echo {KEY.hex()} | cat"))
    variables = {**os.environ, VARIABLE: "", COMMAND: "x", "LEFT": KEY.hex()}
    code = f'import os; print("" if "{VARIABLE}" in os.environ else os.environ["LEFT"])'
    source = choose_source(tmp_path / "key", variables, "", printing(code.replace('"', '\\"')).replace("'", '"'))

    assert source() == (KEY,)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("false", "ended with code 1"),
        ("/there/is/no/such/thing", "cannot be run"),
        ("'unclosed", "cannot be run"),
        (printing(f'print("{KEY.hex()}" * {LONGEST})'), "code -9"),
        (printing(f'import sys; print("{KEY.hex()}"); sys.exit("{KEY.hex()}")'), "ended with code 1"),
    ],
)
def test_a_command_that_fails_is_one_line_without_what_it_printed(tmp_path, command, told):
    assert told in refused(MasterKeySource(tmp_path, command=command, environment=os.environ))


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "COMMAND_SECONDS", 0.5)
    mark = tmp_path / "pid"
    command = f"/bin/sh -c 'sleep 600 & echo $! > {mark}; wait'"
    began = time.monotonic()

    assert "within" in refused(MasterKeySource(tmp_path, command=command, environment=os.environ))
    assert time.monotonic() - began < 60
    status = Path("/proc", mark.read_text().strip(), "status")
    while is_running(status):
        assert time.monotonic() - began < 60
        time.sleep(0.01)


def is_running(status):
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False


def test_a_node_without_the_key_of_a_database_that_has_keys_makes_none(tmp_path):
    opened(tmp_path)
    (tmp_path / MASTER_KEY).rename(tmp_path / "away")

    with pytest.raises(KeyTrouble, match="copy it from the node"):
        open_house(tmp_path, {})
    assert not (tmp_path / MASTER_KEY).exists()


def test_a_house_on_a_server_holds_data_wherever_its_key_comes_from(tmp_path):
    url = {"DATABASE_URL": "postgresql://127.0.0.1:1/a"}

    assert not holds_data(tmp_path, url)
    assert holds_data(tmp_path, {**url, VARIABLE: KEY.hex()})
    make_key_file(tmp_path / MASTER_KEY, os.urandom)
    assert holds_data(tmp_path, url)


def test_two_rotations_at_once_are_one_too_many(tmp_path):
    source = MasterKeySource(tmp_path / MASTER_KEY)
    with rotating(source), pytest.raises(KeyTrouble, match="under way"), rotating(source):
        pass
    with rotating(source):
        pass


def test_a_key_that_is_away_or_cannot_be_read_is_named_with_what_to_do(tmp_path):
    (tmp_path / "folder").mkdir()

    assert refused(MasterKeySource(tmp_path / "away")) == (
        f"there is no {tmp_path / 'away'}: restore it from your backup of the keys"
    )
    assert refused(MasterKeySource(tmp_path / "folder")) == f"{tmp_path / 'folder'} cannot be read: Is a directory"
