"""A worker's memory is believed exactly as long as it can be: every point of the design has its test here."""

import itertools
import random
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from lingpai.edge.checks.server_time import write_server_time
from lingpai.principals import remembered as module
from lingpai.principals.remembered import LEASE_SECONDS, Remembered, ticks_while_asleep
from lingpai.stores.sql.stores import open_sqlite
from lingpai.vocabulary.events import Event, FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Reason, Refused
from lingpai.vocabulary.values import AuthCode, Client, Session, Sighting, Standing, User
from tests.conformance.stage import Stage

DONE = Event("test:done", "session", "nobody")


def end(town, session_id, at=None):
    with town.stores.change(Event("session:ended", "session", session_id)) as change:
        change.sessions.end(session_id, Reason.SIGNED_OUT, at or town.now)


# The lease.


def test_the_lease_counts_from_the_moment_that_the_question_was_sent(town):
    worker = town.worker()
    worker.fill("mei1")
    town.tables.slowness = 0.4
    worker.follower.poll()
    sent = town.ticks.now - 0.4
    town.tables.slowness = 0

    town.ticks.now = sent + LEASE_SECONDS - 0.01
    assert worker.remembers("mei1")
    town.ticks.now = sent + LEASE_SECONDS
    assert not worker.remembers("mei1")


def test_an_answer_that_took_longer_than_the_lease_confirms_nothing(town):
    worker = town.worker()
    worker.fill("mei1")
    town.tables.slowness = LEASE_SECONDS

    worker.follower.poll()

    assert not worker.remembers("mei1")


def test_what_was_learnt_is_kept_over_a_lease_that_ran_out_and_believed_again_after_the_next_poll(town):
    worker = town.worker()
    worker.fill("mei1")
    town.ticks.now += 10
    assert not worker.remembers("mei1")
    assert not worker.remembers_client("app")

    worker.follower.poll()

    assert worker.remembers("mei1")


def test_the_lease_runs_on_a_clock_that_counts_sleep(monkeypatch):
    monkeypatch.setattr(time, "clock_gettime", lambda which: {time.CLOCK_BOOTTIME: 7.0}[which])

    assert ticks_while_asleep() == 7.0


def test_a_worker_that_was_stopped_asks_before_it_accepts(town):
    worker = town.worker()
    worker.fill("mei1")
    end(town, "mei1")
    town.ticks.now += 5

    assert not worker.remembers("mei1")
    assert worker.asking.standing_of("mei1").session.end_reason is Reason.SIGNED_OUT


# Endings.


def test_on_its_own_worker_an_ending_holds_at_once(town):
    worker = town.worker(hears=True)
    worker.fill("mei1", "mei2")

    end(town, "mei1")

    assert not worker.remembers("mei1")
    assert worker.remembers("mei2")


def test_another_worker_hears_of_an_ending_with_its_next_poll(town):
    worker = town.worker()
    worker.fill("mei1", "mei2")

    end(town, "mei1")
    worker.follower.poll()

    assert not worker.remembers("mei1")
    assert worker.remembers("mei2")


def test_what_is_ended_is_not_remembered_when_it_is_read(town):
    worker = town.worker()
    end(town, "mei1")
    worker.follower.poll()

    worker.fill("mei1")

    assert not worker.remembers("mei1")


@pytest.mark.parametrize(
    ("subject", "subject_id", "forgotten"),
    [
        ("session", "mei2", {"mei2"}),
        ("user", "1", {"mei1", "mei2"}),
        ("client", "app", {"mei1", "bo1"}),
        ("company", "1", {"mei1", "mei2"}),
        ("company", "2", set()),
        ("contract", "mowork", {"mei1", "mei2", "bo1"}),
        ("contract", "zhiyun", set()),
        ("secret", "app", set()),
        ("keys", "pepper", set()),
        ("module", "garden", set()),
        ("everything", "", {"mei1", "mei2", "bo1"}),
    ],
)
def test_an_entry_forgets_whatever_its_subject_is_part_of(town, subject, subject_id, forgotten):
    worker = town.worker(hears=True)
    everyone = {"mei1", "mei2", "bo1"}
    worker.fill(*everyone)

    town.tell(subject, subject_id)

    assert {each for each in everyone if not worker.remembers(each)} == forgotten


