"""
The page of a contract at `/<contract>/docs`: everything that it serves, to be read and to be tried, without a network.

Style and program are files of their own, so that the page allows nothing inline and nothing from elsewhere.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from lingpai.edge.contract import Contract
from lingpai.edge.openapi import Language, openapi
from lingpai.edge.reference import Pages

DOCS, DOCUMENT = "/docs", "/openapi.json"

_ASSETS = {
    "/docs/page.css": ("page.css", "text/css; charset=utf-8"),
    "/docs/page.js": ("page.js", "text/javascript; charset=utf-8"),
}

OWN_PATHS = frozenset({DOCS, DOCUMENT, *_ASSETS})
"""Paths inside a contract that are ours, unless they are its own."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""Besides those of every answer."""

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Explorer:
    """
    The pages of one contract.

    Args:
        about: What its file says of it, in a language.
        hosts: Host names that serve a side at their root.
        base: Where it stands: `/<contract>`, or empty at the root of a host.
        zone: Where it is the day that clients sign, for the program of the page.

    """

    contract: Contract
    about: Callable[[str], str]
    hosts: Mapping[str, str]
    base: str
    zone: str = "Asia/Shanghai"
    _made: dict[tuple[str, Language], tuple[str, bytes]] = field(default_factory=dict, init=False, repr=False)

    def answer(self, path: str, language: Language) -> tuple[str, bytes] | None:
        """Return content type and body of our page at *path*, or None where the contract has a call of that path."""
        if path in self.contract.table or path not in OWN_PATHS:
            return None
        key = (path, language)
        if key not in self._made:
            self._made[key] = self._make(path, language)
        return self._made[key]

    def _make(self, path: str, language: Language) -> tuple[str, bytes]:
        if path in _ASSETS:
            name, content_type = _ASSETS[path]
            return content_type, (_HERE / name).read_bytes()
        document = openapi(
            self.contract, about=self.about(language), hosts=self.hosts, base=self.base, language=language
        )
        if path == DOCUMENT:
            return "application/json; charset=utf-8", msgspec.json.encode(document)
        return "text/html; charset=utf-8", _page(document, language, self.base, self.zone).encode()


def asked_language(scope: Mapping[str, Any]) -> Language:
    """Return the language that a request asks for: in the query, else by `Accept-Language`, else Chinese."""
    query: bytes = scope["query_string"]
    if query in (b"language=en", b"language=zh"):
        return "en" if query.endswith(b"en") else "zh"
    wished = next((value for name, value in scope["headers"] if name == b"accept-language"), b"zh")
    return "en" if wished[:2].lower() == b"en" else "zh"


def is_near(address: str, host: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """
    Return whether a request is of a browser on this machine.

    It comes from a loopback *address*, asks for this machine by name, and no proxy says that it only passes it on.
    """
    forwarded = any(name == b"forwarded" or name.startswith(b"x-forwarded-") for name, _ in headers)
    return _LOOPBACK(address) is not None and _OWN_NAME(host) is not None and not forwarded


_LOOPBACK = re.compile(r"127\.[0-9.]+|::1|::ffff:127\.[0-9.]+").fullmatch
_OWN_NAME = re.compile(r"localhost|127\.[0-9.]+|\[?::1\]?").fullmatch


@cache
def _template() -> Any:
    # Jinja is imported where the first page is asked for: a server that shows none does without.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    pages.filters["json"] = lambda value: msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return pages.get_template("page.html")


def _page(document: Mapping[str, Any], language: Language, base: str, zone: str) -> str:
    pages = Pages(document)
    written: str = _template().render(
        info=document["info"],
        calls=list(pages.calls()),
        codes=pages.codes(),
        language=language,
        base=base,
        zone=zone,
        say=lambda zh, en: en if language == "en" else zh,
    )
    return written
