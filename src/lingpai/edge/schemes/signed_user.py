"""
Signed tokens that tell who somebody is, and are covered twice: by a JWT's signature and by an md5 of their fields.

The md5 is over the canonical JSON of all fields but `md5`, `iat` and `exp` (keys sorted, no blanks, UTF-8),
followed by a salt of the server's. Without the salt it would add nothing to the signature.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from lingpai.edge.call import Call, Members
from lingpai.edge.contract import Step
from lingpai.edge.describing import Schema
from lingpai.edge.schemes.jwt import SCHEMA, is_session_id, is_whole, read_signed, write_jwt
from lingpai.principals.keys import Ring
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.outcomes import Ends, Outcome, Reason, Refused, session_over
from lingpai.vocabulary.values import Standing

_NOT_COVERED = frozenset({"md5", "iat", "exp"})

_canonical = msgspec.json.Encoder(order="sorted").encode


def fields_md5(fields: Mapping[str, Any], salt: bytes) -> str:
    """
    Return the md5 that covers *fields*.

    >>> fields_md5({"username": "admin", "id": 1}, b"md5-salt-for-tests")
    '042ac3f5bf985e5a52ed0d23d437bcb6'
    """
    return hashlib.md5(_canonical(fields) + salt, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class SignedUser:
    """
    A JWT of `id`, `username`, `sid` (the session), `jti`, `md5`, `iat`, `exp`, in this order.

    Who calls is what the session says; the token's own fields only lead to it.

    Args:
        signing: The purpose of the keys that sign.
        salting: The purpose of the keys that follow the fields under the md5.

    """

    signing: str
    salting: str

    def write(self, standing: Standing, call: Call) -> str:
        """Return a token for the session of *standing*, good until the session's end."""
        keys, session = call.desk.keys, standing.session
        fields = {
            "id": standing.user.id,
            "username": standing.user.name,
            "sid": session.id,
            "jti": base64.urlsafe_b64encode(call.desk.randomness(12)).decode(),
        }
        md5 = fields_md5(fields, keys.current(self.salting).value)
        times = {"iat": session.began // SECOND, "exp": session.end // SECOND}
        return write_jwt({**fields, "md5": md5, **times}, keys.current(self.signing).value)

    def read(self, token: str, call: Call) -> Members:
        keys = call.desk.keys
        claims = read_signed(token, keys, self.signing)
        salts = keys.accepted(self.salting)
        if not _is_covered(claims, salts) and not (
            keys.has_others(self.salting, salts) and _is_covered(claims, keys.accepted(self.salting))
        ):
            raise Refused(Outcome.CREDENTIALS_BAD, "the md5 does not cover these fields")
        numbers = is_whole(claims.get("id")) and is_whole(claims.get("exp"))
        if not (numbers and claims.get("username") and is_session_id(claims.get("sid"))):
            raise Refused(Outcome.CREDENTIALS_BAD, "the token names no user, no session, or no end")
        return claims

    def schema(self) -> Schema:
        return SCHEMA

    def find(self, call: Call) -> Standing | None:
        standing = call.desk.sessions.standing_of(call.claims["sid"])
        return standing if standing is not None and standing.user.id == call.claims["id"] else None


def _is_covered(claims: Members, salts: Ring) -> bool:
    fields = {name: value for name, value in claims.items() if name not in _NOT_COVERED}
    shown = str(claims.get("md5")).encode()
    return any(hmac.compare_digest(fields_md5(fields, salt.value).encode(), shown) for salt in salts)


class Unexpired(Step):
    """The token's `exp` is ahead. A session that was ended before it tells its own reason, at admission."""

    __slots__ = ()
    ENDS: ClassVar[Ends] = frozenset({Outcome.SESSION_OVER})

    def __call__(self, call: Call) -> None:
        was_ended = call.standing is not None and call.standing.session.ended is not None
        if call.now >= call.claims["exp"] * SECOND and not was_ended:
            raise session_over(Reason.EXPIRED)
