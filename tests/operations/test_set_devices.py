"""How many sessions a user may have at once, for each client and each client type, and what the victim hears."""

import pytest

from lingpai.composition import open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.set_devices import Devices, SetDevices
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from lingpai.vocabulary.values import User, Visitor
from tests.principals.asking import ask

PC, H5 = built_in_id("mowork", "pc"), built_in_id("mowork", "h5")


@pytest.fixture
def house(tmp_path):
    house = open_house(tmp_path / "data", {})
    house.start()
    AddUser(house.stores, house.clock)("operator", NewUser(User(0, "mei", "", ""), "correct horse battery", ()))
    yield house
    house.stop()


def sign_in(house, client_id):
    visitor = Visitor(terms=house.served["mowork"].contract.terms, client=house.stores.clients.by_id(client_id))
    return MintToken(house.stores, house.opening)(visitor, TokenAsked(1)).token


def reason(house, token):
    """Return why a token is refused, or None where it is not."""
    status, body = ask(house, "/mowork/user/checktoken", token=token, name="mei")
    return None if status == 200 else body["responseParam"]["reason"]


def test_the_newest_replaces_the_oldest_at_its_client_type_and_the_victim_is_told(house):
    SetDevices(house.stores)("operator", Devices(PC, 2))
    elsewhere = sign_in(house, H5)

    first, second, third = (sign_in(house, PC) for _ in range(3))

    assert reason(house, first) == Reason.REPLACED.value
    assert [reason(house, each) for each in (second, third, elsewhere)] == [None, None, None]


def test_or_the_newest_is_refused(house):
    SetDevices(house.stores)("operator", Devices(PC, 1, replaces=False))
    first = sign_in(house, PC)

    with pytest.raises(Refused) as refused:
        sign_in(house, PC)

    assert refused.value.outcome is Outcome.TOO_MANY_DEVICES
    assert reason(house, first) is None
    assert reason(house, sign_in(house, H5)) is None


def test_a_lower_limit_counts_from_the_next_sign_in(house):
    tokens = [sign_in(house, PC) for _ in range(3)]

    SetDevices(house.stores)("operator", Devices(PC, 1))
    assert [reason(house, each) for each in tokens] == [None, None, None]
    sign_in(house, PC)

    assert [reason(house, each) for each in tokens] == ["replaced"] * 3


def test_a_limit_can_be_lifted(house):
    SetDevices(house.stores)("operator", Devices(PC, 1))
    SetDevices(house.stores)("operator", Devices(PC, None))

    tokens = [sign_in(house, PC) for _ in range(3)]

    assert [reason(house, each) for each in tokens] == [None, None, None]


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [(Devices(PC, 0), Outcome.ARGUMENT_BAD), (Devices("nobody", 1), Outcome.NOTHING_THERE)],
)
def test_what_makes_no_sense_is_refused(house, asked, outcome):
    with pytest.raises(Refused) as refused:
        SetDevices(house.stores)("operator", asked)

    assert refused.value.outcome is outcome
