"""
thinkjs: a JWT, raw in `Authorization`, and an errno on every answer.

Spoken by uniapp pages whose requests go through one file, `common/request`, which puts `/api` before
every path. A token that does not hold is no error: the call goes on without a user, and only
where it needs one does it end, with HTTP 401, at which the page jumps to its sign-in.

Document: 程序员开发指南 (ThinkJS, uniapp and ElementUI). Transcript: tests/conformance/thinkjs.http
"""

from typing import Annotated, TypedDict

from lingpai.edge.call import Call
from lingpai.edge.carriers import Header
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.checks.recognised import Recognised
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.envelopes import ThreeMembers
from lingpai.edge.reading import JsonBody
from lingpai.edge.schemes.jwt import JWT_LIKE
from lingpai.edge.schemes.signed_user import SignedUser, Unexpired
from lingpai.edge.steps import Admitted, BuiltIn, Found, Identified, Performed, Proved, Routed
from lingpai.modules.module import Offers
from lingpai.operations.change_password import ChangePassword, PasswordChange
from lingpai.operations.describe_user import Described, DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.likeness import Avatar, Phone, Truename, UserId, Username, like
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.settings import NO_GUESTS, ContractSettings, Seconds
from lingpai.vocabulary.values import Terms, User


class ThinkjsSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What thinkjs lets you set.

    Args:
        token_seconds: How long a token lives; the document says only that it expires.
        idle_seconds: Over when unused for so long; None where idleness does not count.
        client_type: What every caller counts as, since the document names no client types.

    """

    NOT_SET = NO_GUESTS | {"timezone"}

    token_seconds: Seconds = 86_400
    idle_seconds: Seconds | None = None
    client_type: str = "unknown"


# fmt: off
CODES = CodeTable(
    (200, 0,    "",                     "",                            Outcome.OK),
    (401, 401,  "请登录以后访问。",       "sign in first",               Outcome.CREDENTIALS_MISSING,
                                                                       Outcome.CREDENTIALS_BAD,
                                                                       Outcome.SESSION_OVER),
    (200, 1000, "用户名或密码错误",       "wrong user name or password", Outcome.SIGN_IN_FAILED),
    (200, 1000, "无权访问",              "not allowed",                 Outcome.NOT_ALLOWED),
    (200, 1000, "操作过于频繁",           "too many attempts",           Outcome.TOO_MANY_ATTEMPTS),
    (200, 1000, "登录设备过多",           "too many devices",            Outcome.TOO_MANY_DEVICES),
    (404, 1000, "接口不存在",            "no such interface",           Outcome.NO_SUCH_CALL),
    (500, 1000, "系统错误",              "server error",                Outcome.INTERNAL),
    (503, 1000, "系统繁忙,请稍后再试",    "busy, try again later",       Outcome.STORE_SILENT,
                                                                       Outcome.OVERLOADED),
    (200, 1001, "参数错误",              "bad parameter",               Outcome.ARGUMENT_BAD),
    (200, 1001, "请求无法解析",           "the request is unreadable",   Outcome.UNREADABLE),
    (200, 1001, "密码过于简单",           "the password is too weak",    Outcome.PASSWORD_TOO_WEAK),
    (200, 1001, "METHOD_NOT_ALLOWED",  None,                          Outcome.WRONG_METHOD),
    (413, 1001, "请求过大",              "the request is too large",    Outcome.BODY_TOO_LARGE),
)
# fmt: on


class UserInfo(TypedDict):
    """A user."""

    id: UserId
    username: Username
    truename: Truename
    phone: Phone
    avatar: Avatar


class TokenTold(TypedDict):
    """What a sign-in answers."""

    token: Annotated[str, like(JWT_LIKE, "令牌", "the token")]
    userInfo: UserInfo


def user_info(user: User) -> UserInfo:
    """Return what a page may know of its user."""
    return {
        "id": user.id,
        "username": user.name,
        "truename": user.truename,
        "phone": user.phone,
        "avatar": user.avatar,
    }


def described(result: Described, _call: Call) -> UserInfo:
    """Return oneself."""
    return user_info(result.user)


def thinkjs(settings: ThinkjsSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    token = SignedUser(signing="thinkjs.token", salting="thinkjs.salt")
    user = (
        Identified((Header("Authorization", prefix="Bearer "),), token),
        Found(token),
        Unexpired(),
        Admitted(),
    )

    def granted(result: Granted, call: Call) -> TokenTold:
        standing = result.standing
        return {"token": token.write(standing, call), "userInfo": user_info(standing.user)}

    return Contract(
        name="thinkjs",
        terms=Terms(
            contract="thinkjs",
            idle_seconds=settings.idle_seconds,
            absolute_seconds=settings.token_seconds,
            entrance=settings.entrance,
        ),
        reader=JsonBody(),
        steps=(Routed(), Proved(), BuiltIn(settings.client_type), Permitted(), Performed()),
        routes=(
            Route(
                methods=("POST",),
                path="/api/system/token/create",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("username"), password=Text("password", most=256)),
                answer=granted,
            ),
            Route(methods=("POST",), path="/api/system/token/delete", operation=EndSession, proofs=user),
            Route(
                methods=("GET",),
                path="/api/system/user/info",
                operation=DescribeSelf,
                answer=described,
                proofs=user,
            ),
            Route(
                methods=("POST",),
                path="/api/system/user/password",
                operation=ChangePassword,
                asks=Asks(
                    PasswordChange,
                    old=Text("old_password", most=256),
                    new=Text("new_password", most=256),
                ),
                proofs=user,
            ),
        ),
        business=Business(path="/api/{module}/{call}", signed_in=user, public=(Recognised(user),), number=1000),
        modules=modules,
        codes=CODES,
        envelope=ThreeMembers("errno", "errmsg", "data", tells_reason=True, tells_fields=True),
        origins=settings.origins,
        client_types=(settings.client_type,),
        keys={"thinkjs.token": 32, "thinkjs.salt": 32},
    )


DECLARATION = Declaration(
    "thinkjs",
    ThinkjsSettings,
    thinkjs,
    "Authorization 里直接放 JWT，每个应答都带 errno。令牌无效不算错误，只有需要登录的接口才答 HTTP 401。",
)
