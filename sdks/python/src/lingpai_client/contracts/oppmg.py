"""
oppmg: a pair of tokens in two headers. 10026 brings a new pair with the refusal of a call; 10024 ends the session.

The pair is renewed shortly before `expires_in`, reckoned by the server's clock, and whenever 10026 says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from lingpai_client.auth import ContractAuth
from lingpai_client.calls import Call, Heard, Written, foreign
from lingpai_client.outcomes import Outcome, reason_of
from lingpai_client.spelling import again, claims_of, json_written, object_in, text_members

CODES: Mapping[str, Outcome] = {
    "00000": Outcome.OK,
    "10001": Outcome.ARGUMENT_BAD,
    "10002": Outcome.SIGN_IN_FAILED,
    "10003": Outcome.NOT_A_MEMBER,
    "10004": Outcome.NO_SUCH_CALL,
    "10005": Outcome.WRONG_METHOD,
    "10006": Outcome.BODY_TOO_LARGE,
    "10007": Outcome.TOO_MANY_ATTEMPTS,
    "10008": Outcome.PASSWORD_TOO_WEAK,
    "10009": Outcome.NOT_ALLOWED,
    "10010": Outcome.TOO_MANY_DEVICES,
    "10024": Outcome.SESSION_OVER,
    "10026": Outcome.RENEWED,
    "99998": Outcome.BUSY,
    "99999": Outcome.INTERNAL,
}

CALLS: Mapping[str, Call] = {
    "sign_in": Call("POST", "/auth/login", public=True, grants=True),
    "me": Call("GET", "/v1/user/info"),
    "refresh": Call("GET", "/v1/auth/refresh_token", as_is=True, grants=True, rotates=True),
    "change_company": Call("POST", "/v1/auth/change_company", grants=True, rotates=True),
    "change_password": Call("POST", "/v1/user/password"),
    "sign_out": Call("POST", "/v1/auth/logout", as_is=True, ends=True),
}

EARLY_SECONDS = 30
EARLY_SHARE = 0.1
"""So much before its end a pair is renewed: the lesser of the two, the second as a share of its life."""


@dataclass(frozen=True, slots=True)
class OppmgTokens:
    """
    What a user shows.

    Args:
        expires_in: The second at which the access token ends, by the server's clock.

    """

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires: int

    @property
    def shown(self) -> str:
        return self.refresh_token

    @property
    def session(self) -> str:
        return str(claims_of(self.access_token).get("sid") or self.refresh_token)

    @property
    def made(self) -> tuple[int, int]:
        """The second at which this pair was made, and how many were made before it."""
        claims = claims_of(self.access_token)
        generation = re.search(r"\.a(\d+)$", str(claims.get("jti")))
        return _whole(claims.get("iat")), int(generation[1]) if generation else 0

    def is_newer_than(self, other: "OppmgTokens") -> bool:
        return self.made > other.made


class Oppmg(ContractAuth[OppmgTokens]):
    """Proves calls in the house style of oppmg, and renews the pair."""

    name = "oppmg"
    calls = CALLS
    GETS = frozenset()

    def kept(self, members: Mapping[str, Any]) -> OppmgTokens | None:
        return pair_in(members)

    def business(self, module: str, name: str) -> str:
        return f"/v1/{module}/{name}"

    def write(self, call: Call, args: Mapping[str, Any] | None) -> Written:
        return json_written(call, self.url(call.path), args)

    def sign(self, request: httpx2.Request, call: Call, tokens: OppmgTokens | None) -> httpx2.Request:
        if tokens is None:
            return request
        return again(
            request, headers={"x-mmm-accesstoken": tokens.access_token, "x-mmm-refreshtoken": tokens.refresh_token}
        )

    def hear(self, response: httpx2.Response, call: Call) -> Heard[OppmgTokens]:
        envelope = object_in(response.content)
        if envelope is None or not isinstance(envelope.get("code"), str):
            return foreign(response)
        code, data = envelope["code"], envelope.get("data")
        members = data if isinstance(data, dict) else {}
        outcome = CODES.get(code, Outcome.REFUSED)
        brings = outcome is Outcome.RENEWED or (outcome is Outcome.OK and call.grants)
        tokens = pair_in(members) if brings else None
        return Heard(
            outcome,
            code,
            str(envelope.get("msg")),
            data,
            reason=reason_of(members.get("reason")),
            tokens=tokens,
            time=tokens.made[0] if tokens else None,
        )

    def is_due(self, call: Call, tokens: OppmgTokens) -> bool:
        life = tokens.expires_in - tokens.made[0]
        return self.clock.now() >= tokens.expires_in - min(EARLY_SECONDS, life * EARLY_SHARE)

    def renewal(self) -> Call:
        return CALLS["refresh"]


def pair_in(members: Mapping[str, Any]) -> OppmgTokens | None:
    """Return the pair that *members* hold."""
    if not text_members(members, ("access_token", "refresh_token")):
        return None
    return OppmgTokens(
        members["access_token"],
        _whole(members.get("expires_in")),
        members["refresh_token"],
        _whole(members.get("refresh_expires")),
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
