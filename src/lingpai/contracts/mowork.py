"""
mowork: a token, a user name and the server's last time on every call.

Spoken by PC pages, H5, WeChat, mini-programs and apps. Accounts and business have a host
each. Common members surround the call's own arguments, which stand in `requestParam`; a GET
carries the same members flattened. A refused call is HTTP 403 with `resCode` "403".

Document: Mowork系统API架构设计及技术规范. Transcript: tests/conformance/mowork.http
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from lingpai.edge.call import Call
from lingpai.edge.carriers import Argument, Body, Header
from lingpai.edge.checks.members import CommonMembers
from lingpai.edge.checks.names import Named, NameMatches
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.checks.server_time import SERVER_TIME, NoTimeYet, TimeShown, TimeWithin, write_server_time
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.describing import Heard, Schema
from lingpai.edge.envelopes import NO_DATA, Said, one_reason, spelt, write_json
from lingpai.edge.reading import NestedArguments
from lingpai.edge.schemes.opaque import Opaque, capitals
from lingpai.edge.steps import Admitted, BuiltIn, Found, Identified, Performed, Proved, Routed
from lingpai.modules.module import Offers
from lingpai.operations.change_password import ChangePassword, PasswordChange
from lingpai.operations.check_token import CheckToken
from lingpai.operations.describe_user import DescribeColleague, Described, UserName
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.register import Register, Registration
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.clock import local_time
from lingpai.vocabulary.likeness import (
    Avatar,
    CompanyId,
    CompanyName,
    Created,
    Email,
    Nickname,
    Phone,
    SexTold,
    Truename,
    Username,
    like,
)
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.settings import ContractSettings, Seconds
from lingpai.vocabulary.values import Session, Sex, Terms

Token = Annotated[str, like("EFEFSFJF9DFJIEH9SFE8FSF8D0SF8", "令牌", "the token")]
Moment = Annotated[str, like("2017-07-26 23:02:56:336", "时间(UTC)", "a time (UTC)")]


class MoworkSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What mowork lets you set.

    Args:
        token_seconds: How long a token lives, however it is used.
        idle_seconds: Over when unused for so long; None where idleness does not count.
        timestamp: "window" accepts any time that the session can have been told, "latest" only the last.
        api_versions: Versions served, as `api_version` names them.

    """

    token_seconds: Seconds = 86_400
    idle_seconds: Seconds | None = None
    timestamp: Literal["window", "latest"] = "window"
    window_seconds: Seconds = 120
    api_versions: tuple[str, ...] = ("v1.0", "v1", "1.0")


CLIENT_TYPES = {
    **{name: name for name in ("pc", "h5", "ios", "android", "ipad", "weixin", "miniprogram")},
    "微信": "weixin",
    "wechat": "weixin",
    "小程序": "miniprogram",
}
"""公共请求参数, client_type: the document's spellings in lower case, and plain ones."""

