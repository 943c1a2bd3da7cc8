"""Audit rows tell what was done, to whom and by whom; where nothing was done there is none."""

import pytest

from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.add_user import AddUser, Joining, NewUser
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.sign_in import NameAndPassword
from lingpai.principals.keys import Keyring
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.values import Client, User
from tests.operations.meanwhile import Town, refusal
from tests.operations.office import Office


@pytest.fixture
def town():
    return Town()


def test_a_session_that_is_over_already_is_not_ended_twice(town):
    caller = town.caller()
    end = EndSession(town.stores, town.house.clock)

    end(caller, None)
    before = town.stores.audit.page(0, 1000)
    end(caller, None)

    assert before[-1].kind == "session:ended"
    assert town.stores.audit.page(0, 1000) == before


def test_workers_that_start_at_once_add_one_key_and_record_one(town):
    class Later:
        """Stores in which the first look for a key comes before another worker has added it."""

        def __getattr__(self, name):
            return getattr(town.stores, name)

        class keys:  # noqa: N801 - stands for the attribute
            looked = 0

            @classmethod
            def of(cls, purpose):
                cls.looked += 1
                return () if cls.looked == 1 else town.stores.keys.of(purpose)

            all = staticmethod(town.stores.keys.all)

    town._keys.prepare("test.key")
    before = town.stores.audit.page(0, 1000)
    late = Keyring(Later(), bytes(32), town.house.clock, bytes)
    late.prepare("test.key")

    assert late.current("test.key").id == town._keys.current("test.key").id
    assert town.stores.audit.page(0, 1000) == before


def test_a_built_in_client_that_another_worker_made_is_recorded_once(town):
    house, before = town.house, town.stores.audit.page(0, 1000)
    missing = type("Missing", (), {"by_id": staticmethod(lambda _id: None)})()
    found, town.stores.clients = town.stores.clients, missing
    try:
        house._prepare_client("mowork", "pc")
    finally:
        town.stores.clients = found

    assert town.stores.audit.page(0, 1000) == before


def test_a_renewal_is_its_users():
    office = Office()
    office.renew(1)

    assert [row.actor for row in office.stores.audit.page(0, 1000) if row.kind == "session:renewed"] == ["user:1"]


def test_a_sign_in_tells_who_came_through_what(town):
    granted = town.sign_in(town.visitor(), NameAndPassword("mei", "correct horse"))
    assert isinstance(granted, Granted)
    row = town.stores.audit.page(0, 1000)[-1]

    assert (row.kind, row.subject_id, row.actor) == ("session:opened", granted.standing.session.id, "user:1")
    assert row.detail == {"user": 1, "contract": "mowork", "client": "mowork:pc", "client_type": "pc", "address": ""}


@pytest.mark.parametrize("companies", [(9,), (1, 9)])
def test_a_user_of_a_company_that_is_not_there_is_not_added(town, companies):
    town.company("一")
    add = AddUser(town.stores, town.house.clock)
    asked = NewUser(User(0, "bo", "", ""), "tiger lily", tuple(Joining(number) for number in companies))

    assert refusal(lambda: add("operator", asked)).outcome is Outcome.NOTHING_THERE
    assert town.stores.accounts.named("bo") is None


@pytest.mark.parametrize("client_id", ["mowork:pc", "a b", "甲" * 65, "a\n", "a\x1b"])
def test_a_client_id_that_no_header_could_carry_or_that_is_built_in_is_refused(town, client_id):
    add = AddClient(town.stores, town._keys, town.house.clock, town.random)
    asked = NewClient(Client(client_id, "x", contracts=frozenset({"zhiyun"})))

    assert refusal(lambda: add("operator", asked)).outcome is Outcome.ARGUMENT_BAD


def test_a_password_that_strays_into_a_log_stays_unread():
    assert "battery" not in repr(NameAndPassword("mei", "battery"))
    assert "battery" not in repr(NewUser(User(0, "mei", "", "battery"), "battery"))
