"""
zhiyun: an open platform. The app proves itself by HTTP's Basic scheme, its clock by `t_` and `p_`, its user by an
access_token, and that it was let in just now by an auth_code of a few seconds, which is fetched by itself.
"""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard, Written, foreign
from lingpai_client.envelope_xml import object_in_xml
from lingpai_client.outcomes import Outcome, reason_of
from lingpai_client.spelling import FORM, again, form, joined, object_in, query_of, text_members
from lingpai_client.storage import Storage

CODES: Mapping[int, Outcome] = {
    200: Outcome.OK,
    304: Outcome.NOT_MODIFIED,
    400: Outcome.UNREADABLE,
    401: Outcome.TIMESTAMP_BAD,
    500: Outcome.INTERNAL,
    501: Outcome.NO_SUCH_CALL,
    601: Outcome.ARGUMENT_BAD,
    602: Outcome.NOTHING_THERE,
    100001: Outcome.SIGN_IN_FAILED,
    100002: Outcome.CLIENT_REFUSED,
    100008: Outcome.CLIENT_REFUSED,
    100009: Outcome.CLIENT_REFUSED,
    100014: Outcome.SESSION_OVER,
    100018: Outcome.NOT_ALLOWED,
    100019: Outcome.CODE_SPENT,
    100020: Outcome.CODE_SPENT,
    100021: Outcome.CODE_SPENT,
    100023: Outcome.CODE_SPENT,
    100030: Outcome.TOO_MANY_ATTEMPTS,
}


@dataclass(frozen=True, slots=True)
class ZhiyunTokens:
    """
    What a user shows.

    Args:
        authorized: When the auth_code was asked for, in seconds by the server's clock.

    """

    access_token: str = field(repr=False)
    auth_code: str = field(default="", repr=False)
    authorized: float = 0.0

    @property
    def shown(self) -> str:
        return f"{self.access_token} {self.auth_code}"

    @property
    def session(self) -> str:
        return self.access_token

    def is_newer_than(self, other: "ZhiyunTokens") -> bool:
        return False


class Zhiyun(ContractAuth[ZhiyunTokens]):
    """
    Proves calls in the house style of zhiyun, and fetches their auth codes.

    Args:
        access_token: One that the desktop program got. Only a client that is flagged as such may sign users in.
        answers: In which of the document's two forms answers come; `read` gives the same members of both. In XML all
            values are text.
        code_seconds: For how long an auth_code is used before the next is asked for; the server's default is 30.

    """

    name = "zhiyun"
    renewal_needed = True

    def __init__(
        self,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        access_token: str | None = None,
        answers: Literal["json", "xml"] = "json",
        code_seconds: float = 20,
        storage: Storage | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(base_url, storage=storage, clock=clock)
        self.client_id = client_id
        self._basic = "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._answers = answers
        self._code_seconds = code_seconds
        self.calls = {
            "sign_in": Call("POST", self._path("auth", "login"), public=True, grants=True),
            "authorize": Call("GET", self._path("auth", "authorize"), as_is=True),
            "me": Call("GET", self._path("user", "getUserInfo")),
            "company": Call("GET", self._path("company", "getCompanyInfo")),
            "sign_out": Call("POST", self._path("auth", "logout"), as_is=True, ends=True),
        }
        if access_token is not None:
            self.use(access_token)

    def use(self, access_token: str) -> None:
        """Go on with an access_token that the desktop program got."""
        standing = self.session.tokens()
        if standing is None or standing.access_token != access_token:
            self.session.open(ZhiyunTokens(access_token), self.clock.skew)

    def kept(self, members: Mapping[str, Any]) -> ZhiyunTokens | None:
        if not text_members(members, ["access_token"]):
            return None
        since = members.get("authorized")
        return ZhiyunTokens(
            members["access_token"],
            str(members.get("auth_code") or ""),
            float(since) if isinstance(since, int | float) else 0.0,
        )

    def business(self, module: str, name: str) -> str:
        return self._path(module, name)

    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        url, headers = self.url(call.path), {"Accept": f"application/{self._answers}"}
        if call.method == "GET":
            query = form(args or {})
            return Written("GET", f"{url}?{query}" if query else url, headers)
        if args is None:
            return Written("POST", url, headers)
        return Written("POST", url, {**headers, "Content-Type": FORM}, form(args).encode())

    def sign(self, request: httpx2.Request, call: Call, tokens: ZhiyunTokens | None) -> httpx2.Request:
        shown: dict[str, str] = {}
        if tokens is not None:
            shown["access_token"] = tokens.access_token
            if not call.as_is:
                shown |= {"client_id": self.client_id, "auth_code": tokens.auth_code}
        query = joined(form(shown), query_of(request), form(moment(int(self.clock.now() * 1000))))
        return again(request, query=query, headers={"Authorization": self._basic})

    def hear(self, response: httpx2.Response, call: Call) -> Heard[ZhiyunTokens]:
        read = object_in_xml if response.content.startswith(b"<?xml") else object_in
        envelope = read(response.content)
        code = whole(envelope.get("code")) if envelope else None
        if envelope is None or code is None:
            return foreign(response)
        data = envelope.get("data")
        members = data if isinstance(data, dict) else {}
        outcome = CODES.get(code, Outcome.REFUSED)
        now = whole(members.get("nowtime"))
        return Heard(
            outcome,
            code,
            str(envelope.get("message")),
            data,
            reason=reason_of(response.headers.get("X-Lingpai-Reason")),
            tokens=self.kept(members) if outcome is Outcome.OK and call.grants else None,
            time=now + 0.5 if now is not None else None,
        )

    def is_due(self, call: Call, tokens: ZhiyunTokens) -> bool:
        age = self.clock.now() - tokens.authorized
        return not tokens.auth_code or age < 0 or age >= self._code_seconds

    def renewal(self) -> Call:
        return self.calls["authorize"]

    def renewed(self, tokens: ZhiyunTokens, heard: Heard[ZhiyunTokens]) -> ZhiyunTokens | None:
        given = heard.data.get("auth_code") if isinstance(heard.data, dict) else None
        if not isinstance(given, str):
            return None
        return replace(tokens, auth_code=given, authorized=self.clock.now())

    def _path(self, service: str, method: str) -> str:
        return f"/apis/rest/{service}Service/{method}/{self._answers}"


def moment(milliseconds: int) -> dict[str, int]:
    """
    Return what proves that a call is made at *milliseconds*.

    >>> moment(1422339152058)
    {'t_': 1422339152058, 'p_': 8519}
    """
    return {"t_": milliseconds, "p_": milliseconds % 10000 * 3 + 2345}


def whole(value: object) -> int | None:
    """Return a number, which XML writes as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) else None
