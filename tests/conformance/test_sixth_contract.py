"""A house style that nobody here has heard of is served from one file of its own, and needs nothing else touched."""

import textwrap

import pytest

from lingpai.composition import declarations, open_house
from lingpai.vocabulary.settings import SettingRefused, Settings
from tests.conformance.stage import Stage
from tests.conformance.test_transcripts import _says
from tests.conformance.transcripts import play

POSTCARD = '''
"""postcard: short answers to short questions."""

from lingpai.edge.carriers import Header
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.envelopes import ThreeMembers
from lingpai.edge.reading import JsonBody
from lingpai.edge.schemes.opaque import Opaque, capitals
from lingpai.edge.steps import Admitted, BuiltIn, Found, Identified, Performed, Proved, Routed
from lingpai.operations.describe_user import DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.settings import ContractSettings, Seconds
from lingpai.vocabulary.values import Terms


class PostcardSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What postcard lets you set."""

    seconds: Seconds = 600


CODES = CodeTable(
    (200, 0, "好", "fine", Outcome.OK),
    (400, 1, "看不懂", "illegible", Outcome.UNREADABLE, Outcome.ARGUMENT_BAD, Outcome.BODY_TOO_LARGE),
    (401, 2, "你是谁", "who are you", Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD, Outcome.SESSION_OVER,
                                      Outcome.SIGN_IN_FAILED),
    (403, 3, "不行", "no", Outcome.NOT_ALLOWED, Outcome.TOO_MANY_DEVICES, Outcome.TOO_MANY_ATTEMPTS),
    (404, 4, "查无此人", "address unknown", Outcome.NO_SUCH_CALL, Outcome.WRONG_METHOD),
    (500, 5, "邮局着火", "the office burns", Outcome.INTERNAL),
    (503, 6, "邮局关门", "the office is closed", Outcome.STORE_SILENT, Outcome.OVERLOADED),
)


def postcard(settings, modules):
    """Return the contract as *settings* want it."""
    token = Opaque(pattern="[0-9A-Z]{32}")
    user = (Identified((Header("Authorization", "Bearer "),), token), Found(token), Admitted())
    return Contract(
        name="postcard",
        terms=Terms(
            contract="postcard", idle_seconds=None, absolute_seconds=settings.seconds, entrance=settings.entrance,
            mint=capitals,
        ),
        reader=JsonBody(),
        steps=(Routed(), Proved(), BuiltIn(), Performed()),
        routes=(
            Route(
                methods=("POST",),
                path="/stamp",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("from"), password=Text("seal", most=256)),
                answer=lambda granted, _call: {"stamp": granted.token},
            ),
            Route(
                methods=("GET",),
                path="/sender",
                operation=DescribeSelf,
                answer=lambda told, _call: {"from": told.user.name},
                proofs=user,
            ),
            Route(methods=("DELETE",), path="/stamp", operation=EndSession, proofs=user),
        ),
        business=Business(path="/{module}/{call}", signed_in=user),
        modules=modules,
        codes=CODES,
        envelope=ThreeMembers("no", "says", "about"),
        origins=settings.origins,
        client_types=("unknown",),
    )


DECLARATION = Declaration("postcard", PostcardSettings, postcard)
'''

TRANSCRIPT = """
## a stamp for whoever has the seal

@ user mei "correct horse"
> POST /postcard/stamp
>
> {"from":"mei","seal":"correct horse"}
< 200
< Cache-Control: no-store
< {"no":0,"says":"好","about":{"stamp":"00000000000000000000000000000004"}}

## none for whoever has not

> POST /postcard/stamp
> Accept-Language: en
>
> {"from":"mei","seal":"battery staple"}
< 401
< {"no":2,"says":"who are you","about":{}}

## the stamp tells the sender

> GET /postcard/sender
> Authorization: Bearer 00000000000000000000000000000004
< 200
< {"no":0,"says":"好","about":{"from":"mei"}}

## a business call that this house had never heard of is served here too

> POST /postcard/notice/add
> Authorization: Bearer 00000000000000000000000000000004
>
> {"title":"放假","content":"七天"}
< 200
< {"no":0,"says":"好","about":{}}

> GET /postcard/notice/list
< 200
< {"no":0,"says":"好","about":{"notices":[{"id":1,"title":"放假","content":"七天","created":"2026-01-01 08:00:00"}]}}

## what cannot be read

> POST /postcard/stamp
>
> {"from":
< 400
< {"no":1,"says":"看不懂","about":{}}

## what is not there

> PUT /postcard/stamp
< 404
< {"no":4,"says":"查无此人","about":{}}

## what is not allowed

@ set notice_writers=admins
> POST /postcard/notice/add
> Authorization: Bearer 00000000000000000000000000000004
>
> {"title":"放假","content":"七天"}
< 403
< {"no":3,"says":"不行","about":{}}

## an end

> DELETE /postcard/stamp
> Authorization: Bearer 00000000000000000000000000000004
< 200
< {"no":0,"says":"好","about":{}}

> GET /postcard/sender
> Authorization: Bearer 00000000000000000000000000000004
< 401
< X-Lingpai-Reason: unknown
< {"no":2,"says":"你是谁","about":{}}

## the office

@ fault bug
> GET /postcard/notice/list
< 500
< {"no":5,"says":"邮局着火","about":{}}

@ fault store
> GET /postcard/notice/list
< 503
< {"no":6,"says":"邮局关门","about":{}}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "postcard.py"
    path.write_text(POSTCARD, encoding="utf-8")
    return path


def test_a_file_outside_of_the_house_is_a_contract_like_any_other(file, tmp_path):
    transcript = tmp_path / "postcard.http"
    transcript.write_text(TRANSCRIPT, encoding="utf-8")
    stage = Stage("postcard")
    stage.settings["contract_files"] = (str(file),)
    stage._build()

    heard = [body for _, (_, body) in play(transcript, stage)]

    codes = stage.house.served["postcard"].contract.codes.rows
    assert [code for code in codes if not any(_says(body, code.number) for body in heard)] == []


def test_it_is_found_by_one_setting_and_has_settings_of_its_own(file, tmp_path):
    variables = {"LINGPAI_CONTRACT_FILES": str(file), "LINGPAI_CONTRACTS__POSTCARD__SECONDS": "60"}
    house = open_house(tmp_path / "data", variables)

    house.prepare()

    assert set(house.served) == {*declarations(Settings()), "postcard"}
    assert house.served["postcard"].contract.terms.absolute_seconds == 60
    house.stop()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is no Python file"),
        ("", "declares no DECLARATION"),
        ("DECLARATION = 'postcard'", "declares no DECLARATION"),
        (POSTCARD.replace('Declaration("postcard"', 'Declaration("mowork"'), "two contracts are called mowork"),
    ],
)
def test_a_file_that_is_no_contract_is_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "postcard.py"
    if content is not None:
        path.write_text(textwrap.dedent(content), encoding="utf-8")

    with pytest.raises(SettingRefused, match=complaint):
        declarations(Settings(contract_files=(str(path),)))
