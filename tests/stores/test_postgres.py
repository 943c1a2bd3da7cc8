"""A PostgreSQL that does not answer, is stopped, killed, unfit; and how a connection to it is set."""

import threading
import time

import psycopg
import pytest

from lingpai.stores.sql import postgres as postgres_module
from lingpai.stores.sql.postgres import REST_SECONDS, UnfitPostgres, open_postgres
from lingpai.vocabulary.outcomes import Outcome, Refused
from tests.stores.samples import done, session, user


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


def seconds(act, *args):
    began = time.monotonic()
    act(*args)
    return time.monotonic() - began


def await_answer(stores):
    """Return how long it took until the stores answered again."""
    began = time.monotonic()
    while True:
        try:
            change(stores)
        except Refused:
            assert time.monotonic() - began < 15
            time.sleep(0.05)
        else:
            return time.monotonic() - began


@pytest.fixture
def own_stores(own_postgres, clock):
    stores = open_postgres(own_postgres.url(), clock)
    change(stores)
    yield stores
    own_postgres.go_on()
    stores.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("statement_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("synchronous_commit", "on"),
        ("application_name", "lingpai"),
        ("client_encoding", "UTF8"),
    ],
)
def test_every_connection_is_set_to_keep_what_it_confirms(postgres, postgres_url, clock, name, expected):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "ALTER ROLE CURRENT_USER IN DATABASE " + postgres_url.rpartition("/")[2] + " SET synchronous_commit TO off"
        )
    stores = open_postgres(postgres_url, clock)

    with stores._database._engine.connect() as connection:
        assert connection.exec_driver_sql(f"SHOW {name}").scalar() == expected
    stores.close()


def test_a_stronger_promise_of_the_server_is_left_alone(postgres_url, clock):
    stores = open_postgres(postgres_url + "?options=-c%20synchronous_commit%3Dremote_apply", clock)

    with stores._database._engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "remote_apply"
    stores.close()


@pytest.mark.parametrize("act", [read, change, issue])
def test_a_stopped_server_is_silent_then_refused_at_once_and_heard_when_it_goes_on(own_postgres, own_stores, act):
    own_postgres.stop()

    assert seconds(refusal, act, own_stores) < postgres_module.ANSWER_SECONDS + 1
    # One of them may be the next that tries, on a machine so slow that the rest is over.
    assert sum("a moment ago" in refusal(act, own_stores) for _ in range(20)) >= 19

    own_postgres.go_on()
    assert await_answer(own_stores) < REST_SECONDS + 1


def test_while_one_tries_again_the_others_are_refused_at_once(own_postgres, own_stores):
    own_postgres.stop()
    refusal(read, own_stores)
    time.sleep(REST_SECONDS)
    trying = threading.Thread(target=refusal, args=(read, own_stores))
    trying.start()
    time.sleep(0.2)

    assert trying.is_alive()
    assert "a moment ago" in refusal(read, own_stores)
    trying.join()


def test_a_killed_server_is_silent_and_heard_when_it_is_started_again(own_postgres, own_stores):
    own_postgres.kill()

    for act in (read, change, issue):
        assert seconds(refusal, act, own_stores) < 1
    assert "a moment ago" in refusal(read, own_stores)

    own_postgres.start()
    assert await_answer(own_stores) < REST_SECONDS + 1


def test_a_change_whose_server_is_killed_is_not_made(own_postgres, own_stores):
    def cut_off():
        with own_stores.change(done()) as inside:
            inside.accounts.add(user("lost"))
            own_postgres.kill()

    refusal(cut_off)
    own_postgres.start()
    await_answer(own_stores)

    assert own_stores.accounts.named("lost") is None


@pytest.mark.parametrize("act", [read, change, issue])
def test_connections_that_died_in_the_pool_are_replaced_unnoticed(own_postgres, own_stores, act):
    own_postgres.kill()
    own_postgres.start()

    act(own_stores)


def test_who_finds_no_free_connection_is_refused(postgres_url, clock):
    stores = open_postgres(postgres_url, clock, connections=1)

    with stores.change(done()):
        assert "no connection" in refusal(read, stores)

    read(stores)
    stores.close()


def test_a_lock_is_waited_for_only_so_long_and_is_no_silence(postgres_house, postgres_url):
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")

        def lock():
            with postgres_house.change(done()) as inside:
                inside.accounts.lock(1)

        assert "statement timeout" in refusal(lock)
        read(postgres_house)


def test_two_that_wait_for_each_other_do_not_wait_for_ever(postgres_house):
    together = threading.Barrier(2)
    ends: list[object] = []

    def lock(first, second):
        try:
            with postgres_house.change(done()) as inside:
                inside.accounts.lock(first)
                together.wait()
                inside.accounts.lock(second)
            ends.append("made")
        except Refused as refused:
            ends.append(refused.outcome)

    both = [threading.Thread(target=lock, args=order) for order in ((1, 2), (2, 1))]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert sorted(map(str, ends)) == ["Outcome.STORE_SILENT", "made"]
    read(postgres_house)


def test_a_change_whose_statement_failed_is_not_kept_in_part(postgres_house, misuse):
    def swallow():
        with postgres_house.change(done()) as inside:
            inside.accounts.add(user("first"))
            with pytest.raises(misuse):
                inside.sessions.open(session("s1"))
            refusal(inside.accounts.add, user("second"))

    assert "earlier statement" in refusal(swallow)
    assert postgres_house.accounts.named("first") is None


def test_a_server_that_is_absent_is_silent_in_one_line(clock):
    said = refusal(open_postgres, "postgresql://me:very-secret@127.0.0.1:1/lingpai", clock)

    assert "Connection refused" in said
    assert "\n" not in said
    assert "very-secret" not in said


@pytest.mark.parametrize(
    ("change_of_url", "expected"),
    [
        (lambda url: url.replace("postgres:", "postgres:wrong", 1), "password authentication failed"),
        (lambda url: url + "_absent", "does not exist"),
    ],
)
def test_who_is_not_let_in_is_told_why_in_one_line(postgres_url, clock, change_of_url, expected):
    said = refusal(open_postgres, change_of_url(postgres_url), clock)

    assert expected in said
    assert "\n" not in said


def test_a_url_that_cannot_be_read_is_not_quoted(clock):
    with pytest.raises(UnfitPostgres) as raised:
        open_postgres("postgresql://me:very%zzsecret@127.0.0.1/lingpai", clock)

    assert "secret" not in str(raised.value)


def test_a_database_that_cannot_hold_chinese_is_not_used(databases, clock):
    url = databases._make("TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")

    with pytest.raises(UnfitPostgres, match="LATIN1"):
        open_postgres(url, clock)
    databases.drop(url)


def test_who_may_not_make_tables_is_told_so_in_one_line(databases, clock):
    url = databases.empty()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'p'")
    stranger = "postgresql://stranger:p@" + url.partition("@")[2]

    with pytest.raises(UnfitPostgres, match="permission denied"):
        open_postgres(stranger, clock)
    databases.drop(url)
    databases.ask("DROP ROLE stranger")
