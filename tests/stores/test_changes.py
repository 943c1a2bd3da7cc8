"""What a change promises, in every store: all of it or nothing, written down, and told afterwards."""

from dataclasses import asdict, replace

import pytest

from lingpai.vocabulary.events import AuditRow, Event, FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Reason, Refused
from tests.stores.samples import NOW, code, done, generation, key, notice, session, told, user


def everything(stores, beginning):
    """Return all that can be read, and heard since *beginning*."""
    return (
        stores.accounts.page(0, 99),
        stores.companies.page(0, 99),
        stores.clients.page("", 99),
        [stores.sessions.standing_of(s.id) for n in (1, 2) for s in stores.sessions.of_user(n)],
        stores.generations.newest("s1"),
        stores.codes.find(b"c"),
        stores.notices.page(1, 99),
        stores.keys.of("pepper"),
        stores.audit.page(0, 99),
        told(stores, beginning),
        stores.moments.latest(),
    )


def change_everything(change):
    change.also(done("user:added"))
    change.accounts.add(user("new"))
    change.accounts.set_password(1, "new")
    change.companies.join(1, 1, is_admin=True)
    change.clients.save(replace(change.clients.by_id("app"), enabled=False))
    change.sessions.end("s1", Reason.KICKED_OUT, NOW)
    change.sessions.open(session("s2"))
    change.generations.add(generation(1))
    change.codes.add(code(b"c"))
    change.notices.add(notice("n"))
    change.keys.add(key("pepper"))
    change.feed.delete_over(NOW + 1, 99)
    change.moments.start_again()


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError(), Refused(Outcome.NAME_TAKEN, "taken"), NotRemembered(), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
def test_what_is_raised_inside_undoes_everything_and_passes_through(house, error):
    beginning = house.feed.here()
    with house.change(done()):
        pass
    house.moments.reach(NOW)
    before = everything(house, beginning)
    heard: list[object] = []
    house.listen(heard.append)

    with pytest.raises(type(error)) as raised:
        break_off(house, error)

    assert raised.value is error
    assert everything(house, beginning) == before
    assert heard == []


def break_off(stores, error):
    with stores.change(done()) as change:
        change_everything(change)
        raise error


def test_a_change_after_one_that_was_undone_is_whole(house):
    with pytest.raises(ZeroDivisionError):
        break_off(house, ZeroDivisionError())

    with house.change(done()) as change:
        change_everything(change)

    assert house.accounts.named("new") is not None
    assert house.sessions.standing_of("s2") is not None


def test_a_change_reads_what_it_wrote_and_nobody_else_does_yet(house):
    with house.change(done()) as change:
        change_everything(change)

        assert change.accounts.named("new") is not None
        assert change.sessions.standing_of("s1").session.ended == NOW
        assert change.generations.newest("s1").number == 1
        assert change.codes.find(b"c") is not None
        assert house.accounts.named("new") is None
        assert house.sessions.standing(b"s1").session.ended is None
        assert house.notices.page(1, 9) == []

    assert house.accounts.named("new") is not None


def test_each_event_is_an_audit_row(stores, clock):
    first = Event("user:added", "user", "1", "operator", {"name": "美 🌸", "number": 7, "nothing": None})
    second = Event("session:opened", "session", "s", told=False)
    with stores.change(first) as change:
        change.also(second)
    clock.now += 5
    with stores.change(second):
        pass

    assert stores.audit.page(0, 99) == [
        AuditRow(1, NOW, **without_told(first)),
        AuditRow(2, NOW, **without_told(second)),
        AuditRow(3, NOW + 5, **without_told(second)),
    ]
    assert [row.number for row in stores.audit.page(1, 1)] == [2]


def without_told(event):
    return {name: part for name, part in asdict(event).items() if name != "told"}


def test_what_is_told_is_in_the_feed_in_order(stores):
    beginning = stores.feed.here()
    with stores.change(done(subject="session", subject_id="a")) as change:
        change.also(done(told=False))
        change.also(done(subject="client", subject_id="b"))

    heard = stores.feed.after(beginning)
    assert heard.entries == [FeedEntry(1, "session", "a"), FeedEntry(2, "client", "b")]
    assert told(stores, heard.place) == []
    assert told(stores, stores.feed.here()) == []


def test_an_empty_feed_tells_nothing(stores):
    beginning = stores.feed.here()

    assert told(stores, beginning) == []
    assert told(stores, stores.feed.after(beginning).place) == []


def test_a_follower_behind_what_is_kept_hears_none(stores, clock):
    places = [stores.feed.here()]
    for _ in range(5):
        with stores.change(done()):
            clock.now += 1
        places.append(stores.feed.here())

    with stores.change(done(told=False)) as change:
        change.feed.delete_over(NOW, 99)
        assert change.feed.delete_over(NOW + 3, 99) == 2

    assert told(stores, places[0]) is None
    assert told(stores, places[1]) is None
    assert [entry.number for entry in told(stores, places[3])] == [4, 5]


def test_the_feed_is_trimmed_in_batches_and_never_of_its_newest_entry(stores, clock):
    for _ in range(6):
        with stores.change(done()):
            pass

    with stores.change(done(told=False)) as change:
        change.feed.delete_over(NOW, 99)
        assert [change.feed.delete_over(NOW + 1, 2) for _ in range(4)] == [2, 2, 1, 0]
    before = stores.feed.here()
    with stores.change(done()):
        pass

    assert [entry.number for entry in told(stores, before)] == [7]


def test_listeners_hear_each_change_after_its_commit_and_before_it_returns(stores):
    heard = []
    beginning = stores.feed.here()

    def hear(entries):
        heard.append((entries, told(stores, beginning), stores.accounts.named("mei")))

    stores.listen(hear)
    with stores.change(done()) as change:
        mei = change.accounts.add(user("mei"))
        change.also(done(told=False))
        assert heard == []

    entries = [FeedEntry(1, "user", "1")]
    assert heard == [(entries, entries, mei)]


def test_a_listener_may_make_a_change_of_its_own(stores):
    def hear(entries):
        if entries[0].number == 1:
            with stores.change(done()):
                pass

    stores.listen(hear)
    beginning = stores.feed.here()
    with stores.change(done()):
        pass

    assert len(told(stores, beginning)) == 2


def test_a_change_inside_a_change_is_a_defect_and_said_at_once(stores):
    with pytest.raises(RuntimeError), stores.change(done()), stores.change(done()):
        pass
    with pytest.raises(RuntimeError), stores.change(done()):
        stores.traces.issue("s1", 0, 1)

    assert stores.audit.page(0, 9) == []


def test_a_user_that_is_locked_is_read_as_it_is_kept(house):
    with house.change(done(told=False)) as change:
        change.accounts.set_enabled(1, enabled=False)
        assert change.accounts.lock(1).enabled is False
        assert change.accounts.lock(99) is None
        assert change.clients.lock("app").id == "app"
        assert change.clients.lock("nobody") is None
        kept = change.keys.add(key("pepper"))
        assert change.keys.lock("pepper") == [kept]


def test_a_place_that_the_feed_never_gave_is_not_followed(stores):
    with stores.change(done()):
        pass

    beyond = 2 if isinstance(stores.feed.here(), int) else f"{10**15}:{10**15}:"
    assert told(stores, beyond) is None
