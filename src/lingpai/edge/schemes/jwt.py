"""
Signed tokens: JWT with HS256 (RFC 7519, RFC 7515), written to the byte and read without mercy.

Both documents that use JWT fix the header to `{"alg":"HS256","typ":"JWT"}`. So a token is read by
comparing text: its first part must be that header as we write it, its last part the signature as we
write it. Nothing of a forged token is ever decoded: no `none`, no other algorithm, no padding.
"""

import binascii
import json
import re
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Any

import msgspec

from lingpai.principals.keys import Keyring, hmac_sha256
from lingpai.vocabulary.outcomes import Outcome, Refused

HEADER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
"""`{"alg":"HS256","typ":"JWT"}` in base64url, as in oppmg's sample."""

LONGEST = 4096
"""Characters of a token; ours have about 300."""

SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "format": "jwt",
    "maxLength": LONGEST,
    "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
}
"""What a token looks like, as JSON Schema says it."""

JWT_LIKE = f"{HEADER}.eyJleHAiOjE3NjcyMjc0MDJ9.MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"
"""For people to see what one looks like."""

SHORTEST_KEY = 32
"""Bytes of a key (RFC 7518, section 3.2)."""

WHOLE = slice(None)
"""Of a key."""

_BEGINNING = HEADER + "."

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PLAIN = bytes.maketrans(b"-_", b"+/")

LARGEST = 2**53
"""Of the numbers that a token may tell: beyond it JavaScript's are not exact."""

_is_session_id = re.compile("[A-Za-z0-9_-]{1,64}").fullmatch

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def write_jwt(claims: Mapping[str, Any], key: bytes) -> str:
    """
    Return *claims*, in their order, as a token signed with *key*.

    >>> write_jwt({"exp": 1}, b"k" * 32)[:36] == HEADER
    True
    """
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    signed = f"{HEADER}.{_base64url(payload).decode()}"
    return f"{signed}.{_signature(signed, key).decode()}"


def read_jwt(token: str, keys: Iterable[bytes]) -> dict[str, Any]:
    """
    Return the claims of *token*, which one of *keys* has signed. Times are not judged here.

    Raises:
        Refused: With CREDENTIALS_BAD: too long, not three parts, another header, a signature
            that none of the keys makes, or a payload that we could not have written.

    """
    signed, _, signature = token.rpartition(".")
    if len(token) > LONGEST or not signed.startswith(_BEGINNING) or not token.isascii():
        raise Refused(Outcome.CREDENTIALS_BAD, "not a token of ours")
    shown = signature.encode()
    for key in keys:
        if compare_digest(_signature(signed, key), shown):
            break
    else:
        raise Refused(Outcome.CREDENTIALS_BAD, "the signature is wrong")
    # An imported key may have signed what another system writes otherwise: its own spelling of base64, or no object.
    payload = signed[len(_BEGINNING) :].encode()
    try:
        claims = binascii.a2b_base64(payload.translate(_PLAIN) + b"=" * (-len(payload) % 4))
        if _base64url(claims) != payload:
            raise Refused(Outcome.CREDENTIALS_BAD, "the payload is padded, or holds other letters")
        return _decode(claims)
    except (ValueError, RecursionError):  # base64, UTF-8, JSON, or objects too deep inside each other
        raise Refused(Outcome.CREDENTIALS_BAD, "the payload is no JSON object") from None


def read_signed(token: str, keys: Keyring, purpose: str, part: slice = WHOLE) -> dict[str, Any]:
    """
    Return the claims of *token*, which *part* of one of the *keys* for *purpose* has signed.

    Raises:
        Refused: As `read_jwt` does, once the keys are known to be all.

    """
    ring = keys.accepted(purpose)
    try:
        return read_jwt(token, [key.value[part] for key in ring])
    except Refused:
        if not keys.has_others(purpose, ring):
            raise
    return read_jwt(token, [key.value[part] for key in keys.accepted(purpose)])


def is_whole(claim: object) -> bool:
    """Return whether *claim* is a number as our tokens tell them: whole, not negative, no more than `LARGEST`."""
    return type(claim) is int and 0 <= claim <= LARGEST


def is_session_id(claim: object) -> bool:
    """Return whether *claim* can be the id of a session, so that it may be looked up."""
    return isinstance(claim, str) and _is_session_id(claim) is not None


def _signature(signed: str, key: bytes) -> bytes:
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"an HMAC key needs {SHORTEST_KEY} bytes")
    return _base64url(hmac_sha256(key, signed.encode()))


def _base64url(value: bytes) -> bytes:
    return binascii.b2a_base64(value, newline=False).translate(_URL_SAFE).rstrip(b"=")
