"""What was confirmed stays: how SQLite is set, and a process that is killed."""

import stat

import pytest

from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.values import Session
from tests.stores.programs import REPORT, Program, open_at
from tests.stores.samples import done, notice, told

ENOUGH = 150


def pragma(stores, name):
    with stores._database._engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_every_connection_is_set_to_keep_what_it_confirms(sqlite, name, expected):
    engine = sqlite._database._engine

    with engine.connect(), engine.connect():
        assert pragma(sqlite, name) == expected


def test_nobody_else_reads_the_files(sqlite, path):
    with sqlite.change(done()):
        pass

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(sqlite, path, clock):
    sqlite.close()
    path.chmod(0o644)

    open_sqlite(path, clock).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_path_may_be_written_in_any_characters(tmp_path, clock):
    path = tmp_path / "令牌 100%? #1" / "a&b=c.db"

    stores = open_sqlite(path, clock)
    stores.close()

    assert path.exists()


def test_what_is_closed_and_opened_again_is_all_there(sqlite_house, path, clock):
    before = sqlite_house.sessions.standing(b"s1")
    assert isinstance(before.session, Session)
    sqlite_house.close()

    again = open_sqlite(path, clock)

    assert again.sessions.standing(b"s1") == before
    again.close()


def test_a_killed_process_has_kept_every_change_that_it_reported(place, clock):
    stores = open_at(place, clock)
    beginning = stores.feed.here()
    stores.close()
    reported: list[str] = []
    for first in (0, 10_000, 20_000):
        program = Program(REPORT, place, first)
        reported += program.hear_many(ENOUGH)
        reported += program.kill()

    stores = open_at(place, clock)
    kept = {each.title for each in stores.notices.page(1, 10_000)}
    heard = {entry.subject_id for entry in told(stores, beginning)}
    audited = {row.subject_id for row in stores.audit.page(0, 10_000)}

    assert len(reported) >= 3 * ENOUGH
    assert kept >= set(reported)
    assert kept == heard == audited
    with stores.change(done()) as change:
        change.notices.add(notice("after"))
    stores.close()


def test_sqlite_is_whole_after_its_process_was_killed(path, clock):
    program = Program(REPORT, path, 0)
    program.hear_many(ENOUGH)
    program.kill()

    stores = open_sqlite(path, clock)
    assert pragma(stores, "integrity_check") == "ok"
    stores.close()
