"""
twokeys: two keys on every call that needs a user: one of the app (`api_token`), one of the user (`user_token`).

Spoken by the company's own apps to PHP back ends. The first key is an MD5 over module, controller, action, the
day and the app's secret; without it every address answers `access deny`. Arguments are form fields; an answer
is `code`, `msg` and `data`, where 1 is success.

Document: 接口特点汇总 / PHP Token(令牌). Transcript: tests/conformance/twokeys.http
"""

from typing import Annotated, Literal, TypedDict
from zoneinfo import ZoneInfo

from lingpai.edge.call import Call
from lingpai.edge.carriers import Body, Query
from lingpai.edge.checks.api_token import ApiTokenRight
from lingpai.edge.checks.holder import HolderMatches, HolderNamed
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.envelopes import BareText, Envelope, ThreeMembers
from lingpai.edge.reading import FLAT_FORMS, QueryOrForm
from lingpai.edge.schemes.opaque import Opaque
from lingpai.edge.schemes.user_token import user_token
from lingpai.edge.steps import Admitted, Found, Identified, Performed, Proved, Routed
from lingpai.edge.triples import ByTriple
from lingpai.modules.module import Offers
from lingpai.operations.change_password import ChangePassword, PasswordChange
from lingpai.operations.describe_user import Described, DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.likeness import Phone, Truename, Until, UserId, Username, like
from lingpai.vocabulary.outcomes import Outcome, Reason
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.settings import NO_GUESTS, ContractSettings, Seconds
from lingpai.vocabulary.values import Terms

ADDRESSING = frozenset({"mod", "ctl", "act", "client_id", "api_token", "timestamp", "user_id", "user_token"})
"""Members of the query that say which call, and by whom: no arguments."""


class TwokeysSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What twokeys lets you set.

    Args:
        user_token_seconds: A user_token that was not used for so long is over.
        absolute_seconds: So is one that is so old, however much it was used.
        access_deny: The first key's refusal: "json" in the envelope, "plain" as the bare text.
        success_code: The number of a success, 1 or 0; a failure has the other.

    """

    NOT_SET = NO_GUESTS

    user_token_seconds: Seconds = 7200
    absolute_seconds: Seconds = 2_592_000
    access_deny: Literal["json", "plain"] = "json"
    success_code: Literal[1, 0] = 1


def codes(yes: int, no: int) -> CodeTable:
    """Return the table; its sentences are the only codes that there are, so they are the same in every language."""
    # fmt: off
    return CodeTable(
        (200, yes, "操作成功",     None, Outcome.OK),
        (200, no,  "access deny",  None, Outcome.CLIENT_REFUSED,
                                         Outcome.CREDENTIALS_BAD),
        (200, no,  "无权访问",     None, Outcome.CREDENTIALS_MISSING,
                                         Outcome.SESSION_OVER,
                                         Outcome.NOT_ALLOWED),
        (200, no,  "登录失败",     None, Outcome.SIGN_IN_FAILED),
        (200, no,  "登录设备过多", None, Outcome.TOO_MANY_DEVICES),
        (200, no,  "参数错误",     None, Outcome.ARGUMENT_BAD,
                                         Outcome.UNREADABLE),
        (200, no,  "密码过于简单", None, Outcome.PASSWORD_TOO_WEAK),
        (200, no,  "操作过于频繁", None, Outcome.TOO_MANY_ATTEMPTS),
        (404, no,  "接口不存在",   None, Outcome.NO_SUCH_CALL),
        (405, no,  "请求方式错误", None, Outcome.WRONG_METHOD),
        (413, no,  "请求过大",     None, Outcome.BODY_TOO_LARGE),
        (500, no,  "系统繁忙",     None, Outcome.INTERNAL),
        (503, no,  "系统繁忙",     None, Outcome.STORE_SILENT,
                                         Outcome.OVERLOADED),
    )
    # fmt: on


class TokenTold(TypedDict):
    """A row of the document's table of user tokens."""

    user_id: UserId
    user_token: Annotated[str, like("5ed50c70f162ffb4ab7fbf5fa0340f2a", "用户令牌", "the user's token")]
    expire_time: Until


class Profile(TypedDict):
    """A user."""

    user_id: UserId
    username: Username
    name: Truename
    phone: Phone


def granted(result: Granted, _call: Call) -> TokenTold:
    """Return the row of the document's table of user tokens, with the token that is never told again."""
    session = result.standing.session
    over = session.end if session.idle_end is None else min(session.idle_end, session.end)
    return {"user_id": session.user_id, "user_token": result.token, "expire_time": over // SECOND}


def described(result: Described, _call: Call) -> Profile:
    """Return who the user is."""
    told = result.user
    return {"user_id": told.id, "username": told.name, "name": told.truename, "phone": told.phone}


def twokeys(settings: TwokeysSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    router = ByTriple()
    # Of any shape: a text that cannot be a token is one that is not in the table, and has the same answer.
    token = Opaque(pattern=r"[\s\S]+")
    user = (
        Identified((Query("user_token", weak=WeakForm.QUERY_TOKEN), Body("user_token")), token),
        HolderNamed((Query("user_id"), Body("user_id"))),
        Found(token),
        HolderMatches(),
        Admitted(),
    )
    envelope: Envelope = ThreeMembers("code", "msg", "data", empty=())
    if settings.access_deny == "plain":
        envelope = BareText(frozenset({Outcome.CLIENT_REFUSED, Outcome.CREDENTIALS_BAD}), envelope)

    return Contract(
        name="twokeys",
        terms=Terms(
            contract="twokeys",
            idle_seconds=settings.user_token_seconds,
            absolute_seconds=settings.absolute_seconds,
            entrance=settings.entrance,
            mint=user_token,
        ),
        reader=QueryOrForm(ADDRESSING),
        router=router,
        # The gate stands before the route, so that only our own apps learn which calls there are.
        steps=(
            ApiTokenRight(router, ZoneInfo(settings.timezone)),
            Permitted(),
            Routed(),
            Proved(),
            Permitted(),
            Performed(),
        ),
        routes=(
            Route(
                methods=("POST",),
                path="/api/login/login",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("username"), password=Text("password", most=256)),
                answer=granted,
            ),
            Route(methods=("POST",), path="/api/login/logout", operation=EndSession, proofs=user),
            Route(
                methods=("GET", "POST"),
                path="/api/user/info",
                operation=DescribeSelf,
                answer=described,
                proofs=user,
            ),
            Route(
                methods=("POST",),
                path="/api/user/password",
                operation=ChangePassword,
                asks=Asks(
                    PasswordChange,
                    old=Text("old_password", most=256),
                    new=Text("new_password", most=256),
                ),
                proofs=user,
            ),
        ),
        business=Business(
            path="/api/{module}/{call}", signed_in=user, number=1 - settings.success_code, body=FLAT_FORMS
        ),
        modules=modules,
        codes=codes(settings.success_code, 1 - settings.success_code),
        envelope=envelope,
        # The document deletes what has expired before it looks, so that cannot be told from what never was.
        untold=frozenset({Reason.IDLE, Reason.EXPIRED}),
        speaks_reason=False,
        origins=settings.origins,
    )


DECLARATION = Declaration(
    "twokeys",
    TwokeysSettings,
    twokeys,
    "两把钥匙：应用的 api_token 和用户的 user_token。参数在表单里，应答是 code、msg、data，code 为 1 表示成功。",
)
