"""
What a service that stands behind a proxy or a guard is told of its caller, and the key under which it is told.

Each service has a key of its own. With it the service checks what it is told; from it the token is derived with
which its proxy or guard asks us, so that neither is good for the other.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hmac import compare_digest
from typing import Any

import msgspec

from lingpai.principals.keys import Key, hmac_sha256
from lingpai.vocabulary.clock import SECOND
from lingpai.vocabulary.values import Caller

VERSION = "1"
"""Of the identity's form; another form will have another."""

PURPOSE = "forward:"
"""With it begins what the working keys of services are for."""

ACCEPTED = 2
"""So many keys of a service count, the newest first: whoever was given the one before is still understood."""

is_service = re.compile("[a-z0-9][a-z0-9-]{0,31}").fullmatch
"""Whether text can be the name of a service."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_write = msgspec.json.Encoder().encode


def purpose_of(service: str) -> str:
    """
    Return what the working keys of *service* are for, as the keyring calls it.

    No dot stands in it: what begins with a contract's name and a dot is kept for as long as that contract's sessions.
    """
    return f"{PURPOSE}{service}"


@lru_cache(maxsize=1024)
def asking_token(key: bytes) -> str:
    """Return the token with which the proxy, or the guard, of the service that holds *key* asks us."""
    return hmac_sha256(key, b"lingpai: may ask").hex()


def may_ask(shown: str, keys: Sequence[Key]) -> bool:
    """Return whether *shown* is the asking token of one of *keys* that count."""
    return shown.isascii() and any(compare_digest(asking_token(key.value), shown) for key in keys[:ACCEPTED])


def request_digest(method: str, target: str) -> str:
    """
    Return what binds an identity to one request: 16 bytes of SHA-256 over method, blank and target, in hex.

    >>> request_digest("GET", "/v1/orders?page=1")
    'c311edbf7c9ab783211b1ec8611ef391'
    """
    return hashlib.sha256(f"{method} {target}".encode()).hexdigest()[:32]


def claims_of(caller: Caller, service: str, digest: str, now: int, seconds: int) -> Mapping[str, Any]:
    """Return what *service* is told of *caller*, good for *seconds* from *now* (milliseconds)."""
    user, session = caller.user, caller.session
    return {
        "service": service,
        "uid": user.id,
        "name": user.name,
        "role": user.role,
        "contract": session.contract,
        "client": caller.client.id,
        "client_type": caller.client_type,
        "company": caller.company_id,
        "session": session.id,
        "request": digest,
        "iat": now // SECOND,
        "exp": now // SECOND + seconds,
    }


def write_identity(claims: Mapping[str, Any], keys: Sequence[Key]) -> str:
    """
    Return *claims* as text: version, claims in base64url, and an HMAC-SHA-256 over both for each of *keys* that count.

    So a service that was given a new key, and one that still has the key before, both find theirs.
    """
    signed = f"{VERSION}.{_base64url(_write(claims))}"
    macs = [_base64url(hmac_sha256(key.value, signed.encode())) for key in keys[:ACCEPTED]]
    return ".".join((signed, *macs))


def read_identity(text: str, key: bytes, now: int) -> Mapping[str, Any] | None:
    """Return the claims of *text*, or None where *key* has not signed it or *now* (seconds) is not before its end."""
    version, _, rest = text.partition(".")
    body, *macs = rest.split(".")
    expected = _base64url(hmac_sha256(key, f"{version}.{body}".encode()))
    if version != VERSION or not any(compare_digest(mac.encode(), expected.encode()) for mac in macs):
        return None
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if now < claims["exp"] else None


def _base64url(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()
