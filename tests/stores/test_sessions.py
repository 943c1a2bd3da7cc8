"""Sessions, in every store: what is read, what ends, what is deleted."""

from dataclasses import replace

import pytest

from lingpai.vocabulary.outcomes import Reason
from lingpai.vocabulary.values import Membership, SessionsWanted, Standing
from tests.stores.samples import HOUR, NOW, code, done, generation, session


def opened(house, *sessions):
    with house.change(done()) as change:
        for each in sessions:
            change.sessions.open(each)


def ids(sessions):
    return [each.id for each in sessions]


def test_a_session_comes_back_as_it_went_in_with_all_that_admission_asks(house):
    whole = session(
        "s2",
        user_id=2,
        client_id="h5",
        contract="mowork",
        client_type="ios",
        token_digest=bytes(range(32)),
        company_id=1,
        idle_end=NOW + 5,
        last_issued=7,
        ended=NOW + 1,
        end_reason=Reason.KICKED_OUT,
    )
    with house.change(done()) as change:
        change.sessions.open(whole)
        change.companies.join(2, 2, is_admin=True)
        change.companies.join(2, 1, is_admin=False)
        change.companies.join(1, 1, is_admin=False)

    expected = Standing(
        whole,
        house.accounts.by_id(2),
        house.clients.by_id("h5"),
        (Membership(1, "山海科技"), Membership(2, "Acme", is_admin=True)),
    )
    assert house.sessions.standing(bytes(range(32))) == expected
    assert house.sessions.standing_of("s2") == expected


def test_who_belongs_to_no_company_stands_without(house):
    assert house.sessions.standing(b"s1").memberships == ()


def test_an_unknown_session_is_none(house):
    assert house.sessions.standing(b"s") is None
    assert house.sessions.standing_of("s") is None
    assert house.sessions.of_user(99) == []


def test_sessions_without_a_bearer_token_are_many_and_found_by_id_alone(house):
    opened(house, session("s2", token_digest=None), session("s3", token_digest=None))

    assert house.sessions.standing_of("s2").session.token_digest is None
    assert house.sessions.standing_of("s3") is not None


def test_standing_follows_what_it_is_made_of(house):
    with house.change(done()) as change:
        change.accounts.set_enabled(1, enabled=False)
        change.clients.save(replace(change.clients.by_id("app"), enabled=False))
        change.sessions.set_company("s1", 2)
        change.sessions.set_company("nobody", 2)

    standing = house.sessions.standing(b"s1")
    assert standing.user.enabled is False
    assert standing.client.enabled is False
    assert standing.session == session("s1", company_id=2)


def test_a_token_belongs_to_one_session(house, misuse):
    with pytest.raises(misuse):
        opened(house, session("s2", token_digest=b"s1"))


@pytest.mark.parametrize("wrong", [{"user_id": 99}, {"client_id": "nobody"}, {"company_id": 99}, {"id": "s1"}])
def test_a_session_of_nothing_is_not_opened(house, misuse, wrong):
    with pytest.raises(misuse):
        opened(house, session("s2", **wrong))


def test_a_user_sees_every_session_newest_first(house):
    opened(
        house,
        session("s3", began=NOW + 2, ended=NOW + 3, end_reason=Reason.IDLE),
        session("s2", began=NOW + 1, client_id="h5"),
        session("other", user_id=2),
    )

    assert ids(house.sessions.of_user(1)) == ["s3", "s2", "s1"]


def test_a_session_ends_once_and_keeps_its_first_reason(house):
    with house.change(done()) as change:
        assert change.sessions.end("s1", Reason.SIGNED_OUT, NOW + 1) is True
        assert change.sessions.end("s1", Reason.KICKED_OUT, NOW + 2) is False
        assert change.sessions.end("nobody", Reason.KICKED_OUT, NOW + 2) is False

    expected = session("s1", ended=NOW + 1, end_reason=Reason.SIGNED_OUT)
    assert house.sessions.standing(b"s1").session == expected


def test_all_sessions_of_a_user_end_but_one_and_those_that_ended_before(house):
    opened(house, session("s2"), session("s3"), session("s4"), session("other", user_id=2))

    with house.change(done()) as change:
        change.sessions.end("s4", Reason.IDLE, NOW)
        assert sorted(change.sessions.end_of_user(1, Reason.PASSWORD_CHANGED, NOW + 1, but="s2")) == ["s1", "s3"]

    over = {s.id: s.end_reason for s in house.sessions.of_user(1)}
    assert over == {"s1": Reason.PASSWORD_CHANGED, "s2": None, "s3": Reason.PASSWORD_CHANGED, "s4": Reason.IDLE}
    assert house.sessions.standing_of("other").session.ended is None


def test_all_sessions_of_a_user_end(house):
    with house.change(done()) as change:
        assert change.sessions.end_of_user(1, Reason.DISABLED, NOW) == ["s1"]
        assert change.sessions.end_of_user(1, Reason.DISABLED, NOW) == []


def test_sessions_in_a_company_end_when_the_user_leaves_it(house):
    opened(
        house,
        session("here", company_id=1),
        session("over", company_id=1, ended=NOW, end_reason=Reason.IDLE),
        session("there", company_id=2),
        session("other", company_id=1, user_id=2),
    )

    with house.change(done()) as change:
        assert change.sessions.end_in_company(1, 1, Reason.LEFT_COMPANY, NOW + 1) == ["here"]

    assert house.sessions.standing_of("here").session.end_reason is Reason.LEFT_COMPANY
    assert house.sessions.standing_of("there").session.ended is None
    assert house.sessions.standing_of("other").session.ended is None


