"""The two tokens of a pair: as the document prints them, told apart, and the same again whenever they are written."""

import base64
import json
from dataclasses import replace

import msgspec
import pytest

from lingpai.edge.call import Call, Request
from lingpai.edge.schemes.jwt import write_jwt
from lingpai.edge.schemes.token_pair import PairAnswer, PairToken, is_expired
from lingpai.operations.open_session import Granted
from lingpai.operations.renew import Renewed
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused
from lingpai.vocabulary.values import Generation, Session, Standing
from tests.conformance.stage import KEYS, Stage

IAT = 1_576_051_888
ACCESS_KEY, REFRESH_KEY = KEYS["oppmg.pair"][:32], KEYS["oppmg.pair"][32:]
ACCESS, REFRESH = PairToken("access", "mmm_oppmg"), PairToken("refresh", "mmm_oppmg")

# Lines 14 and 16 of the document, without the signatures, whose key it does not print.
SAMPLE_ACCESS = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE1NzYwNTM2OTAsImlhdCI6MTU3NjA1MTg4OCwiaXNzIjoibW1t"
    "X29wcG1nIiwibmJmIjoxNTc2MDUxODg4LCJ1aWQiOjEwLCJjb21wYW55X2lkIjoyfQ"
)
SAMPLE_REFRESH = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE1NzYwNTU0OTAsImlhdCI6MTU3NjA1MTg4OCwiaXNzIjoibW1t"
    "X29wcG1nIiwibmJmIjoxNTc2MDUxODg4LCJ1aWQiOjEwLCJjb21wYW55X2lkIjoyfQ"
)


@pytest.fixture
def stage():
    stage = Stage("oppmg")
    stage.clock(str(IAT * 1000))
    return stage


@pytest.fixture
def call(stage):
    desk = stage.house.shell.desks.asking
    return Call(Request("GET", "/"), stage.house.served["oppmg"].contract, desk, stage.now)


@pytest.fixture
def session():
    return Session(
        id="AAAAAAAAAAAAAAAAAAAAAQ",
        user_id=10,
        client_id="oppmg:unknown",
        contract="oppmg",
        client_type="unknown",
        token_digest=None,
        company_id=2,
        began=IAT * 1000,
        idle_end=None,
        end=(IAT + 43_200) * 1000,
        last_seen=IAT * 1000,
    )


@pytest.fixture
def pair(call):
    key = call.desk.keys.current("oppmg.pair")
    return Generation("AAAAAAAAAAAAAAAAAAAAAQ", 1, 2, IAT, key.id)


def written(pair, session, call):
    client = call.desk.clients.by_id("oppmg:unknown")
    renewed = Renewed(Standing(session, None, client, ()), pair)  # type: ignore[arg-type]
    return PairAnswer("mmm_oppmg").renewed(renewed, call)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def six(claims):
    return {name: value for name, value in claims.items() if name not in ("sid", "jti")}


def refused(act):
    with pytest.raises(Refused) as raised:
        act()
    return raised.value


def refusal(act):
    return refused(act).outcome


def test_the_documents_six_members_come_first_and_make_its_own_segments(pair, session, call):
    answer = written(pair, session, call)
    access, refresh = claims(answer["access_token"]), claims(answer["refresh_token"])
    assert list(access) == ["exp", "iat", "iss", "nbf", "uid", "company_id", "sid", "jti"]
    assert write_jwt(six(access), ACCESS_KEY).rpartition(".")[0] == SAMPLE_ACCESS
    assert write_jwt(six(refresh), REFRESH_KEY).rpartition(".")[0] == SAMPLE_REFRESH
    assert (answer["expires_in"], answer["refresh_expires"]) == (1_576_053_688, 1_576_055_488)


def test_our_keys_sign_the_documents_segments_as_computed_elsewhere(pair, session, call):
    answer = written(pair, session, call)
    access, refresh = claims(answer["access_token"]), claims(answer["refresh_token"])
    assert write_jwt(six(access), ACCESS_KEY).rpartition(".")[2] == "i9nV3e4AGE30XtA7tqN07iAYI1DsRCKzccT-nI-1wMY"
    assert write_jwt(six(refresh), REFRESH_KEY).rpartition(".")[2] == "wUCB61V6R1_TyyfB8B7Aq8Vjgj2hJoJwuKRTpwtB7x4"


def test_a_pair_is_written_the_same_again_later(stage, pair, session, call):
    first = written(pair, session, call)
    call.now += 29_000
    stage.now += 29_000
    assert written(replace(pair, exchanged=call.now, set_aside=True), session, call) == first


