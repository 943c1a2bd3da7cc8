"""What an operation brings about besides its answer: sessions that end, rows that tell of it, who may come in next."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from msgspec import structs

from lingpai.operations.add_client import AddClient, NewClient
from lingpai.operations.authorize import Authorize
from lingpai.operations.change_addresses import AddressesAsked, ChangeAddresses
from lingpai.operations.mint_token import MintToken, TokenAsked
from lingpai.operations.register import Registration
from lingpai.operations.sign_in import NameAndPassword
from lingpai.principals.addresses import AT_HOME
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


def test_a_session_that_ended_while_it_was_to_give_way_is_not_replaced_too(town):
    town.client("mowork:pc", "-", "most_sessions=1")
    first = town.caller().session.id
    change_of = town.stores.change

    @contextmanager
    def outrun(event):
        with change_of(event) as change:
            change.sessions.live = end_behind(change.sessions, first, change.sessions.live)
            yield change

    town.stores.change = outrun
    town.caller()

    assert ended(town, first) is Reason.SIGNED_OUT
    assert rows(town, "session:replaced") == []


def end_behind(sessions, session_id, live):
    """Return *live* behind which the user signs out, as engines allow whose changes see each other's commits."""

    def found(*which):
        there = live(*which)
        assert sessions.end(session_id, Reason.SIGNED_OUT, 1)
        return there

    return found


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


def test_a_house_that_says_nothing_of_codes_gives_none(town):
    authorize = Authorize(town.stores, town.admission, town._keys, town.house.clock, town.random)
    caller = town.caller()

    with pytest.raises(ValueError, match="mowork gives no codes"):
        authorize(caller, None)
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


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("phone=13900000002", "+8613900000002"),
        ("phone=13900000002", "１３９-0000-0002"),
        ("email=mei@example.com", "Mei@Example.com"),
    ],
)
def test_an_address_is_one_however_it_is_spelt_and_no_name_of_anybody_else_once_it_is_proved(town, address, name):
    member = address.partition("=")[0]
    town.user("wang", "battery", address, f"{member}_verified=yes")
    visitor = town.visitor(registration="open", phone_names=True)

    asked = Registration(name, "tiger lily of 9")
    assert refusal(lambda: town.register(visitor, asked)).outcome is Outcome.NAME_TAKEN
    assert town.sign_in(visitor, NameAndPassword(name, "battery")).standing.user.name == "wang"


@pytest.mark.parametrize("more", [("email=mei@example.com",), ("phone=13900000002", "phone_verified=yes")])
def test_nobody_signs_in_by_an_address_that_is_not_proved_or_that_the_house_does_not_take(town, more):
    town.user("wang", "battery", *more)
    name = more[0].partition("=")[2]

    refused = refusal(lambda: town.sign_in(town.visitor(), NameAndPassword(name, "battery")))

    assert refused.outcome is Outcome.SIGN_IN_FAILED


def test_a_name_that_looks_like_anothers_is_taken_and_signs_nobody_in(town):
    town.user("paypal", "battery")
    visitor = town.visitor(registration="open")

    for name in ("paypa1", "PAYPAI"):
        assert refusal(lambda name=name: town.user(name, "battery")).outcome is Outcome.NAME_TAKEN
        asked = Registration(name, "tiger lily of 9")
        assert refusal(lambda asked=asked: town.register(visitor, asked)).outcome is Outcome.NAME_TAKEN
        signing_in = NameAndPassword(name, "battery")
        refused = refusal(lambda asked=signing_in: town.sign_in(visitor, asked))
        assert refused.outcome is Outcome.SIGN_IN_FAILED


def test_what_is_no_address_is_a_bad_argument(town):
    asked = Registration("bo", "tiger lily of 9", phone="1380", email="bo")

    refused = refusal(lambda: town.register(town.visitor(registration="open"), asked))

    assert refused.outcome is Outcome.ARGUMENT_BAD
    assert set(refused.fields) == {"phone", "email"}


class TestChangingAddresses:
    @pytest.fixture
    def change(self, town):
        town.user("wang", "battery", "phone=13900000002", "phone_verified=yes", "email=w@x.cn", "email_verified=yes")
        changing = ChangeAddresses(town.stores, AT_HOME)
        return lambda user_id=2, **asked: changing("operator", AddressesAsked(user_id, **asked))

    def test_a_new_one_is_not_proved_and_the_other_stays_as_it_is(self, change, town):
        kept = change(phone="+86 139 0000 0003")

        assert (kept.phone, kept.phone_verified) == ("13900000003", False)
        assert (kept.email, kept.email_verified) == ("w@x.cn", True)
        assert town.stores.accounts.by_id(2) == kept

    def test_the_same_one_in_another_spelling_stays_proved(self, change):
        kept = change(phone="139-0000-0002", email="W@X.cn")

        assert (kept.phone_verified, kept.email_verified) == (True, True)

    def test_it_is_proved_or_not_when_the_operator_says_so_and_nothing_is_never_proved(self, change):
        assert change(email="v@x.cn", email_verified=True).email_verified
        assert not change(phone_verified=False).phone_verified
        assert not change(phone="", phone_verified=True).phone_verified

    def test_what_somebody_else_signs_in_with_cannot_be_proved(self, change, town):
        town.user("li@x.cn", "battery", "phone=13900000004", "phone_verified=yes")

        for asked in ({"email": "li@x.cn", "email_verified": True}, {"phone": "13900000004", "phone_verified": True}):
            assert refusal(lambda asked=asked: change(**asked)).outcome is Outcome.NAME_TAKEN
            asked.pop("email_verified", None), asked.pop("phone_verified", None)
            change(**asked)

    def test_of_nobody_and_to_no_address_it_is_refused(self, change):
        assert refusal(lambda: change(99, email="a@x.cn")).outcome is Outcome.NOTHING_THERE
        assert refusal(lambda: change(email="a")).outcome is Outcome.ARGUMENT_BAD

    def test_workers_forget_what_they_remember_of_the_user(self, change, town):
        here = town.stores.feed.here()
        change(phone="")

        assert [(one.subject, one.subject_id) for one in town.stores.feed.after(here).entries] == [("user", "2")]
