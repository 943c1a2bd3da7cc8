"""What a worker remembers of a session costs little, and is the same for whoever asks."""

from dataclasses import replace

import msgspec
import pytest

from lingpai.principals import remembered as module
from lingpai.principals.remembered import Remembered
from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import NotRemembered
from lingpai.vocabulary.values import Client, Membership, Session, Standing, User


def standing(session_id, user_id):
    """Return a standing none of whose parts is shared, as each read of the database makes one."""
    session = Session(session_id, user_id, "app", "mowork", "pc", session_id.encode(), None, 1, 90_000, 99_000, 1)
    user = User(user_id, f"Mei{user_id}", f"mei{user_id}", "$argon2id$hash")
    return Standing(session, user, Client("app", "App", contracts=frozenset({"mowork"})), (Membership(1, "和园"),))


@pytest.fixture
def remembered():
    remembered = Remembered(ticks=lambda: 0.0)
    remembered.confirm(0.0)
    return remembered


def forget(remembered, subject, subject_id):
    remembered.apply([FeedEntry(1, subject, subject_id)])
    remembered.confirm(0.0)


def test_all_is_remembered_but_the_password(remembered):
    whole = standing("one", 1)

    remembered.keep_standing(whole, remembered.mark())

    assert remembered.standing_of("one") == msgspec.structs.replace(whole, user=replace(whole.user, password=""))


def test_what_sessions_have_alike_is_kept_once(remembered):
    for number in (1, 2):
        remembered.keep_standing(standing(f"s{number}", number), remembered.mark())

    one, two = remembered.standing_of("s1"), remembered.standing_of("s2")
    assert one.client is two.client
    assert one.memberships is two.memberships


def test_a_client_that_changed_is_not_taken_for_the_one_it_was(remembered):
    remembered.keep_standing(standing("one", 1), remembered.mark())
    changed = standing("two", 2)
    changed = msgspec.structs.replace(changed, client=replace(changed.client, enabled=False))

    remembered.keep_standing(changed, remembered.mark())

    assert (remembered.standing_of("one").client.enabled, remembered.standing_of("two").client.enabled) == (True, False)


@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_every_session_of_a_user_is_forgotten_at_once_and_no_other(remembered, sessions):
    names = [f"s{number}" for number in range(sessions)]
    for name in names * 2:
        remembered.keep_standing(standing(name, 1), remembered.mark())
    remembered.keep_standing(standing("other", 2), remembered.mark())

    forget(remembered, "user", "1")

    for name in names:
        with pytest.raises(NotRemembered):
            remembered.standing_of(name)
    assert remembered.standing_of("other").user.id == 2


@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_sessions_forgotten_one_by_one_leave_nothing_behind(remembered, sessions):
    names = [f"s{number}" for number in range(sessions)]
    for name in names:
        remembered.keep_standing(standing(name, 1), remembered.mark())

    for name in names:
        forget(remembered, "session", name)

    assert not remembered._of_user
    assert not remembered._digests


def test_what_sessions_have_alike_is_let_go_of_before_it_fills_the_memory(remembered, monkeypatch):
    monkeypatch.setattr(module, "MOST_CLIENTS", 10)
    for number in range(100):
        each = standing(f"s{number}", number)
        each = msgspec.structs.replace(each, client=replace(each.client, name=f"App {number}"))
        remembered.keep_standing(each, remembered.mark())

    assert len(remembered._alike) <= 10 + 2
    assert [remembered.standing_of(f"s{number}").client.name for number in (0, 99)] == ["App 0", "App 99"]
