"""Every race catches the naive version that it is there for."""

import pytest

from tests.torture import races

ROUNDS = 60


@pytest.mark.parametrize(
    ("race", "naive"),
    [
        ("refresh against refresh", "look_then_write"),
        ("refresh against ending", "whole_rows"),
        ("auth code against ending", "codes_deleted_with_their_session"),
        ("change of company against leaving it", "nothing_locked"),
        ("two sign-ins at the device limit", "nothing_locked"),
        ("sign-in against disabling", "nothing_locked"),
    ],
)
def test_a_naive_version_would_be_seen(tmp_path, database, race, naive, monkeypatch):
    if naive == "codes_deleted_with_their_session":
        monkeypatch.setattr(races, "is_code_alive", is_there)

    wrong = races.run(tmp_path / "data", database, race, ROUNDS, naive)

    print(f"\n{race}, {naive}: {len(wrong)} of {ROUNDS} went wrong")
    assert wrong


def is_there(hall, _stake, code):
    return hall.stores.codes.find(hall.house.keys.digest(code)) is not None
