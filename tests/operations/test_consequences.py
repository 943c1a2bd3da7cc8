"""What an operation brings about besides its answer: sessions that end, rows that tell of it, who may come in next."""

from dataclasses import replace

import pytest
from msgspec import structs

from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.authorize import Authorize
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.register import Registration
from lingpai.operations.sign_in import NameAndPassword
from lingpai.vocabulary.outcomes import Outcome, Reason
from lingpai.vocabulary.secret import Secret
from lingpai.vocabulary.values import Client, CodeTerms
from tests.operations.meanwhile import Town, refusal

MEI = NameAndPassword("mei", "correct horse")
BO = Registration("bo", "tiger lily of 9", invitation="令牌")


@pytest.fixture
def town():
    return Town()


def rows(town, kind):
    return [row for row in town.stores.audit.page(0, 1000) if row.kind == kind]


def ended(town, session_id):
    return town.stores.sessions.standing_of(session_id).session.end_reason


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("disable", "mei"), Reason.DISABLED),
        (("reset", "mei", "tiger lily"), Reason.PASSWORD_CHANGED),
        (("end", "mei"), Reason.KICKED_OUT),
    ],
    ids=repr,
)
def test_the_row_of_every_session_of_the_user_says_why_it_ended(town, words, reason):
    mine = [town.caller().session.id for _ in range(2)]
    town.user("bo", "battery")
    theirs = town.caller("bo").session.id
    town.operator(*words)

    assert [ended(town, session_id) for session_id in mine] == [reason, reason]
    assert ended(town, theirs) is None


def test_who_leaves_a_company_loses_the_sessions_that_chose_it_and_no_other():
    town = Town("oppmg")
    for name in ("一", "二"):
        town.company(name)
    for company in ("1", "2"):
        town.operator("join", "mei", company)
    here = town.caller().session.id
    with town.stores.change(replace(rows_event(), subject_id="x")) as change:
        change.accounts.set_company(1, 2)
    there = town.caller().session.id
    town.operator("remove", "mei", "1")

    assert (ended(town, here), ended(town, there)) == (Reason.LEFT_COMPANY, None)


def test_who_works_in_a_company_that_they_are_no_member_of_begins_in_one_that_they_are():
    town = Town("oppmg")
    for name in ("一", "二"):
        town.company(name)
    town.operator("join", "mei", "2")
    with town.stores.change(rows_event()) as change:
        change.accounts.set_company(1, 1)

    assert town.caller().session.company_id == 2


def rows_event():
    from lingpai.vocabulary.events import Event

    return Event("test:prepared", "session", "", told=False)


def test_each_session_that_gives_way_is_the_oldest_and_has_a_row_of_its_own(town):
    town.client("mowork:pc", "-", "most_sessions=2")
    opened = []
    for _ in range(4):
        town.wait("1")
        opened.append(town.caller().session.id)

    assert [ended(town, session_id) for session_id in opened] == [Reason.REPLACED, Reason.REPLACED, None, None]
    assert [row.subject_id for row in rows(town, "session:replaced")] == opened[:2]


def test_who_registers_is_signed_in_and_both_have_a_row(town):
    granted = town.register(town.visitor(registration="open"), BO)

    assert [row.subject_id for row in rows(town, "session:opened")] == [granted.standing.session.id]
    assert len(rows(town, "user:registered")) == 1


@pytest.mark.parametrize(
    ("registration", "invitation", "may"),
    [
        ("open", None, True),
        ("invite", "令牌", True),
        ("invite", "other", False),
        ("invite", None, False),
        ("closed", "令牌", False),
    ],
)
def test_who_may_register(town, registration, invitation, may):
    visitor = town.visitor(registration=registration, invitation=Secret(invitation) if invitation else None)

    if may:
        assert town.register(visitor, BO).standing.user.name == "bo"
    else:
        assert refusal(lambda: town.register(visitor, BO)).outcome is Outcome.NOT_ALLOWED


def test_a_token_that_an_operator_minted_is_recorded_as_such(town):
    MintToken(town.stores, town.house.opening)(town.visitor(), TokenAsked(1))

    assert [row.actor for row in rows(town, "session:minted")] == ["operator"]
    assert rows(town, "session:opened") == []


def test_a_client_id_is_given_once(town):
    add = AddClient(town.stores, town._keys, town.house.clock, town.random)
    first = add("operator", NewClient(Client("app", "first")))

    assert refusal(lambda: add("operator", NewClient(Client("app", "second")))).outcome is Outcome.NAME_TAKEN
    assert town.stores.clients.by_id("app") == first.client


@pytest.mark.parametrize(
    ("did", "outcome"),
    [(("end", "mei"), Outcome.SESSION_OVER), (("rest", "app"), Outcome.CLIENT_NOT_SERVED)],
    ids=repr,
)
def test_no_code_is_given_for_what_ended_just_before(town, did, outcome):
    town.client("app", "-secret-")
    terms = replace(town.visitor().terms, code=CodeTerms(30, {"basic": frozenset({"user"})}))
    authorize = Authorize(town.stores, town.admission, town._keys, town.house.clock, town.random)
    caller = structs.replace(town.caller(), terms=terms, client=town.stores.clients.by_id("app"))
    town.operator(*did)

    assert refusal(lambda: authorize(caller, None)).outcome is outcome
    assert town.tables.rows.codes == {}
    assert rows(town, "code:granted") == []


def test_a_code_speaks_for_the_company_that_is_current_when_it_is_made(town):
    town.company("一")
    town.client("app", "-secret-", "scope=basic")
    caller = town.caller()
    town.operator("join", "mei", "1")
    terms = replace(caller.terms, code=CodeTerms(30, {"basic": frozenset({"user"}), "full": frozenset({"company"})}))
    authorize = Authorize(town.stores, town.admission, town._keys, town.house.clock, town.random)
    code = authorize(structs.replace(caller, terms=terms, client=town.stores.clients.by_id("app")), None)
    kept = town.stores.codes.find(town._keys.digest(code))

    assert (kept.company_id, kept.scope) == (1, frozenset({"user"}))


def test_nobody_takes_a_name_that_somebody_else_signs_in_with_as_a_phone_number(town):
    town.user("wang", "battery", "phone=13900000002", "phone_verified=yes")
    visitor = town.visitor(registration="open", phone_names=True)

    for name in ("13900000002", "１３９０００００００２"):
        asked = Registration(name, "tiger lily of 9")
        assert refusal(lambda asked=asked: town.register(visitor, asked)).outcome is Outcome.NAME_TAKEN
        assert refusal(lambda name=name: town.user(name, "battery")).outcome is Outcome.NAME_TAKEN
    signed_in = town.sign_in(visitor, NameAndPassword("13900000002", "battery"))

    assert signed_in.standing.user.name == "wang"


def test_nobody_proves_a_phone_number_that_is_somebody_elses_name(town):
    town.user("13900000002", "battery")

    refused = refusal(lambda: town.user("wang", "battery", "phone=13900000002", "phone_verified=yes"))
    town.user("li", "battery", "phone=13900000002")

    assert refused.outcome is Outcome.NAME_TAKEN


def test_ones_own_phone_number_may_be_ones_name(town):
    town.user("13900000002", "battery", "phone=13900000002", "phone_verified=yes")
    signed_in = town.sign_in(town.visitor(phone_names=True), NameAndPassword("13900000002", "battery"))

    assert signed_in.standing.user.phone == "13900000002"
