"""What an operator says of a client holds on every worker, is in the audit trail, and makes sense or is refused."""

import time
from typing import Any

import pytest

from lingpai.composition import open_house
from lingpai.edge.steps import built_in_id
from lingpai.operations.add_user import AddUser, NewUser
from lingpai.operations.change_client import ChangeClient, Changing, ClientChanges
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.set_policies import PlacesAsked, PolicyAsked, SetPlaces, SetPolicy
from lingpai.principals.bell import silence
from lingpai.vocabulary.outcomes import Outcome, Refused
from lingpai.vocabulary.policies import FREE, Policy, Used, WeakForm
from lingpai.vocabulary.values import User, Visitor
from tests.principals.asking import ask

PC = built_in_id("mowork", "pc")
CHECK = "/mowork/user/checktoken"


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def house(data):
    house = open_house(data, {})
    house.start()
    AddUser(house.stores, house.clock)("operator", NewUser(User(0, "mei", "", ""), "correct horse battery", ()))
    yield house
    house.stop()


def sign_in(house):
    visitor = Visitor(terms=house.served["mowork"].contract.terms, client=house.stores.clients.by_id(PC))
    return MintToken(house.stores, house.opening)(visitor, TokenAsked(1)).token


@pytest.mark.parametrize("machine", ["the same", "another"])
def test_what_one_worker_is_told_another_knows_within_a_second(house, data, monkeypatch, machine):
    other = open_house(data, {})
    if machine == "another":  # which hears of it by the feed alone
        monkeypatch.setattr(other.remembered, "_rung", silence)
    other.start()
    token = sign_in(house)
    assert [ask(other, CHECK, token=token, name="mei")[0] for _ in range(2)] == [200, 200]

    SetPlaces(house.stores)("operator", PlacesAsked(PC, addresses=("10.0.0.0/8",)))

    if machine == "another":
        time.sleep(1.0)
    assert ask(other, CHECK, token=token, name="mei")[1]["resCode"] == "100005"
    SetPlaces(house.stores)("operator", PlacesAsked(PC, addresses=()))
    if machine == "another":
        time.sleep(1.0)
    assert ask(other, CHECK, token=token, name="mei")[0] == 200
    other.stop()


def test_a_contract_that_has_ended_for_a_client_lets_nobody_in_and_nobody_on(house):
    token = sign_in(house)
    SetPolicy(house.stores)("operator", PolicyAsked(PC, "mowork", Policy("mowork", house.clock(), house.clock())))

    status, body = ask(house, CHECK, token=token, name="mei")

    assert (status, body["responseParam"]["reason"]) == (403, "disabled")
    signed_in = ask(house, "/mowork/user/login", username="mei", password="correct horse battery")
    assert signed_in[1]["resCode"] == "100005"
    with pytest.raises(Refused):
        sign_in(house)


def test_what_was_counted_survives_a_clean_stop(house, data):
    house.weak_uses.count(Used(PC, "mowork", (WeakForm.QUERY_TOKEN,), None, house.clock()))
    house.stop()

    again = open_house(data, {})

    assert [(use.client_id, use.uses) for use in again.stores.weak_uses.since("")] == [(PC, 1)]
    again.stores.close()


def test_each_change_is_in_the_audit_trail(house):
    SetPolicy(house.stores)("operator", PolicyAsked(PC, "plain-http", Policy("plain-http", 0, 5)))
    SetPlaces(house.stores)("operator", PlacesAsked(PC, routes=("notice.*",)))
    ChangeClient(house.stores)("operator", Changing(PC, ClientChanges(language="en")))

    told = {row.kind: (row.subject, row.subject_id, dict(row.detail)) for row in house.stores.audit.page(0, 100)}

    assert told["client:policy-set"] == ("client", PC, {"policy": "plain-http", "is": "off", "from": 0})
    assert told["client:places-set"] == ("client", PC, {"routes": "notice.*"})
    assert told["client:changed"] == ("client", PC, {"language": "en"})


def test_addresses_and_routes_are_said_apart_and_what_is_left_out_stays(house):
    say = SetPlaces(house.stores)
    say("operator", PlacesAsked(PC, addresses=("10.0.0.0/8",)))

    both = say("operator", PlacesAsked(PC, routes=("/user/*",))).policies

    assert (both.addresses, both.routes) == (("10.0.0.0/8",), ("/user/*",))
    say("operator", PlacesAsked(PC, addresses=()))
    assert say("operator", PlacesAsked(PC, routes=())).policies is FREE


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (PlacesAsked("nobody", addresses=()), Outcome.NOTHING_THERE),
        (PlacesAsked(PC, addresses=("10.0.0.1/8",)), Outcome.ARGUMENT_BAD),
        (PlacesAsked(PC, addresses=("localhost",)), Outcome.ARGUMENT_BAD),
        (PlacesAsked(PC, addresses=tuple(f"10.0.0.{n}" for n in range(101))), Outcome.ARGUMENT_BAD),
        (PlacesAsked(PC, routes=("",)), Outcome.ARGUMENT_BAD),
        (PlacesAsked(PC, routes=("notice add",)), Outcome.ARGUMENT_BAD),
        (PolicyAsked("nobody", "plain-http", None), Outcome.NOTHING_THERE),
        (Changing("nobody", ClientChanges(language="en")), Outcome.NOTHING_THERE),
        (Changing(PC, ClientChanges(name="")), Outcome.ARGUMENT_BAD),
        (Changing(PC, ClientChanges(contracts=frozenset())), Outcome.ARGUMENT_BAD),
        (Changing(PC, ClientChanges(refresh_reuse="never")), Outcome.ARGUMENT_BAD),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(house, asked, outcome):
    operations: dict[type, Any] = {PlacesAsked: SetPlaces, PolicyAsked: SetPolicy, Changing: ChangeClient}
    before = house.stores.clients.by_id(PC)

    with pytest.raises(Refused) as refused:
        operations[type(asked)](house.stores)("operator", asked)

    assert refused.value.outcome is outcome
    assert house.stores.clients.by_id(PC) == before
