"""An SQLite that does not answer, and what is no silence but a defect."""

import threading

import pytest
from sqlalchemy.exc import IntegrityError

from lingpai.stores.sql import engine as engine_module
from lingpai.stores.sql import sqlite as sqlite_module
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.stores.samples import NOW, done, session, user


def change(stores):
    with stores.change(done()):
        pass


def issue(stores):
    stores.traces.issue("s1", 0, 1)


def read(stores):
    stores.accounts.by_id(1)


def refusal(act, *args):
    with pytest.raises(Refused) as raised:
        act(*args)
    assert raised.value.outcome is Outcome.STORE_SILENT
    return str(raised.value)


def test_a_database_that_another_program_keeps_locked_is_silent_to_writers_alone(path, clock, monkeypatch):
    monkeypatch.setattr(sqlite_module, "PRAGMAS", ("PRAGMA busy_timeout = 50",))
    stores = open_sqlite(path, clock)
    other = sqlite_module.sound_driver().connect(str(path), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    for act in (change, issue):
        assert "locked" in refusal(act, stores)
    read(stores)

    other.execute("ROLLBACK")
    other.close()
    change(stores)
    stores.close()


def test_a_writer_waits_only_so_long_for_those_before_it(stores_pair, monkeypatch):
    first, second = stores_pair
    monkeypatch.setattr(engine_module, "WAIT_SECONDS", 0.05)

    first.start()
    assert "take too long" in refusal(second)
    first.finish()

    second()


@pytest.fixture
def stores_pair(sqlite):
    """Return a change that another thread holds open, and one to be made meanwhile."""

    class Open(threading.Thread):
        begun, may_end = threading.Event(), threading.Event()

        def run(self):
            with sqlite.change(done()):
                self.begun.set()
                self.may_end.wait()

        def start(self):
            super().start()
            self.begun.wait()

        def finish(self):
            self.may_end.set()
            self.join()

    return Open(), lambda: change(sqlite)


@pytest.mark.parametrize("act", [read, change, issue])
def test_a_database_that_is_taken_away_is_silent_until_it_is_back(sqlite, path, act):
    change(sqlite)
    away = path.with_suffix(".away")
    path.rename(away)

    for _ in range(40):
        assert "taken away" in refusal(act, sqlite)
    assert not path.exists()

    away.rename(path)
    act(sqlite)


@pytest.mark.parametrize("act", [read, change, issue])
def test_a_database_that_is_replaced_under_the_server_is_not_mistaken_for_it(sqlite, path, clock, act):
    open_sqlite(path.with_name("other.db"), clock).close()

    path.with_name("other.db").rename(path)

    assert "replaced" in refusal(act, sqlite)


@pytest.mark.parametrize("keep", [0, 4096], ids=["all of it", "all but its first page"])
def test_a_corrupt_database_is_silent(sqlite_house, path, clock, keep):
    sqlite_house.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:keep] + b"\xa5" * (len(whole) - keep))

    def ask():
        stores = open_sqlite(path, clock)
        try:
            stores.accounts.by_id(1)
        finally:
            stores.close()

    refusal(ask)


def test_a_folder_cannot_be_made_in_a_file(tmp_path, clock):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        open_sqlite(tmp_path / "file" / "lingpai.db", clock)


def test_who_finds_no_free_connection_is_refused(path, clock):
    stores = open_sqlite(path, clock, threads=1)

    with stores.change(done()):
        assert "no connection" in refusal(read, stores)

    assert stores.feed.here() == 1
    stores.close()


def test_a_change_whose_statement_failed_is_not_kept_in_part(sqlite_house):
    def swallow():
        with sqlite_house.change(done()) as inside:
            inside.accounts.add(user("first"))
            with pytest.raises(IntegrityError):
                inside.sessions.open(session("s1"))
            refusal(inside.accounts.add, user("second"))

    assert "earlier statement" in refusal(swallow)
    assert sqlite_house.accounts.named("first") is None
    assert sqlite_house.accounts.named("second") is None


def test_a_defect_of_the_caller_does_not_tell_what_it_wrote(sqlite_house):
    with pytest.raises(IntegrityError) as raised, sqlite_house.change(done()) as inside:
        inside.sessions.open(session("s1", token_digest=b"very secret"))

    assert "very secret" not in str(raised.value)


def test_a_number_that_no_column_holds_is_not_written(sqlite_house):
    with pytest.raises(OverflowError), sqlite_house.change(done()) as inside:
        inside.sessions.open(session("s2", began=2**70))

    assert sqlite_house.sessions.standing_of("s2") is None
    assert sqlite_house.sessions.standing_of("s1").session.began == NOW
