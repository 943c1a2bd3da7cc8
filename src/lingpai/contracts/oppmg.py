"""
oppmg: a management back office with a pair of signed tokens, each in a header of its own.

The access token lives for half an hour, the refresh token for an hour. A client that does not renew the pair
in time is told 10026 and handed a new one. A token speaks for one company; to switch is to get another pair.

Document: 机会导向管理后台接口(非正式版). Transcript: tests/conformance/oppmg.http
"""

from typing import Annotated, TypedDict

import msgspec

from lingpai.edge.call import Call
from lingpai.edge.carriers import Header
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.checks.token_pair import AccessShown, EitherShown, RefreshShown, Shown
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route
from lingpai.edge.envelopes import ThreeMembers
from lingpai.edge.reading import JsonBody
from lingpai.edge.schemes.token_pair import KEY_SIZE, PairAnswer, PairToken
from lingpai.edge.steps import Admitted, BuiltIn, Found, Performed, Proved, Routed
from lingpai.modules.module import Offers
from lingpai.operations.change_company import ChangeCompany, CompanyChosen
from lingpai.operations.change_password import ChangePassword, PasswordChange
from lingpai.operations.describe_user import Described, DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.renew import PairShown, Renew
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text, Whole
from lingpai.vocabulary.likeness import CompanyId, CompanyName, Phone, Truename, UserId, Username, like
from lingpai.vocabulary.outcomes import Outcome
from lingpai.vocabulary.settings import NO_GUESTS, ContractSettings, Seconds
from lingpai.vocabulary.values import PairTerms, Terms

ISSUER = "mmm_oppmg"
"""The claim `iss`, as the document's samples decode."""

FewSeconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]
"""A length of time that may also be none."""


class OppmgSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What oppmg lets you set.

    Args:
        access_seconds: `expires_in` is so long after the pair was made.
        refresh_seconds: `refresh_expires` is.
        leeway_seconds: Each token is accepted for so long after the moment that its holder was told.
        grace_seconds: A refresh token that was exchanged still gives the newest pair for so long.
        family_seconds: A session ends so long after the sign-in, however often its pair is renewed.
        client_type: What its callers are counted as: no call names a client type.

    """

    NOT_SET = NO_GUESTS | {"timezone"}

    entrance: Annotated[str, msgspec.Meta(pattern="^(anyone|members|role:.+)$")] = "members"
    access_seconds: Seconds = 1800
    refresh_seconds: Seconds = 3600
    leeway_seconds: FewSeconds = 2
    grace_seconds: FewSeconds = 30
    family_seconds: Seconds = 43_200
    client_type: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]{1,12}$")] = "unknown"


# fmt: off
CODES = CodeTable(
    (200, "00000", "成功",             None,                          Outcome.OK),
    (200, "10001", "参数错误",         "bad parameter",               Outcome.ARGUMENT_BAD,
                                                                      Outcome.UNREADABLE),
    (200, "10002", "账号或密码错误",   "wrong account or password",   Outcome.SIGN_IN_FAILED),
    (200, "10003", "不是该公司的成员", "not a member of the company", Outcome.NOT_A_MEMBER),
    (404, "10004", "接口不存在",       "no such interface",           Outcome.NO_SUCH_CALL),
    (405, "10005", "请求方式错误",     "wrong method",                Outcome.WRONG_METHOD),
    (413, "10006", "请求过大",         "the request is too large",    Outcome.BODY_TOO_LARGE),
    (200, "10007", "操作过于频繁",     "too many attempts",           Outcome.TOO_MANY_ATTEMPTS),
    (200, "10008", "密码过于简单",     "the password is too weak",    Outcome.PASSWORD_TOO_WEAK),
    (200, "10009", "无权访问",         "not allowed",                 Outcome.NOT_ALLOWED),
    (200, "10010", "登录设备过多",     "too many devices",            Outcome.TOO_MANY_DEVICES),
    (200, "10024", "请重新登录",       "sign in again",               Outcome.CREDENTIALS_MISSING,
                                                                      Outcome.CREDENTIALS_BAD,
                                                                      Outcome.SESSION_OVER),
    (200, "10026", "token 已刷新",     "the tokens were renewed",     Outcome.TOKENS_RENEWED),
    (503, "99998", "系统繁忙,请稍后再试", "busy, try again later",      Outcome.STORE_SILENT,
                                                                      Outcome.OVERLOADED),
    (500, "99999", "系统错误",         "server error",                Outcome.INTERNAL),
)
# fmt: on


class Place(TypedDict):
    """A company that the caller belongs to."""

    company_id: CompanyId
    company_name: CompanyName
    is_admin: Annotated[bool, like(example=True, chinese="是否管理员", english="whether as an administrator")]


class Profile(TypedDict):
    """Who the caller is; the company is 0 where the call speaks for none."""

    uid: UserId
    account: Username
    name: Truename
    phone: Phone
    company_id: CompanyId
    companies: list[Place]


def described(result: Described, call: Call) -> Profile:
    """Return who the caller is, which company the call speaks for, and what there is to switch to."""
    caller = call.caller
    return {
        "uid": result.user.id,
        "account": result.user.name,
        "name": result.user.truename,
        "phone": result.user.phone,
        "company_id": (caller.company_id if caller else None) or 0,
        "companies": [
            {"company_id": m.company_id, "company_name": m.company_name, "is_admin": m.is_admin}
            for m in result.memberships
        ],
    }


def oppmg(settings: OppmgSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    access = Shown(Header("x-mmm-accesstoken"), PairToken("access", ISSUER))
    refresh = Shown(Header("x-mmm-refreshtoken"), PairToken("refresh", ISSUER))
    answer = PairAnswer(ISSUER)
    user = (AccessShown(access, refresh, answer), Found(access.scheme), Admitted(company="company_id"))

    return Contract(
        name="oppmg",
        terms=Terms(
            contract="oppmg",
            idle_seconds=settings.refresh_seconds + settings.leeway_seconds,
            absolute_seconds=settings.family_seconds,
            entrance=settings.entrance,
            phone_names=True,
            company_chosen=True,
            pair=PairTerms(
                access=settings.access_seconds,
                refresh=settings.refresh_seconds,
                leeway=settings.leeway_seconds,
                grace=settings.grace_seconds,
            ),
        ),
        reader=JsonBody(),
        steps=(Routed(), BuiltIn(settings.client_type), Permitted(), Proved(), Performed()),
        routes=(
            Route(
                methods=("POST",),
                path="/auth/login",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("account"), password=Text("password", most=256)),
                answer=answer.granted,
            ),
            Route(
                methods=("GET", "POST"),
                path="/v1/auth/refresh_token",
                operation=Renew,
                asks=Asks(
                    PairShown,
                    session_id=Text("sid"),
                    number=Whole("generation"),
                    company_id=Whole("company_id"),
                ),
                answer=answer.renewed,
                proofs=(RefreshShown(refresh),),
            ),
            Route(
                methods=("POST",),
                path="/v1/auth/change_company",
                operation=ChangeCompany,
                asks=Asks(CompanyChosen, company_id=Whole("company_id")),
                answer=answer.renewed,
                proofs=user,
            ),
            Route(
                methods=("POST",),
                path="/v1/auth/logout",
                operation=EndSession,
                proofs=(EitherShown(access, refresh), Found(access.scheme), Admitted()),
            ),
            Route(methods=("GET",), path="/v1/user/info", operation=DescribeSelf, answer=described, proofs=user),
            Route(
                methods=("POST",),
                path="/v1/user/password",
                operation=ChangePassword,
                asks=Asks(PasswordChange, old=Text("old_password", most=256), new=Text("new_password", most=256)),
                proofs=user,
            ),
        ),
        business=Business(path="/v1/{module}/{call}", signed_in=user),
        modules=modules,
        codes=CODES,
        envelope=ThreeMembers("code", "msg", "data", tells_reason=True),
        request_headers=("x-mmm-accesstoken", "x-mmm-refreshtoken"),
        origins=settings.origins,
        client_types=(settings.client_type,),
        keys={"oppmg.pair": KEY_SIZE},
    )


DECLARATION = Declaration(
    "oppmg",
    OppmgSettings,
    oppmg,
    "管理后台：一对签名令牌，各在一个请求头里。访问令牌半小时，刷新令牌一小时；没有及时刷新会收到 10026 和一对新令牌。",
)
