"""thinkjs: a token, raw in `Authorization`, and an errno on every answer; HTTP 401 asks to sign in again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard, Written, foreign
from lingpai_client.outcomes import Outcome, reason_of
from lingpai_client.spelling import again, json_written, object_in, text_members

ERRNOS: Mapping[int, Outcome] = {
    0: Outcome.OK,
    401: Outcome.SESSION_OVER,
    1000: Outcome.REFUSED,
    1001: Outcome.ARGUMENT_BAD,
}

STATUSES: Mapping[int, Outcome] = {
    404: Outcome.NO_SUCH_CALL,
    413: Outcome.BODY_TOO_LARGE,
    500: Outcome.INTERNAL,
    503: Outcome.BUSY,
}
"""errno 1000 and 1001 say little; the HTTP status, and where that is 200 the sentence, says which."""

MESSAGES: Mapping[str, Outcome] = {
    "用户名或密码错误": Outcome.SIGN_IN_FAILED,
    "wrong user name or password": Outcome.SIGN_IN_FAILED,
    "无权访问": Outcome.NOT_ALLOWED,
    "not allowed": Outcome.NOT_ALLOWED,
    "操作过于频繁": Outcome.TOO_MANY_ATTEMPTS,
    "too many attempts": Outcome.TOO_MANY_ATTEMPTS,
    "登录设备过多": Outcome.TOO_MANY_DEVICES,
    "too many devices": Outcome.TOO_MANY_DEVICES,
    "请求无法解析": Outcome.UNREADABLE,
    "the request is unreadable": Outcome.UNREADABLE,
    "密码过于简单": Outcome.PASSWORD_TOO_WEAK,
    "the password is too weak": Outcome.PASSWORD_TOO_WEAK,
    "METHOD_NOT_ALLOWED": Outcome.WRONG_METHOD,
}

CALLS: Mapping[str, Call] = {
    "sign_in": Call("POST", "/api/system/token/create", public=True, grants=True),
    "me": Call("GET", "/api/system/user/info"),
    "change_password": Call("POST", "/api/system/user/password"),
    "sign_out": Call("POST", "/api/system/token/delete", as_is=True, ends=True),
}


@dataclass(frozen=True, slots=True)
class ThinkjsTokens:
    """What a user shows."""

    token: str = field(repr=False)

    @property
    def shown(self) -> str:
        return self.token

    @property
    def session(self) -> str:
        return self.token

    def is_newer_than(self, other: "ThinkjsTokens") -> bool:
        return False


class Thinkjs(ContractAuth[ThinkjsTokens]):
    """Proves calls in the house style of thinkjs. Paths begin with `/api`, which stands behind the base URL."""

    name = "thinkjs"
    calls = CALLS
    GETS = frozenset()

    def kept(self, members: Mapping[str, Any]) -> ThinkjsTokens | None:
        return ThinkjsTokens(members["token"]) if text_members(members, ["token"]) else None

    def business(self, module: str, name: str) -> str:
        return f"/api/{module}/{name}"

    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        return json_written(call, self.url(call.path), args)

    def sign(self, request: httpx2.Request, call: Call, tokens: ThinkjsTokens | None) -> httpx2.Request:
        return again(request, headers={"Authorization": tokens.token}) if tokens else request

    def hear(self, response: httpx2.Response, call: Call) -> Heard[ThinkjsTokens]:
        envelope = object_in(response.content)
        if envelope is None or not isinstance(envelope.get("errno"), int):
            return foreign(response)
        data, message = envelope.get("data"), str(envelope.get("errmsg"))
        members = data if isinstance(data, dict) else {}
        outcome = ended(response.status_code, envelope["errno"], message)
        return Heard(
            outcome,
            envelope["errno"],
            message,
            data,
            reason=reason_of(members.get("reason")),
            tokens=self.kept(members) if outcome is Outcome.OK and call.grants else None,
        )


def ended(status: int, errno: int, message: str) -> Outcome:
    """Return how a call ended of which the answer says all this."""
    if status == httpx2.codes.UNAUTHORIZED:
        return Outcome.SESSION_OVER
    said = STATUSES.get(status) or MESSAGES.get(message) if errno else None
    return said or ERRNOS.get(errno, Outcome.REFUSED)
