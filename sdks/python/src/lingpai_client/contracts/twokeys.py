"""
twokeys: `api_token`, an MD5 over the call, the day and the app's secret, and `user_token` beside it.

The first stands in the query, as the document says. The second is posted in the form: addresses are kept in logs.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard, Written, foreign
from lingpai_client.outcomes import Outcome, reason_of
from lingpai_client.spelling import FORM, JSON, again, compact, form, joined, media_type, object_in, query_of
from lingpai_client.storage import Storage

MESSAGES: Mapping[str, Outcome] = {
    "access deny": Outcome.CLIENT_REFUSED,
    "无权访问": Outcome.NOT_ALLOWED,
    "登录失败": Outcome.SIGN_IN_FAILED,
    "登录设备过多": Outcome.TOO_MANY_DEVICES,
    "参数错误": Outcome.ARGUMENT_BAD,
    "密码过于简单": Outcome.PASSWORD_TOO_WEAK,
    "操作过于频繁": Outcome.TOO_MANY_ATTEMPTS,
    "接口不存在": Outcome.NO_SUCH_CALL,
    "请求方式错误": Outcome.WRONG_METHOD,
    "请求过大": Outcome.BODY_TOO_LARGE,
    "系统繁忙": Outcome.BUSY,
}
"""A failure's message is its only code, and the same in every language."""

CALLS: Mapping[str, Call] = {
    "sign_in": Call("POST", "/api/login/login", public=True, grants=True),
    "me": Call("POST", "/api/user/info"),
    "change_password": Call("POST", "/api/user/password"),
    "sign_out": Call("POST", "/api/login/logout", as_is=True, ends=True),
}


@dataclass(frozen=True, slots=True)
class TwokeysTokens:
    """
    What a user shows.

    Args:
        expire_time: The second at which it ends if it is never used.

    """

    user_id: int
    user_token: str = field(repr=False)
    expire_time: int = 0

    @property
    def shown(self) -> str:
        return self.user_token

    @property
    def session(self) -> str:
        return self.user_token

    def is_newer_than(self, other: "TwokeysTokens") -> bool:
        return False


class Twokeys(ContractAuth[TwokeysTokens]):
    """
    Proves calls in the house style of twokeys.

    A GET of a signed-in user goes as a POST, with what it asks in the form: the two are alike in this contract, and
    only a form keeps the user's token out of the address.

    Args:
        utc_offset_hours: Where the server's day begins; 8, Shanghai's, when missing.
        signs: `day` is the document's printed recipe; `timestamp` signs the second instead, which is good for five
            minutes, but for any call.
        success_code: What a success is counted as.

    """

    name = "twokeys"
    calls = CALLS

    def __init__(
        self,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        utc_offset_hours: float = 8,
        signs: Literal["day", "timestamp"] = "day",
        success_code: Literal[1, 0] = 1,
        storage: Storage | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(base_url, storage=storage, clock=clock)
        self.client_id = client_id
        self._secret = client_secret
        self._offset = timedelta(hours=utc_offset_hours)
        self._signs = signs
        self._success = success_code

    def kept(self, members: Mapping[str, Any]) -> TwokeysTokens | None:
        user_id, token, until = (members.get(name) for name in ("user_id", "user_token", "expire_time"))
        if not isinstance(user_id, int) or not isinstance(token, str):
            return None
        return TwokeysTokens(user_id, token, until if isinstance(until, int) else 0)

    def business(self, module: str, name: str) -> str:
        return f"/api/{module}/{name}"

    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        url, headers = self.url(call.path), {"Accept": JSON}
        if call.method == "GET":
            query = form(args or {})
            return Written("GET", f"{url}?{query}" if query else url, headers)
        return Written("POST", url, {**headers, "Content-Type": FORM}, form(args or {}).encode())

    def sign(self, request: httpx2.Request, call: Call, tokens: TwokeysTokens | None) -> httpx2.Request:
        keys, asked = form(self.keys(call.path)), query_of(request)
        if tokens is None:
            return again(request, query=joined(keys, asked))
        user = {"user_id": tokens.user_id, "user_token": tokens.user_token}
        if request.method == "GET":
            query, content = keys, joined(form(user), asked)
        elif media_type(request) in ("", FORM):
            query, content = joined(keys, asked), joined(form(user), request.content.decode())
        else:
            members = object_in(request.content) if media_type(request) == JSON else None
            if members is None:
                raise TypeError("twokeys takes forms and JSON objects: data={…} or json={…}")
            return again(request, query=joined(keys, asked), content=compact(user | members))
        return again(request, query=query, method="POST", headers={"Content-Type": FORM}, content=content.encode())

    def keys(self, path: str) -> dict[str, str]:
        """Return what proves the app when it calls *path* now."""
        now = self.clock.now()
        if self._signs == "timestamp":
            told = str(int(now))
            return {
                "client_id": self.client_id,
                "api_token": md5(self.client_id + told + self._secret),
                "timestamp": told,
            }
        day = (datetime.fromtimestamp(now, UTC) + self._offset).date().isoformat()
        return {"client_id": self.client_id, "api_token": md5(path.replace("/", "") + day + self._secret)}

    def hear(self, response: httpx2.Response, call: Call) -> Heard[TwokeysTokens]:
        plain = response.content == b"access deny"
        denied: dict[str, Any] = {"code": 1 - self._success, "msg": "access deny", "data": []}
        envelope = denied if plain else object_in(response.content)
        if envelope is None or not isinstance(envelope.get("code"), int) or not isinstance(envelope.get("msg"), str):
            return foreign(response)
        code, message, data = envelope["code"], str(envelope["msg"]), envelope.get("data")
        reason = reason_of(response.headers.get("X-Lingpai-Reason"))
        outcome = Outcome.OK if code == self._success else MESSAGES.get(message, Outcome.REFUSED)
        # One sentence has two meanings: sign in, where no token was shown or a reason is told; else not allowed.
        if outcome is Outcome.NOT_ALLOWED and (reason or not (call.public or shows_user(response.request))):
            outcome = Outcome.SESSION_OVER
        if outcome is Outcome.BUSY and response.status_code == httpx2.codes.INTERNAL_SERVER_ERROR:
            outcome = Outcome.INTERNAL
        members = data if isinstance(data, dict) else {}
        granted = outcome is Outcome.OK and call.grants
        return Heard(outcome, code, message, data, reason=reason, tokens=self.kept(members) if granted else None)


def md5(text: str) -> str:
    """
    Return the document's digest of *text*: MD5, in lower-case hex.

    >>> md5("apirepairgetlist2013-12-18k3y-Of-20-chars-long")
    'f9286d6233d737aed43f24d3a4ea9ff2'
    """
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def shows_user(request: httpx2.Request) -> bool:
    """Whether a user's token stands in *request*."""
    return b"user_token" in request.content
