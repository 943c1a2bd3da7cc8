"""Which pages may call: the answers to cross-origin requests (WHATWG Fetch, CORS)."""

import re
from collections.abc import Mapping, Sequence

from lingpai.edge.contract import Contract

_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")

PREFLIGHT_SECONDS = 600
"""For so long a browser may remember the answer to a preflight."""

ALLOWED = ("Content-Type", "Authorization", "Accept-Language", "X-Requested-With")
"""Request headers that every house lets a page send; no house trusts a header that it does not name."""

EXPOSED = "X-Lingpai-Reason, Retry-After, ETag, Deprecation, Sunset"
"""Answer headers that a page may read."""


_FOR_NO_PAGE: Mapping[str, str] = {"vary": "Origin"}


def allow_origin(contract: Contract, origins: Sequence[bytes]) -> Mapping[str, str]:
    """Return the headers that let a page of the first of *origins* read an answer; only `Vary` where it may not."""
    if not origins:
        return _FOR_NO_PAGE
    headers, origin = dict(_FOR_NO_PAGE), origins[0].decode("latin-1")
    if "*" in contract.origins:
        headers["access-control-allow-origin"] = "*"
    elif origin in contract.origins or ("loopback" in contract.origins and _LOOPBACK.fullmatch(origin)):
        headers["access-control-allow-origin"] = origin
    else:
        return headers
    headers["access-control-expose-headers"] = EXPOSED
    return headers


def preflight(contract: Contract, origins: Sequence[bytes]) -> Mapping[str, str]:
    """
    Return the headers of the answer to a preflight, the same for every path.

    A browser whose preflight fails shows its page nothing, so a path that is not there is told
    to the call itself, in the envelope. And a preflight tells nobody which paths there are.
    """
    headers = dict(allow_origin(contract, origins))
    if "access-control-allow-origin" in headers:
        methods = sorted({method for rows in contract.table.values() for method in rows})
        headers["access-control-allow-methods"] = ", ".join((*methods, "OPTIONS"))
        headers["access-control-allow-headers"] = ", ".join(dict.fromkeys((*ALLOWED, *contract.request_headers)))
        headers["access-control-max-age"] = str(PREFLIGHT_SECONDS)
    return headers
