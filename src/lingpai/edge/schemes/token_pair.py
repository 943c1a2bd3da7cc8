"""
A pair of signed tokens (oppmg): one for calls, one to renew the pair with.

A pair is written from its `Generation`, so that the same pair can be written again, byte for byte,
for whoever lost the answer; no token is kept.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from lingpai.edge.call import Call, Members
from lingpai.edge.describing import Schema
from lingpai.edge.schemes.jwt import JWT_LIKE, SCHEMA, is_session_id, is_whole, read_signed, write_jwt
from lingpai.operations.open_session import Granted
from lingpai.operations.renew import Renewed
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.likeness import like
from lingpai.vocabulary.outcomes import Outcome, Reason, Refused, session_over
from lingpai.vocabulary.values import Generation, Session, Sighting

Kind = Literal["access", "refresh"]

KEY_SIZE = 64
"""Bytes of the working key of a contract with pairs: half of them sign access tokens, half refresh tokens."""

_HALVES = {"access": slice(0, 32), "refresh": slice(32, 64)}

_LONGEST_NUMBER = 15
"""Digits of a pair's number."""


def token_id(session_id: str, kind: Kind, number: int) -> str:
    """
    Return the `jti` of one token: which session's, which kind, of which pair.

    >>> token_id("AAAAAAAAAAAAAAAAAAAAAQ", "refresh", 3)
    'AAAAAAAAAAAAAAAAAAAAAQ.r3'
    """
    return f"{session_id}.{kind[0]}{number}"


@dataclass(frozen=True, slots=True)
class PairToken:
    """
    One of the two tokens, as it is read.

    Claims, when read: those of the token, and `generation`, the number of its pair.

    Args:
        issuer: The claim `iss`.

    """

    kind: Kind
    issuer: str

    def read(self, token: str, call: Call) -> Members:
        claims = read_signed(token, call.desk.keys, f"{call.contract.name}.pair", _HALVES[self.kind])
        # A key that was imported may have signed tokens of the system that it comes from: they name no session.
        get = claims.get
        numbers = is_whole(get("exp")) and is_whole(get("uid")) and is_whole(get("company_id"))
        if get("iss") != self.issuer or not (numbers and is_session_id(get("sid"))):
            raise Refused(Outcome.CREDENTIALS_BAD, "not a token of this house")
        mine, told = token_id(claims["sid"], self.kind, 0)[:-1], str(get("jti"))
        number = told.removeprefix(mine)
        if not told.startswith(mine) or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
            raise Refused(Outcome.CREDENTIALS_BAD, f"not the {self.kind} token of a pair")
        claims["generation"] = int(number)
        return claims

    def schema(self) -> Schema:
        return SCHEMA

    def find(self, call: Call) -> Any:
        standing = call.desk.sessions.standing_of(call.claims["sid"])
        return standing if standing is not None and standing.user.id == call.claims["uid"] else None


def is_expired(claims: Members, call: Call) -> bool:
    """Return whether now is `exp` or later (RFC 7519, section 4.1.4)."""
    return bool(call.now >= claims["exp"] * SECOND)


class Pair(TypedDict):
    """Both tokens, and the seconds since 1970 that they are good until."""

    access_token: Annotated[str, like(JWT_LIKE, "访问令牌", "goes with each call")]
    expires_in: Annotated[int, like(1767227400, "访问令牌到期的时刻(秒)", "when the access token is over, in seconds")]
    refresh_token: Annotated[str, like(JWT_LIKE, "刷新令牌", "renews the pair")]
    refresh_expires: Annotated[
        int, like(1767229200, "刷新令牌到期的时刻(秒)", "when the refresh token is over, in seconds")
    ]


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """
    Writes a pair as the answer that hands it out.

    `expires_in` and `refresh_expires` are moments, in seconds since 1970; each token is accepted for
    the leeway longer. What is promised of the refresh token never goes beyond the end of its session.
    """

    issuer: str

    def granted(self, result: Granted, call: Call) -> Pair:
        """Return the first pair of a session."""
        assert result.pair is not None  # noqa: S101 - the contract's terms ask for pairs
        return self._written(result.pair, result.standing.session, call)

    def renewed(self, result: Renewed, call: Call) -> Pair:
        """
        Return the newest pair of a session.

        The session's use is written down whenever a pair is handed out: its idle end must not come before
        the end of a refresh token that lives.
        """
        session = result.standing.session
        call.sighting = Sighting(session.id, call.now, call.contract.terms.idle_end(call.now))
        return self._written(result.pair, session, call)

    def _written(self, pair: Generation, session: Session, call: Call) -> Pair:
        terms = call.contract.terms.pair
        assert terms is not None  # noqa: S101 - only a contract with such terms hands out pairs
        key = call.desk.keys.numbered(f"{call.contract.name}.pair", pair.key_id)
        if key is None:
            raise session_over(Reason.UNKNOWN, "the key that signed the pair is gone")
        expires_in = pair.issued + terms.access
        refresh_expires = min(pair.issued + terms.refresh, session.end // SECOND)

        def signed(kind: Kind, told: int) -> str:
            claims = {
                "exp": told + terms.leeway,
                "iat": pair.issued,
                "iss": self.issuer,
                "nbf": pair.issued,
                "uid": session.user_id,
                "company_id": pair.company_id,
                "sid": session.id,
                "jti": token_id(session.id, kind, pair.number),
            }
            return write_jwt(claims, key.value[_HALVES[kind]])

        return {
            "access_token": signed("access", expires_in),
            "expires_in": expires_in,
            "refresh_token": signed("refresh", refresh_expires),
            "refresh_expires": refresh_expires,
        }
