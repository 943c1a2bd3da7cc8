"""A contract that does not add up is not built, and every desk has what its contracts may ask of it."""

from dataclasses import replace

import pytest

from lingpai.composition import declarations
from lingpai.contracts.mowork import CODES
from lingpai.edge.call import Request
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Contract, Route, Step
from lingpai.edge.pipeline import serve
from lingpai.modules.module import BusinessCall, Offer
from lingpai.operations.check_token import CheckToken
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.settings import Settings
from tests.conformance.stage import Stage

CONTRACTS = sorted(declarations(Settings()))


@pytest.fixture
def contract() -> Contract:
    return Stage("mowork").house.served["mowork"].contract


def rows(*more, without: Outcome | None = None) -> CodeTable:
    """Return mowork's table with *more* rows, *without* one outcome."""
    spelt = [(CODES[outcome], outcome) for outcome in CODES if outcome is not without]
    kept = [(code.status, code.number, code.chinese, code.english, outcome) for code, outcome in spelt]
    return CodeTable(*kept, *more)


def test_a_contract_that_adds_up_is_built(contract):
    assert replace(contract, codes=rows()).endings() == set(CODES)


@pytest.mark.parametrize("outcome", list(CODES), ids=lambda outcome: outcome.name)
def test_each_row_is_needed(contract, outcome):
    with pytest.raises(ValueError, match=f"mowork: outcomes without a row: {outcome.name}; rows without a use: none"):
        replace(contract, codes=rows(without=outcome))


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in set(CODES)])
def test_a_row_that_nothing_reaches_is_refused(contract, outcome):
    with pytest.raises(ValueError, match=f"without a row: none; rows without a use: {outcome.name}$"):
        replace(contract, codes=rows((200, "1", "无", "none", outcome)))


def test_an_outcome_has_one_row():
    with pytest.raises(ValueError, match="two rows for NOT_ALLOWED"):
        rows((200, "1", "无", "none", Outcome.NOT_ALLOWED))


def test_two_routes_cannot_answer_one_method_of_one_path(contract):
    twin = Route(methods=("PUT", "POST"), path="/user/login", operation=CheckToken)

    with pytest.raises(ValueError, match="mowork: two routes answer POST /user/login"):
        replace(contract, routes=(*contract.routes, twin))


def test_two_routes_may_answer_different_methods_of_one_path(contract):
    other = Route(methods=("PUT",), path="/user/login", operation=CheckToken)

    built = replace(contract, routes=(*contract.routes, other))

    assert set(built.table["/user/login"]) == {"POST", "PUT"}


def test_a_module_cannot_take_a_route_that_is_there(contract):
    call = BusinessCall("user", "logout", lambda _caller, _question: None)

    with pytest.raises(ValueError, match="mowork: two routes answer POST /user/logout"):
        replace(contract, modules=(*contract.modules, Offer("user", (call,))))


def test_a_modules_own_ending_needs_a_row(contract):
    call = BusinessCall("bus", "ride", lambda _caller, _question: None, ends=frozenset({Outcome.NOTHING_THERE}))

    with pytest.raises(ValueError, match="outcomes without a row: NOTHING_THERE;"):
        replace(contract, modules=(*contract.modules, Offer("bus", (call,))))


def test_a_step_that_cannot_tell_the_routes_apart_stops_the_build(contract):
    class OnlyOne(Step):
        def check_routes(self, routes):
            raise ValueError(f"{len(routes)} routes are too many")

    with pytest.raises(ValueError, match="routes are too many"):
        replace(contract, steps=(*contract.steps, OnlyOne()))


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_thread_can_do_whatever_a_route_names_and_the_loop_what_says_it_may(name):
    house = Stage(name).house
    named = {route.operation for route in house.served[name].contract.all_routes()}
    asking, remembering = house._asking_desk().operations, house._remembering_desk().operations

    assert named <= set(asking)
    assert {verb for verb in named if verb.FROM_MEMORY} == named & set(remembering)


def test_a_step_that_says_nothing_of_what_it_does_lets_nobody_pass(contract):
    class Misspelt(Step):
        def _call_(self, call):
            """Meant to check something."""

    stage = Stage("mowork")
    careless = replace(contract, steps=(Misspelt(), *contract.steps))

    answer = serve(careless, Request("GET", "/user/getinfo", b"", (), b""), stage.house.shell.desks.asking)

    assert answer.status == 500
    assert isinstance(answer.trouble, NotImplementedError)