def test_a_pair_is_written_with_the_key_that_it_names_after_that_was_rotated(pair, session, call):
    first = written(pair, session, call)
    call.desk.keys.import_key("oppmg.pair", bytes(range(64)))
    assert written(pair, session, call) == first
    assert ACCESS.read(first["access_token"], call)["uid"] == 10


def test_a_key_as_long_as_the_contract_asks_for_signs_both_tokens(pair, session, call):
    keys = call.desk.keys
    keys.import_key("oppmg.pair", bytes(call.contract.keys["oppmg.pair"]))
    answer = written(replace(pair, key_id=keys.current("oppmg.pair").id), session, call)
    assert ACCESS.read(answer["access_token"], call)["uid"] == 10
    assert REFRESH.read(answer["refresh_token"], call)["uid"] == 10


def test_a_pair_whose_key_is_gone_asks_to_sign_in_again(pair, session, call):
    ending = refused(lambda: written(replace(pair, key_id=99), session, call))
    assert (ending.outcome, ending.reason) == (Outcome.SESSION_OVER, Reason.UNKNOWN)


def test_each_token_reads_as_its_own_kind_and_names_its_pair(pair, session, call):
    answer = written(replace(pair, number=10**15 - 1), session, call)
    assert ACCESS.read(answer["access_token"], call)["generation"] == 10**15 - 1
    assert REFRESH.read(answer["refresh_token"], call)["generation"] == 10**15 - 1
    assert refusal(lambda: ACCESS.read(answer["refresh_token"], call)) is Outcome.CREDENTIALS_BAD
    assert refusal(lambda: REFRESH.read(answer["access_token"], call)) is Outcome.CREDENTIALS_BAD


def test_the_two_tokens_of_two_pairs_have_four_ids(pair, session, call):
    answers = [written(replace(pair, number=number), session, call) for number in (1, 2)]
    ids = {claims(answer[name])["jti"] for answer in answers for name in ("access_token", "refresh_token")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"sid": None},
        {"jti": None},
        {"jti": "AAAAAAAAAAAAAAAAAAAAAQ.r1"},
        {"jti": "AAAAAAAAAAAAAAAAAAAAAQ.a"},
        {"jti": "another.a1"},
        {"jti": 1},
        {"jti": f"AAAAAAAAAAAAAAAAAAAAAQ.a{10**15}"},
        {"exp": "1576053690"},
        {"exp": None},
        {"company_id": True},
        {"uid": 1.5},
    ],
)
def test_what_our_key_signed_elsewhere_is_no_token_of_this_house(pair, session, call, changed):
    good = claims(written(pair, session, call)["access_token"])
    assert ACCESS.read(write_jwt(good, ACCESS_KEY), call)
    bad = {name: value for name, value in (good | changed).items() if value is not None}
    assert refusal(lambda: ACCESS.read(write_jwt(bad, ACCESS_KEY), call)) is Outcome.CREDENTIALS_BAD


def test_a_token_has_expired_at_its_exp_and_not_a_millisecond_before(call):
    call.now = 1_576_053_690_000
    assert is_expired({"exp": 1_576_053_690}, call)
    call.now -= 1
    assert not is_expired({"exp": 1_576_053_690}, call)


def test_the_end_of_the_session_is_all_that_a_refresh_token_is_promised(pair, session, call):
    answer = written(pair, msgspec.structs.replace(session, end=(IAT + 2000) * 1000 + 999), call)
    assert answer["refresh_expires"] == IAT + 2000
    assert claims(answer["refresh_token"])["exp"] == IAT + 2002
    assert answer["expires_in"] == IAT + 1800


def test_a_renewed_pair_is_a_use_of_its_session_to_be_written_down_whatever_was_written_before(pair, session, call):
    written(pair, session, call)
    assert call.sighting is not None
    assert call.sighting.idle_end is not None
    assert call.sighting.idle_end >= (pair.issued + 3602) * 1000


def test_the_first_pair_is_written_like_any_other(pair, session, call):
    client = call.desk.clients.by_id("oppmg:unknown")
    granted = Granted(Standing(session, None, client, ()), "", pair)  # type: ignore[arg-type]
    assert PairAnswer("mmm_oppmg").granted(granted, call) == written(pair, session, call)


def test_a_token_that_is_over_says_so_too_when_its_session_is_not_kept_any_more(stage, pair, session, call):
    token = written(pair, session, call)["access_token"]
    stage.wait("1802")

    answer = stage.answer("GET", "/oppmg/v1/user/info", [("x-mmm-accesstoken", token)], "")

    told = json.loads(answer[2])
    assert (answer[0], told["code"], told["data"]) == (200, "10024", {"reason": "expired"})
