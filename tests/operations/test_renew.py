"""A refresh token is exchanged once, answered the same for a while, and taken for stolen after that."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingpai.vocabulary.events import FeedEntry
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from tests.operations.office import START, Office, outrun

THREADS = 8


@pytest.fixture
def office():
    return Office()


def refusal(act):
    with pytest.raises(Refused) as raised:
        act()
    assert raised.value.outcome is Outcome.SESSION_OVER
    return raised.value.reason


def test_the_next_pair_follows_the_one_that_was_shown(office):
    office.wait(10)
    pair = office.renew(1)
    assert (pair.number, pair.company_id, pair.issued) == (2, 1, START // 1000 + 10)
    assert office.pair(1).exchanged == office.now
    assert office.pair(2) == pair


def test_a_lost_answer_is_given_again_to_the_last_moment_of_the_grace(office):
    lost = office.renew(1)
    office.wait(30)
    assert office.renew(1) == lost


def test_a_refresh_token_gives_the_newest_pair_not_only_the_next(office):
    office.renew(1)
    office.wait(5)
    newest = office.renew(2)
    assert office.renew(1) == newest


def test_the_grace_counts_from_the_first_exchange_not_from_the_last_use(office):
    office.renew(1)
    office.wait(29)
    office.renew(1)
    office.wait(1.001)
    assert refusal(lambda: office.renew(1)) is Reason.REFRESH_REUSED


def test_shown_after_the_grace_it_was_stolen_and_the_session_ends(office):
    office.renew(1)
    office.wait(30.001)
    assert refusal(lambda: office.renew(1)) is Reason.REFRESH_REUSED
    assert office.standing().session.end_reason is Reason.REFRESH_REUSED
    assert office.events()[-1] == "session:refresh-reused"


def test_after_a_theft_the_newest_pair_is_of_no_use_either(office):
    office.renew(1)
    office.wait(31)
    refusal(lambda: office.renew(1))
    assert refusal(lambda: office.renew(2)) is Reason.REFRESH_REUSED


def test_a_theft_is_told_to_every_memory(office):
    heard: list[FeedEntry] = []
    office.stores.listen(heard.extend)
    office.renew(1)
    office.wait(31)
    refusal(lambda: office.renew(1))
    assert [(entry.subject, entry.subject_id) for entry in heard] == [("session", "s")]


def test_a_client_may_have_reuse_refused_for_that_call_only():
    office = Office(reuse="refuse")
    newest = office.renew(1)
    office.wait(31)
    assert refusal(lambda: office.renew(1)) is Reason.UNKNOWN
    assert office.standing().session.ended is None
    assert office.events()[-1] == "session:refresh-reused"
    assert office.renew(2).number == newest.number + 1


def test_a_client_may_have_reuse_allowed_as_if_nothing_were_exchanged():
    office = Office(reuse="allow")
    office.renew(1)
    office.wait(2000)
    pair = office.renew(1)
    assert (pair.number, pair.issued) == (3, START // 1000 + 2000)
    assert "session:refresh-reused" not in office.events()


def test_where_reuse_is_allowed_parallel_calls_share_a_pair_too():
    office = Office(reuse="allow")
    office.renew(1)
    office.wait(2000)
    pair = office.renew(1)
    office.wait(30)
    assert office.renew(1) == pair
    office.wait(1)
    assert office.renew(1).number == pair.number + 1


def test_a_pair_that_is_not_kept_is_unknown(office):
    assert refusal(lambda: office.renew(7)) is Reason.UNKNOWN


def test_a_pair_that_was_set_aside_is_refused_and_is_no_theft(office):
    office.change_company(1, 2)
    office.change_company(1, 1)
    assert refusal(lambda: office.renew(2, company_id=2)) is Reason.UNKNOWN
    office.wait(3000)
    assert refusal(lambda: office.renew(2, company_id=2)) is Reason.UNKNOWN
    assert office.standing().session.ended is None


def test_reuse_that_is_allowed_does_not_bring_back_what_was_set_aside():
    office = Office(reuse="allow")
    office.change_company(1, 2)
    office.change_company(1, 1)
    assert refusal(lambda: office.renew(2, company_id=2)) is Reason.UNKNOWN


@pytest.mark.parametrize("exchanged", [False, True])
def test_an_ended_session_renews_nothing(office, exchanged):
    if exchanged:
        office.renew(1)
    office.end()
    assert refusal(lambda: office.renew(1)) is Reason.KICKED_OUT


@pytest.mark.parametrize("exchanged", [False, True])
def test_who_left_the_company_renews_nothing(office, exchanged):
    if exchanged:
        office.renew(1)
    office.leave(1)
    assert refusal(lambda: office.renew(1)) is Reason.LEFT_COMPANY


def test_a_session_ends_when_its_family_does_however_often_it_was_renewed(office):
    for number in range(1, 13):
        office.wait(3599)
        office.renew(number)
        office.be_seen()
    office.wait(43_200 - 12 * 3599 - 0.001)
    office.renew(13)
    office.wait(0.001)
    assert refusal(lambda: office.renew(14)) is Reason.EXPIRED


def test_a_refused_renewal_changes_nothing(office):
    office.leave(1)
    before = office.stores._held.rows.copy()
    refusal(lambda: office.renew(1))
    assert office.stores._held.rows == before


def test_parallel_calls_get_one_pair(office):
    together = threading.Barrier(THREADS)

    def renew(_):
        together.wait()
        return office.renew(1)

    with ThreadPoolExecutor(THREADS) as pool:
        pairs = set(pool.map(renew, range(THREADS)))

    assert pairs == {office.pair(2)}
    assert office.pair(3) is None
    assert office.events().count("session:renewed") == 1


def test_a_renewal_that_comes_too_late_undoes_itself_and_looks_again(office):
    # The one that came first is undone with it here, as a memory has one transaction; that it was looked for is enough.
    outrun(office.stores, company_id=2)
    pair = office.renew(1)
    assert pair == office.pair(1)
    assert office.events().count("session:renewed") == 0


def test_renewing_and_changing_the_company_at_once_leaves_one_newest_pair_alive(office):
    together = threading.Barrier(2)

    def renew():
        together.wait()
        return office.renew(1)

    def change():
        together.wait()
        return office.change_company(1, 2)

    with ThreadPoolExecutor(2) as pool:
        renewed, changed = pool.submit(renew), pool.submit(change)
        renewed, changed = renewed.result(), changed.result()

    newest = office.stores.generations.newest("s")
    assert newest == changed
    assert newest.company_id == 2
    assert renewed == newest or office.pair(renewed.number).set_aside