# fmt: off
CODES = CodeTable(
    (200, "100000", "操作成功",           "ok",                          Outcome.OK),
    (403, "403",    "请重新登录",         "sign in again",               Outcome.CREDENTIALS_MISSING,
                                                                         Outcome.CREDENTIALS_BAD,
                                                                         Outcome.TIMESTAMP_BAD,
                                                                         Outcome.SESSION_OVER),
    (200, "100001", "用户名或密码错误",   "wrong user name or password", Outcome.SIGN_IN_FAILED),
    (200, "100002", "参数错误",           "bad parameter",               Outcome.ARGUMENT_BAD,
                                                                         Outcome.UNREADABLE),
    (200, "100003", "用户名已存在",       "the user name is taken",      Outcome.NAME_TAKEN),
    (200, "100005", "无权访问",           "not allowed",                 Outcome.NOT_ALLOWED),
    (200, "100006", "操作过于频繁",       "too many attempts",           Outcome.TOO_MANY_ATTEMPTS),
    (200, "100007", "密码过于简单",       "the password is too weak",    Outcome.PASSWORD_TOO_WEAK),
    (200, "100008", "登录设备过多",       "too many devices",            Outcome.TOO_MANY_DEVICES),
    (404, "100404", "接口不存在",         "no such interface",           Outcome.NO_SUCH_CALL),
    (405, "100405", "请求方式错误",       "wrong method",                Outcome.WRONG_METHOD),
    (413, "100413", "请求过大",           "the request is too large",    Outcome.BODY_TOO_LARGE),
    (500, "100500", "系统错误",           "server error",                Outcome.INTERNAL),
    (503, "100503", "系统繁忙,请稍后再试", "busy, try again later",       Outcome.STORE_SILENT,
                                                                         Outcome.OVERLOADED),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Response:
    """公共响应参数: number, message and time on every answer; `responseParam` where something was asked for."""

    def wrap(self, said: Said, call: Call) -> tuple[str, bytes]:
        """Return the answer as JSON."""
        told = write_server_time(call.issued or call.desk.clock())
        members: dict[str, Any] = {"resCode": said.number, "resMessage": said.message, "resTimestamp": told}
        if said.outcome is Outcome.OK:
            members["responseParam"] = said.data or {}
        elif said.reason:
            members["responseParam"] = {"reason": said.reason.value}
        return "application/json; charset=utf-8", write_json(members)

    def shapes(self, heard: Heard) -> Mapping[str, Schema]:
        """Return what `wrap` writes."""
        schema = spelt(heard, "resCode", "resMessage", resTimestamp=SERVER_TIME)
        if heard.outcome is Outcome.OK:
            schema = spelt(
                heard, "resCode", "resMessage", resTimestamp=SERVER_TIME, responseParam=heard.data or NO_DATA
            )
        elif heard.reasons:
            schema["properties"]["responseParam"] = one_reason(heard.reasons)
            schema["required"].append("responseParam")
        return {"application/json": schema}


class TokenTold(TypedDict):
    """What a sign-in answers; a token is called two things in the document."""

    username: Username
    token: Token
    user_token: Token
    timestamp: Moment
    expire_time: Moment


class Lasting(TypedDict):
    """Whose a token is, and until when."""

    username: Username
    expire_time: Moment


class Profile(TypedDict):
    """A user."""

    username: Username
    truename: Truename
    nickname: Nickname
    sex: SexTold
    phone: Phone
    email: Email
    avatar: Avatar
    company_id: CompanyId | None
    company_name: CompanyName
    created: Created


def granted(result: Granted, call: Call) -> TokenTold:
    """Return token and times; the time that the session was told first is the answer's own."""
    session = result.standing.session
    call.issued = session.last_issued
    return {
        "username": result.standing.user.name,
        "token": result.token,
        "user_token": result.token,
        "timestamp": write_server_time(session.last_issued),
        "expire_time": write_server_time(session.end),
    }


def lasting(session: Session, call: Call) -> Lasting:
    """Return whose the token is, and until when it lasts."""
    name = call.standing.user.name if call.standing else ""
    return {"username": name, "expire_time": write_server_time(session.end)}


def mowork(settings: MoworkSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    zone = ZoneInfo(settings.timezone)
    token = Opaque(pattern="[!-~]{1,32}")
    user = (
        Identified((Header("X-Token"), Body("user_token", weak=WeakForm.QUERY_TOKEN)), token),
        Named(Header("X-Username"), Argument("username")),
        TimeShown("req_timestamp"),
        Found(token),
        NameMatches(),
        Admitted(),
        Permitted(),
        TimeWithin(settings.window_seconds, latest=settings.timestamp == "latest"),
    )
    first_call = (NoTimeYet("req_timestamp"),)
    sign_in = {"name": Text("username"), "password": Text("password", most=256)}
    profile = {
        name: Text(name, most=most, required=False)
        for name, most in (("truename", 32), ("nickname", 32), ("phone", 20), ("email", 254), ("avatar", 500))
    }

    def described(result: Described, _call: Call) -> Profile:
        told = result.user
        return {
            "username": told.name,
            "truename": told.truename,
            "nickname": told.nickname,
            "sex": told.sex,
            "phone": told.phone,
            "email": told.email,
            "avatar": told.avatar,
            "company_id": result.works_in.company_id if result.works_in else None,
            "company_name": result.works_in.company_name if result.works_in else "",
            "created": local_time(told.created, zone),
        }

    return Contract(
        name="mowork",
        terms=Terms(
            contract="mowork",
            idle_seconds=settings.idle_seconds,
            absolute_seconds=settings.token_seconds,
            entrance=settings.entrance,
            registration=settings.registration,
            invitation=settings.invited(),
            mint=capitals,
        ),
        reader=NestedArguments(
            "requestParam",
            aliases={f"{a} {b}": f"{a}_{b}" for a, b in (("client", "type"), ("api", "version"), ("req", "timestamp"))}
            | {"client sys version": "client_sys_version", "user token": "user_token"},
            credentials=frozenset({"user_token"}),
        ),
        steps=(
            Routed(),
            Proved(),
            CommonMembers(
                fields=(
                    Text(
                        "client_type",
                        most=12,
                        about=("客户端类型，不分大小写", "the type of client, in any case"),
                        example="pc",
                    ),
                    Text(
                        "client_sys_version",
                        most=32,
                        about=("系统或浏览器版本", "the version of system or browser"),
                        example="chrome57.0",
                    ),
                    Text(
                        "api_version",
                        most=10,
                        about=("接口版本", "the version of the interface"),
                        one_of=settings.api_versions,
                        example=settings.api_versions[0],
                    ),
                ),
                client_type="client_type",
                client_types=CLIENT_TYPES,
            ),
            BuiltIn(),
            Permitted(),
            Performed(),
        ),
        routes=(
            Route(
                methods=("POST",),
                path="/user/login",
                operation=SignIn,
                asks=Asks(NameAndPassword, **sign_in),
                answer=granted,
                proofs=first_call,
            ),
            Route(
                methods=("POST",),
                path="/user/register",
                operation=Register,
                asks=Asks(
                    Registration,
                    **sign_in,
                    **profile,
                    sex=Text("sex", most=1, one_of=tuple(Sex), required=False, default=Sex.UNTOLD),
                    invitation=Text("invitation", required=False),
                ),
                answer=granted,
                proofs=first_call,
            ),
            Route(
                methods=("GET", "POST"),
                path="/user/getinfo",
                operation=DescribeColleague,
                asks=Asks(UserName, name=Text("username", required=False)),
                answer=described,
                proofs=user,
                # The document prints it in an answer, so it is the same in every language.
                message=("获取用户信息成功", "获取用户信息成功"),
            ),
            Route(
                methods=("GET", "POST"),
                path="/user/checktoken",
                operation=CheckToken,
                answer=lasting,
                proofs=user,
            ),
            Route(
                methods=("POST",),
                path="/user/password",
                operation=ChangePassword,
                asks=Asks(
                    PasswordChange,
                    old=Text("old_password", most=256),
                    new=Text("new_password", most=256),
                ),
                proofs=user,
            ),
            Route(methods=("POST",), path="/user/logout", operation=EndSession, proofs=user),
        ),
        business=Business(path="/{module}/{call}", signed_in=user, public=first_call, body=("application/json",)),
        modules=modules,
        codes=CODES,
        envelope=Response(),
        request_headers=("X-Token", "X-Username"),
        origins=settings.origins,
        client_types=tuple(dict.fromkeys(CLIENT_TYPES.values())),
    )


DECLARATION = Declaration(
    "mowork",
    MoworkSettings,
    mowork,
    "每次请求都带三样：令牌、用户名、服务器上次返回的时间。账号与业务各有一个域名。",
)