def test_live_sessions_are_those_of_the_client_that_are_not_over_oldest_first(house):
    opened(
        house,
        session("newer", began=NOW + 1, idle_end=NOW + 11),
        session("elsewhere", client_id="h5"),
        session("other", user_id=2),
        session("ended", ended=NOW, end_reason=Reason.IDLE),
        session("expired", end=NOW + 10),
        session("idle", idle_end=NOW + 10),
    )

    with house.change(done()) as change:
        assert ids(change.sessions.live(1, "app", NOW + 10)) == ["s1", "newer"]


def test_what_was_over_long_ago_is_deleted_with_all_that_hangs_on_it(house):
    opened(house, session("s2", end=NOW - 1))
    with house.change(done()) as change:
        for name in ("s1", "s2"):
            change.generations.add(generation(1, session_id=name))
            change.codes.add(code(name.encode(), session_id=name))
        assert change.sessions.delete_over(NOW, 10) == 1

    assert house.sessions.standing_of("s2") is None
    assert house.generations.find("s2", 1) is None
    assert house.codes.find(b"s2") is None
    assert house.sessions.standing_of("s1") is not None
    assert house.generations.find("s1", 1) is not None
    assert house.codes.find(b"s1") is not None


@pytest.mark.parametrize("over", [{"end": NOW}, {"ended": NOW, "end_reason": Reason.IDLE}, {"idle_end": NOW}])
def test_each_way_to_be_over_counts_and_not_before_its_time(house, over):
    opened(house, session("s2", **over))

    with house.change(done()) as change:
        assert change.sessions.delete_over(NOW, 10) == 0
        assert change.sessions.delete_over(NOW + 1, 10) == 1

    assert ids(house.sessions.of_user(1)) == ["s1"]


def test_deleting_goes_in_batches(house):
    opened(house, *(session(f"old{n}", end=NOW - n) for n in range(1, 6)))

    with house.change(done()) as change:
        assert [change.sessions.delete_over(NOW, 2) for _ in range(4)] == [2, 2, 1, 0]

    assert ids(house.sessions.of_user(1)) == ["s1"]


def test_an_ended_row_is_found_until_it_is_deleted(house):
    with house.change(done()) as change:
        change.sessions.end("s1", Reason.REPLACED, NOW + 1)
    assert house.sessions.standing(b"s1").session.end_reason is Reason.REPLACED

    with house.change(done()) as change:
        change.sessions.delete_over(NOW + HOUR, 10)
    assert house.sessions.standing(b"s1") is None


def test_a_session_is_found_by_any_of_its_tokens_digests(house):
    assert house.sessions.standing(b"other", b"s1").session.id == "s1"
    assert house.sessions.standing(b"s1", b"other").session.id == "s1"
    assert house.sessions.standing(b"other", b"another") is None


def test_the_latest_end_is_of_the_sessions_that_are_not_ended(house):
    opened(
        house,
        session("s2", contract="mowork", end=NOW + 5),
        session("s3", contract="mowork", end=NOW + 9, ended=NOW),
        session("s4", contract="thinkjs", end=NOW + 2 * HOUR, token_digest=None),
    )

    assert [house.sessions.latest_end(each) for each in ("mowork", "thinkjs", "zhiyun", None)] == [
        NOW + 5,
        NOW + 2 * HOUR,
        0,
        NOW + HOUR,
    ]


def test_what_rests_on_a_key_is_ended_and_nothing_else(house):
    opened(
        house,
        session("s2", contract="mowork"),
        session("s3", contract="mowork", began=NOW + 1),
        session("s4", contract="mowork", token_digest=None),
        session("s5", contract="mowork", ended=NOW - 1),
        session("s6", contract="mowork", idle_end=NOW),
        session("s7", contract="mowork", end=NOW),
        session("s8"),
        session("s9"),
    )
    with house.change(done()) as change:
        for number, session_id, key_id in ((1, "s1", 1), (1, "s8", 1), (2, "s8", 2), (1, "s9", 3)):
            change.generations.add(generation(number, session_id=session_id, key_id=key_id))

    def end(*which, most=9):
        with house.change(done()) as change:
            return sorted(change.sessions.end_resting(*which, Reason.KICKED_OUT, NOW, most))

    assert end("mowork", (), most=1) == ["s2"]
    assert end("mowork", ()) == ["s4"]
    assert end("oppmg", (1, 9)) == ["s1"]
    assert end("oppmg", (1, 2)) == ["s8"]
    assert end(None, ()) == ["s9"]
    assert house.sessions.standing_of("s9").session.end_reason is Reason.KICKED_OUT
    assert house.sessions.standing_of("s3").session.ended is None


def test_sessions_are_found_by_user_contract_client_and_life_newest_first(house):
    opened(
        house,
        session("old", began=NOW + 1, end=NOW + 5),
        session("idle", began=NOW + 2, idle_end=NOW + 5, user_id=2),
        session("ended", began=NOW + 3, ended=NOW + 4, end_reason=Reason.KICKED_OUT),
        session("zhiyun", began=NOW + 4, contract="zhiyun"),
        session("h5", began=NOW + 4, client_id="h5"),
    )

    def found(size=9, **wanted):
        return [each for each in ids(house.sessions.find(SessionsWanted(**wanted), size)) if each != "s1"]

    assert found() == ["zhiyun", "h5", "ended", "idle", "old"]
    assert found(2) == ["zhiyun", "h5"]
    assert found(user_id=2) == ["idle"]
    assert found(contract="zhiyun") == ["zhiyun"]
    assert found(client_id="h5") == ["h5"]
    assert found(live_at=NOW + 4) == ["zhiyun", "h5", "idle", "old"]
    assert found(live_at=NOW + 5) == ["zhiyun", "h5"]