@pytest.mark.parametrize(("subject", "subject_id", "kept"), [("secret", "app", {"h5"}), ("keys", "data", set())])
def test_a_rotation_forgets_clients_and_no_session(town, subject, subject_id, kept):
    worker = town.worker(hears=True)
    worker.fill("mei1", "mei2", "bo1")
    for client_id in ("app", "h5"):
        worker.asking.by_id(client_id)

    town.tell(subject, subject_id)

    assert {each for each in ("app", "h5") if worker.remembers_client(each)} == kept
    assert all(worker.remembers(each) for each in ("mei1", "mei2", "bo1"))


def test_a_client_that_changed_is_forgotten(town):
    worker = town.worker(hears=True)
    worker.asking.by_id("app")
    worker.asking.by_id("h5")
    assert worker.remembers_client("app")

    town.tell("client", "app")

    assert not worker.remembers_client("app")
    assert worker.remembers_client("h5")


def test_an_entry_that_is_applied_twice_does_what_once_does(town):
    worker = town.worker(hears=True)
    worker.fill("mei1", "mei2", "bo1")

    end(town, "mei1")
    worker.follower.poll()
    worker.follower.poll()

    assert worker.remembers("mei2")
    assert worker.remembers("bo1")


def test_a_worker_older_than_the_oldest_entry_kept_forgets_everything(town):
    worker = town.worker()
    worker.fill("mei1", "mei2", "bo1")
    for _ in range(5):
        end(town, "mei1")
        town.now += 1
    with town.stores.change(DONE) as change:
        change.feed.delete_over(town.now, 100)

    worker.follower.poll()

    assert not any(worker.remembers(each) for each in ("mei1", "mei2", "bo1"))


# The cold fill.


STEPS = {
    "reader": ("mark", "read", "keep"),
    "other reader": ("mark", "read", "keep"),
    "ender": ("commit", "hear"),
    "follower": ("poll",) * 3,
    "stranger": ("tell",),
}


def orders(count):
    """Return *count* different orders in which all of them can take their steps."""
    rng = random.Random(20_260_101)
    actors = [actor for actor, steps in STEPS.items() for _ in steps]
    found: set[tuple[str, ...]] = set()
    while len(found) < count:
        rng.shuffle(actors)
        found.add(tuple(actors))
    return found


def is_stale_after(town, order, *, ended_here):
    """
    Play *order*, then let the feed be applied; return whether the ended session is remembered all the same.

    Args:
        ended_here: The ender is this worker itself, which hears of its change after the commit.

    """
    worker = town.worker()
    remembered = worker.remembered
    heard: list[Any] = []
    marks, rows = {}, {}
    town.stores.listen(heard.append)
    left = {actor: iter(steps) for actor, steps in STEPS.items()}
    for actor in order:
        match next(left[actor]):
            case "mark":
                marks[actor] = remembered.mark()
            case "read":
                rows[actor] = town.stores.sessions.standing_of("mei1")
            case "keep":
                remembered.keep_standing(rows[actor], marks[actor])
            case "commit":
                end(town, "mei1")
                ending = heard[-1]
            case "hear" if ended_here:
                remembered.apply(ending)
            case "poll":
                worker.follower.poll()
            case "tell":
                town.tell("session", "bo1")
    worker.follower.poll()
    return worker.remembers("mei1")


@pytest.mark.parametrize("ended_here", [True, False], ids=["ended here", "ended elsewhere"])
def test_a_stale_row_is_kept_in_none_of_ten_thousand_interleavings(town, ended_here):
    assert not any(is_stale_after(type(town)(), order, ended_here=ended_here) for order in orders(10_000))


@pytest.mark.parametrize("ended_here", [True, False], ids=["ended here", "ended elsewhere"])
def test_without_the_mark_stale_rows_are_kept(town, monkeypatch, ended_here):
    keep = Remembered.keep_standing
    monkeypatch.setattr(Remembered, "keep_standing", lambda self, row, _mark: keep(self, row, self._applied))

    assert any(is_stale_after(type(town)(), order, ended_here=ended_here) for order in orders(1000))


