"""postcard: short answers to short questions."""

from typing import Annotated, TypedDict

from lingpai.edge.call import Call
from lingpai.edge.carriers import Header
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.envelopes import ThreeMembers
from lingpai.edge.reading import JsonBody
from lingpai.edge.schemes.opaque import Opaque, capitals
from lingpai.edge.steps import Admitted, BuiltIn, Found, Identified, Performed, Proved, Routed
from lingpai.modules.module import Offers
from lingpai.operations.describe_user import Described, DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.likeness import Username, like
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.settings import ContractSettings, Seconds
from lingpai.vocabulary.values import Terms


class PostcardSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What postcard lets you set."""

    seconds: Seconds = 600


# fmt: off
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
# fmt: on


class Stamp(TypedDict):
    """What a sign-in answers."""

    stamp: Annotated[str, like("00000000000000000000000000000004", "邮戳", "the stamp")]


# "from" is a word of Python's, so this one is written as a call.
Sender = TypedDict("Sender", {"from": Username})


def stamped(granted: Granted, _call: Call) -> Stamp:
    """Return the stamp."""
    return {"stamp": granted.token}


def told(described: Described, _call: Call) -> Sender:
    """Return who sends."""
    return {"from": described.user.name}


def postcard(settings: PostcardSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    token = Opaque(pattern="[0-9A-Z]{32}")
    user = (Identified((Header("Authorization", "Bearer "),), token), Found(token), Admitted())
    return Contract(
        name="postcard",
        terms=Terms(
            contract="postcard",
            idle_seconds=None,
            absolute_seconds=settings.seconds,
            entrance=settings.entrance,
            mint=capitals,
        ),
        reader=JsonBody(),
        steps=(Routed(), Proved(), BuiltIn(), Permitted(), Performed()),
        routes=(
            Route(
                methods=("POST",),
                path="/stamp",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("from"), password=Text("seal", most=256)),
                answer=stamped,
            ),
            Route(
                methods=("GET",),
                path="/sender",
                operation=DescribeSelf,
                answer=told,
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
