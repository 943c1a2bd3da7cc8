"""What the contracts' spellings have in common: forms, JSON, and requests that are written again."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus

import httpx2

from lingpai_client.calls import Call, Written

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def form(members: Mapping[str, Any]) -> str:
    """
    Return *members* as browsers write a form: a blank as `+`; what is None is left out.

    >>> form({"title": "停水 1~2", "page": 1, "more": None})
    'title=%E5%81%9C%E6%B0%B4+1%7E2&page=1'
    """
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in members.items() if value is not None)


def compact(value: object) -> bytes:
    """Return *value* as JSON without blanks, nothing escaped beyond JSON's need."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def joined(*queries: str) -> str:
    """Return the parts of a query as one."""
    return "&".join(query for query in queries if query)


def query_of(request: httpx2.Request) -> str:
    """Return the query of *request* as it is written there."""
    return request.url.query.decode()


def media_type(request: httpx2.Request) -> str:
    """Return what the body of *request* is said to be; nothing where there is no body."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() if request.content else ""


def again(
    request: httpx2.Request,
    *,
    query: str | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx2.Request:
    """Return *request* with another query, and with another method, more headers or another body where given."""
    kept = httpx2.Headers(request.headers)
    for name in ("Content-Length", "Transfer-Encoding"):
        kept.pop(name, None)
    kept.update(headers or {})
    body = request.content if content is None else content
    return httpx2.Request(
        method or request.method,
        request.url if query is None else request.url.copy_with(query=query.encode() or None),
        headers=kept,
        content=body or None,
        extensions=dict(request.extensions),
    )


def json_written(call: Call, url: str, args: Mapping[str, Any] | None) -> Written:
    """Return *call* with its arguments in the query of a GET, or as the JSON of a POST."""
    headers = {"Accept": JSON}
    if call.method == "GET":
        query = form(args or {})
        return Written("GET", f"{url}?{query}" if query else url, headers)
    if args is None:
        return Written("POST", url, headers)
    return Written("POST", url, {**headers, "Content-Type": JSON}, compact(args))


def under(base: str, url: str) -> str | None:
    """Return what stands behind *base* in *url*; None where it is another."""
    root = str(httpx2.URL(base)).rstrip("/")
    return url.removeprefix(root) if url.startswith(f"{root}/") else None


def object_in(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object that *text* is; None where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def claims_of(token: str) -> dict[str, Any]:
    """Return what a JWT says of itself, proved by nothing; nothing where it is none."""
    part = [*token.split("."), ""][1]
    try:
        return object_in(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) or {}
    except ValueError:
        return {}


def text_members(kept: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Return whether each of *names* is a text in *kept*."""
    return all(isinstance(kept.get(name), str) for name in names)


def _escaped(value: object) -> str:
    plain = compact(value).decode() if isinstance(value, dict | list | bool) else str(value)
    # Browsers leave the star and escape the tilde; Python does it the other way round.
    return quote_plus(plain, safe="*").replace("~", "%7E")