def test_threads_that_read_and_end_leave_nothing_stale(town):
    """
    The same with real threads: one reads and keeps, one ends, the follower polls.
    """
    rng = random.Random(4)
    worker = town.worker(hears=True)
    with town.stores.change(DONE) as change:
        for number in range(1000):
            change.sessions.open(
                Session(f"s{number}", 1, "app", "mowork", "pc", None, None, town.now, None, town.now + 10**6, town.now)
            )
    done = threading.Event()

    def read():
        while not done.is_set():
            worker.fill(f"s{rng.randrange(1000)}")

    def poll():
        while not done.is_set():
            worker.follower.poll()

    threads = [threading.Thread(target=each) for each in (read, read, poll)]
    for each in threads:
        each.start()
    stale = 0
    for number in range(1000):
        end(town, f"s{number}")
        stale += worker.remembers(f"s{number}")
    done.set()
    for each in threads:
        each.join()
    worker.follower.poll()

    assert stale == 0
    assert not any(worker.remembers(f"s{number}") for number in range(1000))


# Memory.


def test_the_longest_unused_go_first(town):
    worker = town.worker(most=2)
    worker.fill("mei1", "mei2")
    assert worker.remembers("mei1")

    worker.fill("bo1")

    assert [each for each in ("mei1", "mei2", "bo1") if worker.remembers(each)] == ["mei1", "bo1"]


def test_what_is_crowded_out_leaves_nothing_behind(town):
    remembered = Remembered(town.ticks, most=10)
    for number in range(1000):
        remembered.keep_standing(standing(number), remembered.mark())
        remembered.keep_code(AuthCode(b"%d" % number, "app", 1, "s", frozenset(), None, 0))

    sizes = [len(remembered._standings), len(remembered._digests), len(remembered._of_user), len(remembered._codes)]
    assert sizes == [10, 10, 10, 10]


def test_clients_are_bounded_too(town, monkeypatch):
    monkeypatch.setattr(module, "MOST_CLIENTS", 10)
    remembered = Remembered(town.ticks)

    for number in range(100):
        remembered.keep_client(Client(str(number), ""), remembered.mark())

    assert list(remembered._clients) == [str(number) for number in range(90, 100)]


def test_reading_while_others_keep_and_forget_breaks_nobody(town):
    """
    The order of use is noted on the event loop while threads walk through all that is remembered.
    """
    remembered = Remembered(time.monotonic, most=2000)
    done = threading.Event()
    broken = []

    def confirming(act):
        def run():
            numbers = itertools.count()
            try:
                while not done.is_set():
                    remembered.confirm(time.monotonic())
                    with suppress(NotRemembered):
                        act(next(numbers))
            except Exception as trouble:  # noqa: BLE001 - told below
                broken.append(trouble)

        return threading.Thread(target=run)

    threads = [
        confirming(lambda n: remembered.keep_standing(standing(n % 4000), remembered.mark())),
        confirming(lambda n: remembered.apply([FeedEntry(n, "client", "nobody")])),
        confirming(lambda n: remembered.apply([FeedEntry(n, "company", "7")])),
        confirming(lambda n: remembered.standing_of(f"s{n % 4000}")),
        confirming(lambda n: remembered.standing(b"%d" % (n % 4000))),
    ]
    for each in threads:
        each.start()
    time.sleep(1)
    done.set()
    for each in threads:
        each.join()

    assert broken == []


def standing(number):
    session = Session(f"s{number}", number, "app", "mowork", "pc", b"%d" % number, None, 0, None, 1, 0)
    return Standing(session, User(number, "", "", ""), Client("app", ""), ())


# Idling.


def test_an_idle_end_is_believed_only_once_it_is_written(town):
    worker = town.worker()
    idling = town.stores.sessions.standing_of("mei1")
    idling = msgspec.structs.replace(idling, session=msgspec.structs.replace(idling.session, idle_end=town.now + 10))
    worker.remembered.keep_standing(idling, worker.remembered.mark())
    sighting = Sighting("mei1", town.now + 5, town.now + 15)

    worker.remembered.saw(sighting)
    seen = worker.memory.standing_of("mei1").session
    worker.remembered.wrote([sighting], town.now + 6)
    written = worker.memory.standing_of("mei1").session

    assert (seen.last_seen - town.now, seen.idle_end - town.now) == (5, 10)
    assert (written.last_seen - town.now, written.idle_end - town.now) == (5, 15)


def test_a_use_that_was_written_when_the_session_may_have_been_over_is_asked_about(town):
    worker = town.worker()
    idling = town.stores.sessions.standing_of("mei1")
    idling = msgspec.structs.replace(idling, session=msgspec.structs.replace(idling.session, idle_end=town.now + 10))
    worker.remembered.keep_standing(idling, worker.remembered.mark())

    worker.remembered.wrote([Sighting("mei1", town.now + 5, town.now + 15)], town.now + 10)

    assert not worker.remembers("mei1")


