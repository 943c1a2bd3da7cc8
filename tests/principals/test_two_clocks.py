"""The two clocks of a session, on the wire: it idles out or comes to its end, and a clean stop forgets neither."""

import pytest

from lingpai.composition import open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.vocabulary.values import User, Visitor
from tests.principals.asking import ask

SECOND = 1000
SETTINGS = {"LINGPAI_CONTRACTS__MOWORK__IDLE_SECONDS": "600", "LINGPAI_CONTRACTS__MOWORK__TOKEN_SECONDS": "3600"}


class Machine:
    now = 1_767_225_600_000

    def __call__(self):
        return self.now


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def house(tmp_path, machine):
    house = open_house(tmp_path / "data", SETTINGS, clock=machine)
    house.start()
    AddUser(house.stores, house.clock)("operator", NewUser(User(0, "mei", "", ""), "correct horse battery", ()))
    yield house
    house.stop()


def sign_in(house):
    client = house.stores.clients.by_id(built_in_id("mowork", "pc"))
    visitor = Visitor(terms=house.served["mowork"].contract.terms, client=client, client_type="pc")
    return MintToken(house.stores, house.opening)(visitor, TokenAsked(1)).token


def state(house, token):
    """Use the token, and return why it is refused, or "live"."""
    status, body = ask(house, "/mowork/user/checktoken", token=token, name="mei")
    return "live" if status == 200 else body["responseParam"]["reason"]


def test_a_session_that_is_never_used_idles_out_to_the_second(house, machine):
    unused, early = sign_in(house), sign_in(house)

    machine.now += 600 * SECOND - 1
    assert state(house, early) == "live"
    house.sightings.flush()
    machine.now += 1
    assert state(house, unused) == "idle"
    assert state(house, early) == "live"


def test_use_keeps_it_alive_until_its_absolute_end(house, machine):
    token = sign_in(house)
    began = machine.now

    for minute in range(5, 60, 5):
        machine.now = began + minute * 60 * SECOND
        assert state(house, token) == "live"
        house.sightings.flush()
    machine.now = began + 3600 * SECOND
    assert state(house, token) == "expired"


def test_a_session_idles_no_sooner_than_its_setting_says_after_any_use(house, machine):
    """
    Uses within an interval are not written, so the stored end has that interval to spare.
    """
    token = sign_in(house)
    for _ in range(3):
        machine.now += 59 * SECOND
        assert state(house, token) == "live"
        house.sightings.flush()
    machine.now += 600 * SECOND - 1
    assert state(house, token) == "live"


def test_what_was_seen_survives_a_clean_stop(tmp_path, house, machine):
    token = sign_in(house)
    machine.now += 500 * SECOND
    assert state(house, token) == "live"

    house.stop()
    machine.now += 599 * SECOND
    again = open_house(tmp_path / "data", SETTINGS, clock=machine)
    again.start()

    assert state(again, token) == "live"
    again.stop()


def test_at_most_one_row_a_minute_is_written_of_a_session(house, machine, monkeypatch):
    token = sign_in(house)
    written = []
    saw = house.stores.traces.saw

    def count(batch):
        written.extend(batch)
        saw(batch)

    monkeypatch.setattr(house.stores.traces, "saw", count)
    machine.now += 1

    for _ in range(600):
        assert state(house, token) == "live"
        machine.now += SECOND
        house.sightings.flush()

    assert len(written) <= 11
