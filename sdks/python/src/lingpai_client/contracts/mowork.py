"""
mowork: a token, a user name and the server's last time on every call; HTTP 403 asks to sign in again.

The token travels in `X-Token` alone: the document also allows it in the query, which logs keep.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard, Written, foreign
from lingpai_client.outcomes import Outcome, reason_of
from lingpai_client.spelling import (
    JSON,
    again,
    compact,
    form,
    joined,
    media_type,
    object_in,
    query_of,
    text_members,
    under,
)
from lingpai_client.storage import Storage

CODES: Mapping[str, Outcome] = {
    "100000": Outcome.OK,
    "403": Outcome.SESSION_OVER,
    "100001": Outcome.SIGN_IN_FAILED,
    "100002": Outcome.ARGUMENT_BAD,
    "100003": Outcome.NAME_TAKEN,
    "100005": Outcome.NOT_ALLOWED,
    "100006": Outcome.TOO_MANY_ATTEMPTS,
    "100007": Outcome.PASSWORD_TOO_WEAK,
    "100008": Outcome.TOO_MANY_DEVICES,
    "100404": Outcome.NO_SUCH_CALL,
    "100405": Outcome.WRONG_METHOD,
    "100413": Outcome.BODY_TOO_LARGE,
    "100500": Outcome.INTERNAL,
    "100503": Outcome.BUSY,
}

CALLS: Mapping[str, Call] = {
    "sign_in": Call("POST", "/user/login", public=True, grants=True),
    "register": Call("POST", "/user/register", public=True, grants=True),
    "me": Call("GET", "/user/getinfo"),
    "check_token": Call("GET", "/user/checktoken"),
    "change_password": Call("POST", "/user/password"),
    "sign_out": Call("POST", "/user/logout", as_is=True, ends=True),
}


@dataclass(frozen=True, slots=True)
class MoworkTokens:
    """
    What a user shows.

    Args:
        told: The latest time that the server told this session, as it wrote it.
        expires: When the token ends, as the server wrote it.

    """

    username: str
    token: str = field(repr=False)
    told: str
    expires: str = ""

    @property
    def shown(self) -> str:
        return self.token

    @property
    def session(self) -> str:
        return self.token

    def is_newer_than(self, other: "MoworkTokens") -> bool:
        # Text in this shape sorts as the moments do.
        return self.told > other.told


class Mowork(ContractAuth[MoworkTokens]):
    """
    Proves calls in the house style of mowork.

    Args:
        business_url: Where business calls go, when they have a host of their own.
        client_type: One of the document's seven: pc, h5, 微信, 小程序, ios, Android, ipad.
        timestamp: `latest` where the server accepts only the very last time that it told: calls then wait for each
            other. `window` is the server's default, and this one's.

    """

    name = "mowork"
    calls = CALLS

    def __init__(
        self,
        base_url: str,
        *,
        business_url: str | None = None,
        client_type: str = "pc",
        client_sys_version: str = "python",
        api_version: str = "v1.0",
        timestamp: Literal["window", "latest"] = "window",
        storage: Storage | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(base_url, storage=storage, clock=clock)
        self.business_url = (business_url or base_url).rstrip("/")
        self.one_at_a_time = timestamp == "latest"
        self._common = {
            "client_type": client_type,
            "client_sys_version": client_sys_version,
            "api_version": api_version,
        }

    def kept(self, members: Mapping[str, Any]) -> MoworkTokens | None:
        names = ("username", "token", "told", "expires")
        return MoworkTokens(*(members[name] for name in names)) if text_members(members, names) else None

    def url(self, path: str) -> str:
        return (self.base_url if path.startswith("/user/") else self.business_url) + path

    def path_of(self, url: str) -> str | None:
        behind = (under(base, url) for base in (self.base_url, self.business_url))
        return next((path for path in behind if path is not None), None)

    def business(self, module: str, name: str) -> str:
        return f"/{module}/{name}"

    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        url, headers = self.url(call.path), {"Accept": JSON}
        if call.method == "GET":
            query = form({f"requestParam[{name}]": value for name, value in (args or {}).items()})
            return Written("GET", f"{url}?{query}" if query else url, headers)
        return Written(
            "POST", url, {**headers, "Content-Type": JSON}, compact({} if args is None else {"requestParam": args})
        )

    def sign(self, request: httpx2.Request, call: Call, tokens: MoworkTokens | None) -> httpx2.Request:
        common = {**self._common, "req_timestamp": tokens.told} if tokens else self._common
        headers = {"X-Token": tokens.token, "X-Username": header_text(tokens.username)} if tokens else {}
        if request.method == "GET":
            return again(request, query=joined(form(common), query_of(request)), headers=headers)
        members = object_in(request.content or b"{}")
        if members is None or media_type(request) not in ("", JSON):
            raise TypeError("mowork takes JSON objects: json={'requestParam': {…}}")
        body = compact(common | members)
        return again(request, headers={**headers, "Content-Type": JSON}, content=body)

    def hear(self, response: httpx2.Response, call: Call) -> Heard[MoworkTokens]:
        envelope = object_in(response.content)
        if envelope is None or not isinstance(envelope.get("resCode"), str):
            return foreign(response)
        code, data = envelope["resCode"], envelope.get("responseParam")
        members = data if isinstance(data, dict) else {}
        outcome = CODES.get(code, Outcome.REFUSED)
        return Heard(
            outcome,
            code,
            str(envelope.get("resMessage")),
            data,
            reason=reason_of(members.get("reason")),
            tokens=granted(members) if outcome is Outcome.OK and call.grants else None,
            time=moment(str(envelope.get("resTimestamp"))),
        )

    def told(self, tokens: MoworkTokens, response: httpx2.Response) -> MoworkTokens:
        # Only an answer that went through the check of the time tells this session one.
        said = object_in(response.content) if response.status_code == httpx2.codes.OK else None
        told = str(said.get("resTimestamp", "")) if said else ""
        return replace(tokens, told=told) if told > tokens.told and moment(told) is not None else tokens


def granted(members: Mapping[str, Any]) -> MoworkTokens | None:
    """Return what a sign-in brought."""
    names = ("username", "token", "timestamp", "expire_time")
    return MoworkTokens(*(members[name] for name in names)) if text_members(members, names) else None


def header_text(name: str) -> str:
    """
    Return *name* as a header holds it: percent-encoded where it is not plain ASCII, or looks like an escape.

    >>> header_text("mei"), header_text("小明")
    ('mei', '%E5%B0%8F%E6%98%8E')
    """
    return name if re.fullmatch(r"[!-$&-~]+", name) else quote(name, safe="!~*'()")


def moment(told: str) -> float | None:
    """
    Return a time of mowork's, which is UTC, in seconds since 1970; None where it is none.

    >>> moment("2017-07-26 23:02:56:336")
    1501110176.336
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}", told):
        return None
    try:
        whole = datetime.strptime(told[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole.timestamp() + int(told[20:]) / 1000