# The follower.


def test_a_store_that_is_silent_lets_the_lease_run_out(town):
    worker = town.worker()
    worker.fill("mei1")
    town.tables.silent = True
    with pytest.raises(Refused):
        worker.follower.poll()

    assert worker.remembers("mei1")
    town.ticks.now += LEASE_SECONDS
    assert not worker.remembers("mei1")
    with pytest.raises(Refused) as refused:
        worker.asking.standing_of("mei1")
    assert refused.value.outcome is Outcome.STORE_SILENT


def test_a_follower_goes_on_after_the_store_was_silent_and_says_so_once_each_way(town, caplog):
    worker = town.worker()
    worker.follower.start()
    town.tables.silent = True
    time.sleep(0.5)
    town.tables.silent = False
    town.ticks.now += 10
    worker.fill("mei1")
    deadline = time.monotonic() + 5
    while not worker.remembers("mei1") and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.follower.stop()

    assert worker.remembers("mei1")
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "the change feed does not answer",
        "the change feed answers again",
    ]


def test_a_store_that_is_silent_is_503_in_the_contracts_words_for_a_token_that_was_good(mowork_call):
    stage, ask = mowork_call
    assert ask()[0] == 200
    assert ask()[0] == 200

    stage.fault("store")
    status, _, body = ask()

    assert status == 503
    assert b'"100503"' in body
    stage.fault("none")
    assert ask()[0] == 200


@pytest.fixture
def mowork_call():
    stage = Stage("mowork")
    stage.user("mei", "correct horse")
    token = "A" * 32
    stage.session("mei", token)

    def ask():
        told = write_server_time(stage.now)
        body = (
            f'{{"client_type":"pc","client_sys_version":"1","api_version":"v1","req_timestamp":"{told}",'
            f'"username":"mei","user_token":"{token}"}}'
        )
        headers = [("Content-Type", "application/json"), ("X-Token", token), ("X-Username", "mei")]
        return stage.answer("POST", "/mowork/user/checktoken", headers, body)

    return stage, ask


# SQLite.


def test_a_read_never_reuses_an_open_transaction(tmp_path, town):
    """
    Whatever a read did before, also fail half-way, the next one on its connection sees what others have committed.
    """
    first, second = (open_sqlite(tmp_path / "lingpai.db", lambda: town.now, threads=1) for _ in range(2))
    for number in range(20):
        seen = [user.name for user in first.accounts.page(0, 100)]
        with suppress(Exception):
            first.accounts.named("\ud800")
        with suppress(ZeroDivisionError), first.change(DONE) as change:
            change.accounts.page(0, 100)
            raise ZeroDivisionError
        with second.change(DONE) as change:
            change.accounts.add(User(0, f"u{number:02}", f"u{number:02}", ""))
        assert [user.name for user in first.accounts.page(0, 100)] == [*seen, f"u{number:02}"]
        with first._database._engine.connect() as connection:
            # It could not begin inside a transaction.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    first.close()
    second.close()


class ForgottenBehind(OrderedDict):
    """Sessions of which another thread forgets one right behind the look that finds it."""

    def __init__(self, kept, forget):
        super().__init__(kept)
        self._forget = forget

    def get(self, key, default=None):
        found = super().get(key, default)
        self._forget(key)
        return found


def test_a_session_that_is_forgotten_while_its_use_is_noted_breaks_nothing(town):
    worker = town.worker(most=2)
    worker.fill("mei1", "mei2")
    remembered = worker.remembered
    remembered._standings = ForgottenBehind(remembered._standings, remembered._forget_session)

    assert worker.memory.standing_of("mei1").session.id == "mei1"
    assert list(remembered._standings) == ["mei2"]


def test_the_event_loop_waits_for_nobody_who_is_at_work_on_what_is_remembered(town):
    worker = town.worker(most=2)
    worker.fill("mei1", "mei2")

    with worker.remembered._lock:
        assert worker.remembers("mei1")
    worker.fill("bo1")

    # Its use was not noted, so it went as if it had not been.
    assert [each for each in ("mei1", "mei2", "bo1") if worker.remembers(each)] == ["mei2", "bo1"]


def test_where_the_system_counts_no_sleep_the_clock_still_never_goes_back(monkeypatch):
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")

    before = time.monotonic()
    assert before <= ticks_while_asleep() <= time.monotonic()
