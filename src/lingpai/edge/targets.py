"""
The target of a request that somebody else will serve: what is judged here must be what is served there.

A proxy, a framework and we each read a path for ourselves. One that two readers could read differently is refused
rather than put straight, so that nobody asks for one thing and gets another.
"""

import re
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from lingpai.vocabulary.outcomes import Outcome, Refused

_PATH = re.compile(rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*)+")
_PLAIN = re.compile(rb"(?:/(?!\.+(?:/|\Z))[A-Za-z0-9._~!$&'()*+,=:@-]+)+/?|/")
_QUERY = re.compile(rb"[!-~]*")
_BLANK_FIRST = re.compile(rb"(?:\A|&)(?:\+|%20)")
_DECEIVING = frozenset("/\\%;?#.-_~")
"""Characters that no path may hide in an escape: they part, end or name something for whoever reads it decoded."""

LONGEST = 8192
"""Bytes of a target."""


def _is_deceiving(escaped: str) -> bool:
    is_control = escaped < " " or "\x7f" <= escaped < "\xa0"
    return is_control or escaped in _DECEIVING or (escaped.isascii() and escaped.isalnum())


def _ambiguous(why: str) -> NoReturn:
    raise Refused(Outcome.UNREADABLE, f"the target could be read in two ways: {why}")


def read_target(target: bytes) -> tuple[str, bytes]:
    """
    Return the decoded path and the raw query of the request target *target*, in origin form (RFC 9112, 3.2.1).

    Raises:
        Refused: With UNREADABLE, when two readers could read it differently: another form, `//`, `;`, a backslash,
            a control or non-ASCII byte, `#`, a segment of dots and blanks, an escape that is not needed, that
            hides a character with a meaning in paths, or that is no UTF-8; a query member whose name begins with
            a blank, since PHP takes that off: ` mod` would be a second `mod`.

    """
    raw, _, query = target.partition(b"?")
    if len(target) > LONGEST:
        _ambiguous("too long")
    if b"#" in query or not _QUERY.fullmatch(query):
        _ambiguous("a query with blanks, controls, # or bytes that are no ASCII")
    if _BLANK_FIRST.search(query):
        _ambiguous("a query member that begins with a blank")
    if _PLAIN.fullmatch(raw):
        return raw.decode(), query
    if not _PATH.fullmatch(raw) or b"//" in raw:
        _ambiguous("not in origin form, or with a character that is not told everywhere alike")
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        _ambiguous("escapes that are no UTF-8")
    for escaped in re.findall(rb"(?:%[0-9A-Fa-f]{2})+", raw):
        if any(map(_is_deceiving, unquote_to_bytes(escaped).decode(errors="replace"))):
            _ambiguous("an escape that hides something")
    if any(segment and not segment.strip(" .") for segment in path.split("/")):
        _ambiguous("a segment of dots")
    return path, query
