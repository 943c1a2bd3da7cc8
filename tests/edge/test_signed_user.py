"""The token of thinkjs: its vectors, and who can be recognised by it."""

import hashlib

import pytest

from lingpai.edge.call import Call, Request
from lingpai.edge.checks.recognised import Recognised
from lingpai.edge.contract import Step
from lingpai.edge.schemes.jwt import write_jwt
from lingpai.edge.schemes.signed_user import SignedUser, fields_md5
from lingpai.principals.keys import REREAD_SECONDS, Keyring
from lingpai.vocabulary.outcomes import NotRemembered, Outcome, Reason, Refused, session_over
from tests.conformance.stage import KEYS, Stage

KEY, SALT = KEYS["thinkjs.token"], KEYS["thinkjs.salt"]


def test_the_md5_is_that_of_canonical_json_followed_by_the_salt():
    assert fields_md5({"username": "admin", "id": 1}, SALT) == "042ac3f5bf985e5a52ed0d23d437bcb6"


def test_the_md5_covers_chinese_as_utf8_without_escapes():
    written = '{"id":1,"username":"王"}md5-salt-for-tests'.encode()

    assert fields_md5({"username": "王", "id": 1}, SALT) == hashlib.md5(written).hexdigest()


def test_the_documents_own_fields_make_the_token_of_the_vectors():
    claims = {"id": 1, "username": "admin", "md5": "042ac3f5bf985e5a52ed0d23d437bcb6"}
    claims |= {"iat": 1600000000, "exp": 1600086400}

    assert write_jwt(claims, KEY) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6MSwidXNlcm5hbWUiOiJhZG1pbiIsIm1kNSI6IjA0MmFjM2Y1YmY5ODVlNWE1"
        "MmVkMGQyM2Q0MzdiY2I2IiwiaWF0IjoxNjAwMDAwMDAwLCJleHAiOjE2MDAwODY0MDB9.J-kd36zCj-FBavpOZ_2aWNXhTA6rnKmg0hNjWR"
        "q24d4"
    )


@pytest.fixture
def stage():
    return Stage("thinkjs")


@pytest.fixture
def call(stage):
    contract = stage.house.served["thinkjs"].contract
    return Call(Request("GET", "/"), contract, stage.house._asking_desk(), stage.now)


TOKEN = SignedUser(signing="thinkjs.token", salting="thinkjs.salt")
CLAIMS = {"id": 1, "username": "mei", "sid": "AAAAAAAAAAAAAAAAAAAAAQ", "jti": "AAAAAAAAAAAAAAAB", "exp": 1600086400}


def covered(salt, claims=CLAIMS):
    """Return a token of *claims*, rightly signed, and under an md5 of *salt*."""
    fields = {name: value for name, value in claims.items() if name != "exp"}
    return write_jwt({**claims, "md5": fields_md5(fields, salt)}, KEY)


def refusal(token, call):
    with pytest.raises(Refused) as refused:
        TOKEN.read(token, call)
    return refused.value.outcome


@pytest.fixture
def rotated(stage):
    """The salt that another worker has imported, of which this one has not heard."""
    another = Keyring(stage.stores, bytes(32), lambda: stage.now, stage.random)
    another.import_key("thinkjs.salt", b"the next salt")
    stage.wait(str(REREAD_SECONDS))
    return b"the next salt"


def test_a_token_under_a_salt_that_this_worker_has_not_heard_of_is_read(rotated, call):
    assert TOKEN.read(covered(rotated), call)["id"] == 1
    assert TOKEN.read(covered(SALT), call)["id"] == 1


def test_a_token_under_no_salt_of_ours_is_refused_though_they_turn_out_to_be_others(rotated, call):
    assert refusal(covered(b"a salt of nobody"), call) is Outcome.CREDENTIALS_BAD
    assert refusal(covered(b"a salt of nobody"), call) is Outcome.CREDENTIALS_BAD


@pytest.mark.parametrize("without", ["id", "username", "sid", "exp"])
def test_a_token_that_names_no_user_no_session_or_no_end_is_refused_though_rightly_covered(call, without):
    assert TOKEN.read(covered(SALT), call)["id"] == 1
    claims = {name: value for name, value in CLAIMS.items() if name != without}
    assert refusal(covered(SALT, claims), call) is Outcome.CREDENTIALS_BAD


class Ending(Step):
    ENDS = frozenset({Outcome.CREDENTIALS_BAD})

    def __init__(self, ending):
        self.ending = ending

    def __call__(self, call):
        call.token, call.claims = "shown", {"id": 1}
        raise self.ending


@pytest.mark.parametrize(
    "ending",
    [Refused(Outcome.CREDENTIALS_MISSING), Refused(Outcome.CREDENTIALS_BAD), session_over(Reason.EXPIRED)],
)
def test_who_cannot_be_recognised_is_a_visitor_of_whom_nothing_is_left(call, ending):
    Recognised((Ending(ending),))(call)

    assert (call.token, call.claims, call.standing, call.caller) == ("", {}, None, None)


@pytest.mark.parametrize("ending", [Refused(Outcome.STORE_SILENT), NotRemembered(), RuntimeError("a bug")])
def test_a_store_that_is_silent_never_makes_a_visitor(call, ending):
    with pytest.raises(type(ending)) as came:
        Recognised((Ending(ending),))(call)

    assert came.value is ending


def test_what_can_end_otherwise_cannot_be_forgiven():
    class Counted(Step):
        ENDS = frozenset({Outcome.CREDENTIALS_BAD, Outcome.TOO_MANY_ATTEMPTS})

    with pytest.raises(ValueError, match="not forgiven: TOO_MANY_ATTEMPTS"):
        Recognised((Counted(),))
