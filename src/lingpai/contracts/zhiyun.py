"""
zhiyun: an open platform, where third parties ask about the user of a desktop program.

A call proves three things: the app, by HTTP's Basic scheme; the user, by the access_token that the desktop
program got at sign-in; and that the user's app was let in just now, by an auth_code of a few seconds. Answers
are JSON or XML, as the path says, HTTP 200 always; what they tell of people is masked.

Document: 开放API系统说明文档. Transcript: tests/conformance/zhiyun.http
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from lingpai.edge.call import Call
from lingpai.edge.carriers import Argument
from lingpai.edge.checks.auth_code import CodeHeld
from lingpai.edge.checks.basic_client import BasicClient, DesktopClient
from lingpai.edge.checks.permitted import Permitted
from lingpai.edge.checks.shapes import FormAlone, WellShaped
from lingpai.edge.checks.timestamp import FreshTimestamp
from lingpai.edge.checks.unchanged import Changed
from lingpai.edge.codes import CodeTable
from lingpai.edge.contract import Business, Contract, Declaration, Route, Step
from lingpai.edge.describing import Heard, Schema
from lingpai.edge.envelopes import NO_DATA, Said, spelt, write_json
from lingpai.edge.masking import Mask
from lingpai.edge.reading import FLAT_FORMS, FormBody
from lingpai.edge.rest import ByServiceAndMethod, wants_xml
from lingpai.edge.schemes.opaque import Opaque, thirteenfold
from lingpai.edge.steps import Admitted, Found, Identified, Performed, Proved, Routed
from lingpai.edge.xml import write_xml
from lingpai.modules.module import Offers
from lingpai.operations.authorize import Authorize
from lingpai.operations.describe_company import DescribeCompany
from lingpai.operations.describe_user import Described, DescribeSelf
from lingpai.operations.end_session import EndSession
from lingpai.operations.open_session import Granted
from lingpai.operations.sign_in import NameAndPassword, SignIn
from lingpai.vocabulary.arguments import Asks, Text
from lingpai.vocabulary.clock import SECOND, local_time
from lingpai.vocabulary.likeness import Avatar, Created, SexTold, Until, like
from lingpai.vocabulary.outcomes import Outcome, Reason
from lingpai.vocabulary.policies import WeakForm
from lingpai.vocabulary.settings import NO_GUESTS, ContractSettings, Seconds
from lingpai.vocabulary.values import CodeTerms, Company, Terms

Told = TypeVar("Told", bound=Mapping[str, Any])

TOKEN_LIKE = "9106abababababababababababababababab"
CODE_LIKE = "c3a8ad070c745db455e30a51511dca819b607bf7"
NowTime = Annotated[int, like(1767225600, "应答的时刻(秒)", "the second of the answer")]

SCOPES = {
    "basic": "getUserInfo,getCompanyInfo",
    "full": "getUserInfo,getCompanyInfo",
}
"""What an alias in a client's scope opens: methods, or service and method where the method alone says too little."""


def opened_by(modules: Offers) -> Mapping[str, str]:
    """Return what each alias opens of *modules*: a call's own, else the module's name."""
    opened: dict[str, str] = {}
    for offer in modules:
        for call in offer.calls:
            alias = call.scope or offer.module
            opened[alias] = ",".join(filter(None, (opened.get(alias), f"{call.module}Service/{call.name}")))
    return opened


UNMASKED = "full"
"""A client with this alias is told everything whole."""


