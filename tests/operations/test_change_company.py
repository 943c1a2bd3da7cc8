"""To change the company is to get another pair, and the last choice wins."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from tests.operations.office import START, Office, outrun

THREADS = 8


@pytest.fixture
def office():
    return Office()


def refusal(act):
    with pytest.raises(Refused) as raised:
        act()
    return raised.value


def test_the_new_pair_speaks_for_the_company_and_the_choice_is_remembered(office):
    office.wait(7)
    pair = office.change_company(1, 2)
    assert (pair.number, pair.company_id, pair.issued) == (2, 2, START // 1000 + 7)
    assert office.standing().session.company_id == 2
    assert office.standing().user.company_id == 2
    assert office.events()[-1] == "session:company-changed"


def test_the_refresh_token_that_was_shown_gives_the_new_pair_within_the_grace(office):
    pair = office.change_company(1, 2)
    office.wait(30)
    assert office.renew(1) == pair


def test_the_refresh_token_that_was_shown_was_stolen_after_the_grace(office):
    office.change_company(1, 2)
    office.wait(31)
    assert refusal(lambda: office.renew(1)).reason is Reason.REFRESH_REUSED


def test_a_lost_answer_is_given_again(office):
    lost = office.change_company(1, 2)
    office.wait(20)
    assert office.change_company(1, 2) == lost
    assert office.pair(3) is None


def test_asked_by_an_older_access_token_for_where_the_newest_pair_is_that_pair_is_the_answer(office):
    newest = office.renew(1)
    office.wait(600)
    assert office.change_company(1, 1) == newest


def test_asked_again_for_another_company_the_last_one_wins_and_the_one_between_is_set_aside(office):
    office.join(3)
    office.change_company(1, 2)
    last = office.change_company(1, 3)
    assert (last.number, last.company_id) == (3, 3)
    assert office.pair(2).set_aside
    assert office.renew(1) == last
    assert office.standing().user.company_id == 3


def test_there_and_back_again_is_two_rotations(office):
    office.change_company(1, 2)
    back = office.change_company(1, 1)
    assert (back.number, back.company_id) == (3, 1)


def test_a_pair_for_the_company_one_is_in_is_a_rotation_like_any_other(office):
    assert office.change_company(1, 1).number == 2
    assert office.pair(1).exchanged == office.now
    assert not office.pair(1).set_aside


@pytest.mark.parametrize("company_id", [3, 99, 0])
def test_no_member_and_no_such_company_are_one_answer_that_changes_nothing(office, company_id):
    before = office.stores._held.rows.copy()
    assert refusal(lambda: office.change_company(1, company_id)).outcome is Outcome.NOT_A_MEMBER
    assert office.stores._held.rows == before


def test_who_left_the_company_that_the_token_speaks_for_is_out(office):
    office.leave(1)
    assert refusal(lambda: office.change_company(1, 2)).reason is Reason.LEFT_COMPANY


def test_a_session_that_ended_meanwhile_changes_nothing(office):
    office.end()
    assert refusal(lambda: office.change_company(1, 2)).reason is Reason.KICKED_OUT


def test_who_leaves_the_new_company_loses_the_session_who_leaves_the_old_one_does_not(office):
    office.change_company(1, 2)
    office.leave(1)
    assert office.renew(2, company_id=2).number == 3
    office.leave(2)
    assert refusal(lambda: office.renew(3, company_id=2)).reason is Reason.LEFT_COMPANY


def test_parallel_calls_for_one_company_get_one_pair(office):
    together = threading.Barrier(THREADS)

    def change(_):
        together.wait()
        return office.change_company(1, 2)

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(change, range(THREADS))) == {office.pair(2)}
    assert office.pair(3) is None


def test_parallel_calls_for_two_companies_leave_one_newest_pair_for_the_company_that_is_remembered(office):
    office.join(3)
    together = threading.Barrier(THREADS)

    def change(number):
        together.wait()
        return office.change_company(1, 2 + number % 2)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(change, range(THREADS)))

    newest = office.stores.generations.newest("s")
    alive = [n for n in range(2, newest.number + 1) if not office.pair(n).set_aside]
    assert alive == [newest.number]
    assert newest.exchanged is None
    assert office.standing().user.company_id == office.standing().session.company_id == newest.company_id


def test_outrun_by_a_renewal_it_builds_on_what_that_made(office):
    outrun(office.stores)
    pair = office.change_company(1, 2)
    assert (pair.number, pair.company_id) == (3, 2)
    assert office.pair(2).set_aside


def test_outrun_by_a_call_for_the_same_company_it_answers_the_same(office):
    outrun(office.stores, company_id=2)
    pair = office.change_company(1, 2)
    assert pair == office.pair(2)
    assert office.pair(3) is None


def test_a_token_of_a_pair_that_was_exchanged_and_replaced_by_nothing_is_no_reason_to_make_one(office):
    office.spend(1)

    refused = refusal(lambda: office.change_company(1, 2))

    assert (refused.outcome, refused.reason) == (Outcome.SESSION_OVER, Reason.UNKNOWN)
    assert office.pair(2) is None
    assert office.standing().session.company_id == office.standing().user.company_id == 1


def test_a_token_of_a_pair_that_was_never_made_is_the_end_of_nothing_but_the_call(office):
    refused = refusal(lambda: office.change_company(7, 2))

    assert (refused.outcome, refused.reason) == (Outcome.SESSION_OVER, Reason.UNKNOWN)
    assert office.change_company(1, 2).number == 2
