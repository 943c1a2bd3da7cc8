"""Who may act: each reason why not, which of several wins, and to the millisecond when."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from lingpai.principals.admission import URGENT_SECONDS, Admission, may_enter
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Reason, Refused
from lingpai.vocabulary.values import Client, Membership, Session, Standing, Terms, User

NOW = 1_767_225_600_000
TERMS = Terms("oppmg", idle_seconds=1800, absolute_seconds=86_400)
MEMBERS = Terms("oppmg", idle_seconds=1800, absolute_seconds=86_400, entrance="members")
BOSSES = Terms("oppmg", idle_seconds=1800, absolute_seconds=86_400, entrance="role:boss")

STANDING = Standing(
    Session(
        id="s1",
        user_id=1,
        client_id="app",
        contract="oppmg",
        client_type="pc",
        token_digest=None,
        company_id=None,
        began=NOW - 60_000,
        idle_end=NOW + 1,
        end=NOW + 1,
        last_seen=NOW,
    ),
    User(id=1, name="mei", name_key="mei", password="", role="boss"),
    Client("app", "App", contracts=frozenset({"oppmg"})),
    (Membership(7, "Acme"),),
)

AT_NOW = Admission(lambda: NOW)


def but(*, session=None, user=None, client=None, memberships=STANDING.memberships):
    """Return the standing, changed."""
    return Standing(
        msgspec.structs.replace(STANDING.session, **(session or {})),
        replace(STANDING.user, **(user or {})),
        replace(STANDING.client, **(client or {})),
        memberships,
    )


def reason(standing, terms=TERMS, company_id=None, admission=AT_NOW, **when):
    with pytest.raises(Refused) as raised:
        admission.check(standing, terms, company_id, **when)
    assert raised.value.outcome is Outcome.SESSION_OVER
    return raised.value.reason


@pytest.mark.parametrize("terms", [TERMS, MEMBERS, BOSSES])
def test_whoever_is_well_in_every_way_is_let_in_until_the_last_millisecond(terms):
    assert AT_NOW.check(STANDING, terms, 7) is STANDING
    assert AT_NOW.check(but(session={"idle_end": None}), terms) == but(session={"idle_end": None})


ENDED = {"session": {"ended": NOW - 5, "end_reason": Reason.KICKED_OUT}}
EXPIRED = {"session": {"end": NOW}}
IDLE = {"session": {"idle_end": NOW}}
LEFT = {"memberships": ()}
DISABLED = {"user": {"enabled": False}}


@pytest.mark.parametrize(
    ("changed", "terms", "company", "expected"),
    [
        ({"session": {"contract": "mowork"}}, TERMS, None, Reason.UNKNOWN),
        (ENDED, TERMS, None, Reason.KICKED_OUT),
        ({"session": {"ended": NOW}}, TERMS, None, Reason.UNKNOWN),
        (EXPIRED, TERMS, None, Reason.EXPIRED),
        (IDLE, TERMS, None, Reason.IDLE),
        ({}, TERMS, 8, Reason.LEFT_COMPANY),
        (LEFT, MEMBERS, None, Reason.LEFT_COMPANY),
        (DISABLED, TERMS, None, Reason.DISABLED),
        (DISABLED, MEMBERS, None, Reason.DISABLED),
        (DISABLED | LEFT, MEMBERS, None, Reason.DISABLED),
        (DISABLED | LEFT, TERMS, None, Reason.DISABLED),
        ({"client": {"enabled": False}}, TERMS, None, Reason.DISABLED),
        ({"client": {"enabled": False}}, MEMBERS, None, Reason.DISABLED),
        ({"client": {"contracts": frozenset({"mowork"})}}, TERMS, None, Reason.DISABLED),
        ({"user": {"role": "hand"}}, BOSSES, None, Reason.DISABLED),
        ({"user": {"role": "hand"}} | LEFT, BOSSES, None, Reason.DISABLED),
    ],
)
def test_each_way_not_to_be_let_in_has_its_reason(changed, terms, company, expected):
    assert reason(but(**changed), terms, company) is expected


def test_no_session_is_an_unknown_one():
    assert reason(None) is Reason.UNKNOWN


def test_of_several_reasons_the_first_of_the_list_wins():
    worst: dict[str, Any] = {
        "session": {"contract": "mowork", **ENDED["session"], **EXPIRED["session"], **IDLE["session"]},
        **DISABLED,
        **LEFT,
    }
    heard = [reason(but(**worst), company_id=7)]
    for mended in ({"contract": "oppmg"}, {"ended": None}, {"end": NOW + 1}, {"idle_end": None}):
        worst = {**worst, "session": {**worst["session"], **mended}}
        heard.append(reason(but(**worst), company_id=7))
    heard.append(reason(but(**DISABLED), company_id=7))

    assert heard == [
        Reason.UNKNOWN,
        Reason.KICKED_OUT,
        Reason.EXPIRED,
        Reason.IDLE,
        Reason.LEFT_COMPANY,
        Reason.DISABLED,
    ]


def test_what_memory_holds_to_be_idle_is_asked_again_and_nothing_else_is():
    remembering = Admission(lambda: NOW, from_memory=True)

    with pytest.raises(NotRemembered):
        remembering.check(but(**IDLE), TERMS)
    assert reason(but(**EXPIRED), admission=remembering) is Reason.EXPIRED
    assert remembering.check(STANDING, TERMS) is STANDING


def test_a_moment_that_is_named_counts_instead_of_the_clock():
    late = Admission(lambda: NOW + 10**9)

    assert late.check(STANDING, TERMS, at=NOW) is STANDING
    assert reason(STANDING, admission=late) is Reason.EXPIRED
    assert reason(STANDING, at=NOW + 1) is Reason.EXPIRED
    young = but(session={"began": -9, "idle_end": None, "end": 1})
    assert late.check(young, TERMS, at=0) is young
    sighting = late.sighting(but(session={"last_seen": -(10**9)}), TERMS, at=0)
    assert sighting is not None
    assert sighting.seen == 0
    assert late.sighting(STANDING, TERMS, at=NOW) is None


@pytest.mark.parametrize(("entrance", "member"), [("nobody", True), ("role:", True), ("members", False)])
def test_an_entrance_that_fits_nobody_lets_nobody_in(entrance, member):
    terms = Terms("oppmg", idle_seconds=None, absolute_seconds=1, entrance=entrance)
    assert may_enter(STANDING.user, STANDING.client, terms, member=member, at=NOW) is False


def test_whoever_is_in_a_company_may_enter_where_members_may():
    assert may_enter(STANDING.user, STANDING.client, MEMBERS, member=True, at=NOW) is True


# What is written down of a use.

LONG = NOW + 10**7


def seen(began, last_seen, idle_end, terms=TERMS):
    standing = but(session={"began": began, "last_seen": last_seen, "idle_end": idle_end})
    return AT_NOW.sighting(standing, terms)


def test_the_first_use_is_written_where_idleness_counts_and_only_once_and_not_at_the_sign_in_itself():
    assert seen(NOW - 1, NOW - 1, LONG).seen == NOW
    assert seen(NOW - 1, NOW - 1, None) is None
    assert seen(NOW - 2, NOW - 1, LONG) is None
    assert seen(NOW, NOW, LONG) is None


def test_a_use_is_due_when_an_interval_has_passed_and_tells_the_new_idle_end():
    assert seen(NOW - 90_000, NOW - 59_999, LONG) is None
    due = seen(NOW - 90_000, NOW - 60_000, LONG)
    assert (due.session_id, due.seen, due.idle_end) == ("s1", NOW, TERMS.idle_end(NOW))


def test_a_use_is_urgent_within_the_last_seconds_before_idleness():
    edge = NOW + URGENT_SECONDS * 1000

    assert URGENT_SECONDS == 5
    assert seen(NOW - 90_000, NOW - 60_000, edge - 1).is_urgent is True
    assert seen(NOW - 90_000, NOW - 60_000, edge).is_urgent is False
    assert seen(NOW - 90_000, NOW - 60_000, None).is_urgent is False