class ZhiyunSettings(ContractSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What zhiyun lets you set.

    Args:
        idle_seconds: Over when unused for so long; None where idleness does not count.
        clock_seconds: How far a caller's clock may be from ours.
        scopes: Scope aliases beside, or instead of, those in `SCOPES` and of modules, each with the methods that
            it opens.
        avatar_base: What stands before the path of an avatar, such as `https://avatar.example.com`.

    """

    NOT_SET = NO_GUESTS

    access_token_seconds: Seconds = 7_776_000
    idle_seconds: Seconds | None = None
    auth_code_seconds: Seconds = 30
    clock_seconds: Seconds = 3600
    scopes: dict[str, str] = msgspec.field(default_factory=dict)
    avatar_base: str = ""


# fmt: off
CODES = CodeTable(
    (200, 200, "ok", None,
        Outcome.OK),
    (200, 304, "未修改", "Not modified",
        Outcome.NOT_MODIFIED),
    (200, 400, "请求无效", "Invalid request",
        Outcome.UNREADABLE, Outcome.BODY_TOO_LARGE),
    (200, 401, "未授权", "Unauthorized",
        Outcome.TIMESTAMP_BAD),
    (200, 500, "服务内部错误", "Internal server error",
        Outcome.INTERNAL, Outcome.STORE_SILENT, Outcome.OVERLOADED),
    (200, 501, "不支持该客户端", "Service or method not found!",
        Outcome.NO_SUCH_CALL, Outcome.WRONG_METHOD),
    (200, 501, "不支持该客户端", "The client is not supported",
        Outcome.CLIENT_NOT_SERVED),
    (200, 601, "参数非法", "Invalid argument",
        Outcome.ARGUMENT_BAD),
    (200, 602, "内容为空", "No content",
        Outcome.NOTHING_THERE),
    (200, 100001, "用户名或密码错误", "wrong user name or password",
        Outcome.SIGN_IN_FAILED),
    (200, 100002, "client_id 访问非法", "Client_id access is illegal",
        Outcome.CLIENT_MISMATCHED),
    (200, 100008, "该client_id 不存在", "The client_id  does not exist.",
        Outcome.CLIENT_UNKNOWN),
    (200, 100009, "HTTP协议头认证非法", "http header authentication is illegal",
        Outcome.CREDENTIALS_MISSING, Outcome.CREDENTIALS_BAD, Outcome.CLIENT_SECRET_WRONG),
    (200, 100014, "访问token已过期,过期时间一般为3个月",
        "The access token has expired and the expiration time is generally 3 months",
        Outcome.SESSION_OVER),
    (200, 100018, "该授权码无权限访问", "The authorization code does not have permission to access",
        Outcome.SCOPE_INSUFFICIENT, Outcome.NOT_ALLOWED),
    (200, 100019, "授权码不存在,请重新授权", "Authorization code does not exist, please reauthorize",
        Outcome.CODE_UNKNOWN),
    (200, 100020, "授权码已经过期,请重启授权", "authorization code expired, please reauthorize",
        Outcome.CODE_EXPIRED),
    (200, 100021, "授权客户端非法持有授权码", "Authorized client illegally holds authorization code",
        Outcome.CODE_OF_ANOTHER_CLIENT),
    (200, 100023, "授权用户非法持有授权码", "Authorized user illegally holds authorization code",
        Outcome.CODE_OF_ANOTHER_USER),
    (200, 100030, "操作过于频繁", "too many attempts",
        Outcome.TOO_MANY_ATTEMPTS, Outcome.TOO_MANY_DEVICES),
)
# fmt: on

MASKS: Mapping[str, Mask] = {
    "username": Mask(2, 6, 2),
    "truename": Mask(1, 2),
    "phone": Mask(2, 6, 4),
    "company_name": Mask(4, 7, 3),
    "tax_number": Mask(7, 15, 5),
    "address": Mask(5, 3, 5),
    "legal_person_phone": Mask(3, 5, 4),
    "legal_person_name": Mask(1, 2),
}
"""6.2 and 6.3, 响应结果: how the document's own answers hide what they tell."""


@dataclass(frozen=True, slots=True)
class DataCodeMessage:
    """响应结果: data on success alone, then code and message."""

    def wrap(self, said: Said, call: Call) -> tuple[str, bytes]:
        """Return the answer in the format that the path asks for."""
        members = {"data": said.data or {}} if said.outcome is Outcome.OK else {}
        members |= {"code": said.number, "message": said.message}
        if wants_xml(call.request):
            return "application/xml", write_xml("apiResponse", members)
        return "application/json", write_json(members)

    def shapes(self, heard: Heard) -> Mapping[str, Schema]:
        """Return what `wrap` writes."""
        data = {"data": heard.data or NO_DATA} if heard.outcome is Outcome.OK else {}
        schema = {**spelt(heard, "code", "message", **data), "xml": {"name": "apiResponse"}}
        return {"application/json": schema, "application/xml": schema}


class TokenTold(TypedDict):
    """authService/login."""

    access_token: Annotated[str, like(TOKEN_LIKE, "访问令牌", "the access token")]
    expires: Until


class CodeTold(TypedDict):
    """authService/authorize."""

    auth_code: Annotated[str, like(CODE_LIKE, "授权码", "the auth code")]


class UserInfo(TypedDict):
    """userService/getUserInfo, masked unless the client may see it whole."""

    username: Annotated[str, like("li******ei", "用户名", "the user's name")]
    truename: Annotated[str, like("李**", "真实姓名", "the name in real life")]
    sex: SexTold
    phone: Annotated[str, like("13******0170", "手机号", "the phone number")]
    is_admin: Annotated[str, like("1", "是否管理员:1 是,0 否", "1 for an administrator of the company, else 0")]
    status: Annotated[str, like("1", "状态", "the status")] | None
    avatar: Avatar
    created: Created
    nowtime: NowTime


class CompanyInfo(TypedDict):
    """companyService/getCompanyInfo, masked unless the client may see it whole."""

    company_name: Annotated[str, like("智云信息*******限公司", "公司名称", "the company's name")]
    company_type: Annotated[str, like("1", "类型:1 企业,2 个体户", "1 a company, 2 a sole trader")]
    tax_number: Annotated[str, like("9144030***************0000X", "税号", "the number at the tax office")]
    province: Annotated[str, like("广东省", "省", "the province")]
    city: Annotated[str, like("深圳市", "市", "the city")]
    zone: Annotated[str, like("南山区", "区", "the district")]
    address: Annotated[str, like("科技园中区***软件大厦", "地址", "the address")]
    disable: Annotated[str, like("0", "是否停用", "whether it is disabled")]
    tel_phone: Annotated[str, like("0755-12345678", "电话", "the telephone")]
    legal_person_phone: Annotated[str, like("139*****0170", "法人手机", "the legal person's phone number")]
    legal_person_name: Annotated[str, like("王**", "法人姓名", "the legal person's name")]
    created: Created
    nowtime: NowTime


def avatar_path(uid: int) -> str:
    """
    Return where the avatar of the user numbered *uid* lies.

    >>> avatar_path(1152)
    '/000/00/11/52_avatar_small'
    """
    digits = f"{uid:09d}"
    return f"/{digits[:-6]}/{digits[-6:-4]}/{digits[-4:-2]}/{digits[-2:]}_avatar_small"


def granted(result: Granted, _call: Call) -> TokenTold:
    """Return the access_token and the second at which it ends."""
    return {"access_token": result.token, "expires": result.standing.session.end // SECOND}


def code_given(code: str, _call: Call) -> CodeTold:
    """Return the auth_code."""
    return {"auth_code": code}


def shown(fields: Told, call: Call) -> Told:
    """Return *fields* as the calling client may see them."""
    if call.client is not None and UNMASKED in call.client.scope.split():
        return fields
    masked = {name: MASKS[name](value) if name in MASKS else value for name, value in fields.items()}
    return cast("Told", masked)


def zhiyun(settings: ZhiyunSettings, modules: Offers) -> Contract:
    """Return the contract as *settings* want it."""
    zone = ZoneInfo(settings.timezone)
    opened = {**opened_by(modules), **SCOPES, **settings.scopes}
    scopes = {alias: frozenset(methods.split(",")) for alias, methods in opened.items()}
    token = Opaque(pattern="[a-z0-9]{1,128}")

    # The document's arguments, by their patterns. Where client_id is optional, an empty one is none.
    token_words = ("访问令牌", "the access token")
    client_words = ("应用编号", "the client's id")
    access_token = Text("access_token", most=128, pattern="[a-z0-9]+", about=token_words, example=TOKEN_LIKE)
    client_id = Text("client_id", pattern="[0-9]{10}", about=client_words, example="1102084294")
    client_id_or_none = Text("client_id", pattern="([0-9]{10})?", required=False, about=client_words)
    auth_code = Text("auth_code", pattern="[a-z0-9]{40}", about=("授权码", "the auth code"), example=CODE_LIKE)

    app = BasicClient(named=Argument("client_id"), pattern="[0-9]{10}")
    user = (Identified((Argument("access_token", weak=WeakForm.QUERY_TOKEN),), token), Found(token), Admitted())
    with_app = (WellShaped(Asks(dict, client_id=client_id_or_none)), app)
    with_token = (WellShaped(Asks(dict, access_token=access_token, client_id=client_id_or_none)), app, *user)
    with_code = (
        WellShaped(Asks(dict, access_token=access_token, client_id=client_id, auth_code=auth_code)),
        app,
        *user,
        CodeHeld(Argument("auth_code", weak=WeakForm.QUERY_TOKEN)),
    )

    def user_info(result: Described, call: Call) -> UserInfo:
        told = result.user
        fields: UserInfo = {
            "username": told.name,
            "truename": told.truename,
            "sex": told.sex,
            "phone": told.phone,
            "is_admin": "1" if result.works_in and result.works_in.is_admin else "0",
            "status": told.status or None,
            "avatar": settings.avatar_base + avatar_path(told.id),
            "created": local_time(told.created, zone),
            "nowtime": call.now // SECOND,
        }
        return shown(fields, call)

    def company_info(result: Company, call: Call) -> CompanyInfo:
        fields: CompanyInfo = {
            "company_name": result.name,
            "company_type": result.type,
            "tax_number": result.tax_number,
            "province": result.province,
            "city": result.city,
            "zone": result.zone,
            "address": result.address,
            "disable": result.disable,
            "tel_phone": result.tel_phone,
            "legal_person_phone": result.legal_person_phone,
            "legal_person_name": result.legal_person_name,
            "created": local_time(result.created, zone),
            "nowtime": call.now // SECOND,
        }
        return shown(fields, call)

    def route(service: str, method: str, operation: type, proofs: tuple[Step, ...], **more: Any) -> Route:
        path = f"/apis/rest/{service}/{method}/{{format}}"
        return Route(methods=("GET", "POST"), path=path, operation=operation, proofs=proofs, **more)

    return Contract(
        name="zhiyun",
        terms=Terms(
            contract="zhiyun",
            idle_seconds=settings.idle_seconds,
            absolute_seconds=settings.access_token_seconds,
            entrance=settings.entrance,
            mint=thirteenfold,
            code=CodeTerms(settings.auth_code_seconds, scopes),
        ),
        reader=FormBody(query_wins=True, last_wins=True),
        router=ByServiceAndMethod(),
        steps=(
            FreshTimestamp(settings.clock_seconds),
            Routed(),
            Proved(),
            Permitted(),
            Performed(),
            Changed(but="nowtime"),
        ),
        routes=(
            Route(
                methods=("POST",),
                path="/apis/rest/authService/login/{format}",
                operation=SignIn,
                asks=Asks(NameAndPassword, name=Text("username"), password=Text("password", most=256)),
                answer=granted,
                proofs=(app, DesktopClient(), FormAlone()),
            ),
            route("authService", "authorize", Authorize, with_token, answer=code_given),
            route("authService", "logout", EndSession, with_token),
            route("userService", "getUserInfo", DescribeSelf, with_code, answer=user_info),
            route("companyService", "getCompanyInfo", DescribeCompany, with_code, answer=company_info),
        ),
        business=Business(
            path="/apis/rest/{module}Service/{call}/{{format}}",
            signed_in=with_code,
            public=with_app,
            writing=("GET", "POST"),
            body=FLAT_FORMS,
        ),
        modules=modules,
        codes=CODES,
        envelope=DataCodeMessage(),
        request_headers=("If-None-Match",),
        # 100014 says in its own words that the token has expired.
        unspoken=frozenset({Reason.EXPIRED}),
        origins=settings.origins,
    )


DECLARATION = Declaration(
    "zhiyun",
    ZhiyunSettings,
    zhiyun,
    "开放平台：第三方查询桌面程序的用户。每次请求证明应用、用户、授权码；HTTP 总是 200，个人信息打码。",
)
