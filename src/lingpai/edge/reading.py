"""
Bytes to members: strict readers of JSON, form and query, and the places where a house keeps what.

What cannot be read is `UNREADABLE`, whatever else is wrong with the call, and changes nothing.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol
from urllib.parse import unquote

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from lingpai.edge.call import Call, Members, Request
from lingpai.edge.describing import Asked, Carried, Place, members, parameter
from lingpai.vocabulary.outcomes import Outcome, Refused

DEEPEST = 32
"""Arrays and objects inside each other, at most."""

MOST_MEMBERS = 1000
"""Members of one query or form."""

FLAT_FORMS = ("application/x-www-form-urlencoded", "application/json")
"""Media types of the bodies that houses with forms take, but for multipart ones: those may hold files."""

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def _unreadable(why: str) -> NoReturn:
    raise Refused(Outcome.UNREADABLE, why)


def read_json(text: bytes) -> Any:
    """
    Return the JSON value in *text*, read by RFC 8259 and no laxer: UTF-8, no member twice, no NaN, no NUL.

    A number that a double cannot hold is no number.

    Raises:
        Refused: With UNREADABLE.

    """
    try:
        value = json.loads(text.decode(), object_pairs_hook=_once_each, parse_float=_finite, parse_constant=_unreadable)
    except (ValueError, RecursionError):
        _unreadable("not JSON")
    if text.count(b"[") + text.count(b"{") > DEEPEST and _is_deeper(value, DEEPEST):
        _unreadable("nested too deep")
    if _ESCAPED.search(text) and not _is_plain(value):
        _unreadable("text with NUL or half a surrogate pair")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _unreadable("a number too large")
    return number


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _unreadable("a member appears twice")
    return members


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _is_deeper(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [child for inner in layer for child in _children(inner) if isinstance(child, dict | list)]
        if not layer:
            return False
    return True


def _is_plain(value: object) -> bool:
    pending = [value]
    while pending:
        inner = pending.pop()
        if isinstance(inner, dict):
            pending.extend(inner)
        pending.extend(_children(inner))
        if isinstance(inner, str) and ("\0" in inner or any("\ud800" <= c <= "\udfff" for c in inner)):
            return False
    return True


def read_form(text: bytes, *, last_wins: bool = False) -> dict[str, str]:
    """
    Return the members of an urlencoded query or form.

    Args:
        last_wins: Of a member that appears twice the last counts, as in PHP; else it is unreadable.

    Raises:
        Refused: With UNREADABLE: bad percent-encoding, not UTF-8, NUL, too many members.

    """
    if not text:
        return {}
    if b"%" in text and _BAD_ESCAPE.search(text):
        _unreadable("bad percent-encoding")
    if b"%00" in text or b"\0" in text:
        _unreadable("NUL")
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        _unreadable("not a form in UTF-8")
    pairs, is_escaped = decoded.split("&"), "%" in decoded or "+" in decoded
    if len(pairs) > MOST_MEMBERS:
        _unreadable("too many members")
    members: dict[str, str] = {}
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if is_escaped:
            name, value = _unescaped(name), _unescaped(value)
        if name in members and not last_wins:
            _unreadable("a member appears twice")
        members[name] = value
    return members


def _unescaped(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        _unreadable("escaped bytes that are not UTF-8")


def read_object(text: bytes) -> dict[str, Any]:
    """
    Return the JSON object in *text*; nothing at all is an empty one.

    Raises:
        Refused: With UNREADABLE, also for any other JSON value.

    """
    if not text.strip():
        return {}
    value = read_json(text)
    if not isinstance(value, dict):
        _unreadable("not a JSON object")
    return value


class Reader(Protocol):
    """Where a house keeps what: fills in a call's `query`, `body` and `arguments`."""

    def __call__(self, call: Call) -> None: ...


@dataclass(frozen=True, slots=True)
class JsonBody:
    """
    Arguments are the members of a JSON object, whatever the content type says; on a GET without one, the query's.

    On any other method the query holds none, so that no password is taken from an address that logs keep.
    """

    def __call__(self, call: Call) -> None:
        call.query = read_form(call.request.query)
        call.body = read_object(call.request.body)
        call.arguments = call.query if call.request.method == "GET" and not call.body else call.body

    def places(self, method: str, asked: Sequence[Asked]) -> Carried:
        """Return where *asked* travels."""
        if method == "GET":
            return _in_query([each for each in asked if each.place != "body"])
        inner = [each for each in asked if each.place != "query"]
        body = {"application/json": members(inner)} if inner else None
        return replace(_in_query(asked, "query"), body=body, needs_body=_needed(inner))


@dataclass(frozen=True, slots=True)
class FormBody:
    """
    Arguments are form fields; a JSON object is read too where the content type says so.

    Args:
        query_wins: The query's members are arguments as well, and win over the form's.
        last_wins: Of a query member that appears twice, the last counts.

    """

    query_wins: bool = False
    last_wins: bool = False

    def __call__(self, call: Call) -> None:
        call.query = read_form(call.request.query, last_wins=self.last_wins)
        call.body = read_fields(call.request, last_wins=self.last_wins)
        if call.query and call.body:
            call.arguments = {**call.body, **call.query} if self.query_wins else {**call.query, **call.body}
        else:
            call.arguments = call.query or call.body

    def places(self, method: str, asked: Sequence[Asked]) -> Carried:
        """Return where *asked* travels."""
        words = ("参数在查询串或表单中均可", "arguments may stand in the query as well as in the form")
        return _in_query_or_form(method, asked, words)


@dataclass(frozen=True, slots=True)
class QueryOrForm:
    """
    Arguments are the query's members on a GET, and on any other method the form's.

    So no password is taken from an address, which logs keep. A member of both must be the same in both.

    Args:
        addressing: Members of the query that say which call, and by whom; the form may have its own by those names.

    """

    addressing: frozenset[str]

    def __call__(self, call: Call) -> None:
        call.query = read_form(call.request.query)
        call.body = read_fields(call.request)
        if call.body:
            shared = call.query.keys() & call.body.keys() - self.addressing
            if any(call.query[name] != call.body[name] for name in shared):
                _unreadable("a member differs between query and form")
        call.arguments = call.query if call.request.method == "GET" else call.body

    def places(self, method: str, asked: Sequence[Asked]) -> Carried:
        """Return where *asked* travels."""
        return _in_query_or_form(method, asked)


@dataclass(frozen=True, slots=True)
class NestedArguments:
    """
    Members stand in a JSON object, or flattened in the query; arguments in an object inside it.

    Flattened, the argument `x` of the member `nest` is written `nest[x]=`, `nest={"x": …}`
    or just `x=`. Only a GET's are arguments, so that no password is taken from an address that
    logs keep. A member that stands in two places must be the same in both.

    Args:
        nest: The member that holds the arguments.
        aliases: Other spellings of members, and the right one of each.
        credentials: Members whose carrier judges them: one that differs between two places
            reads as a list of both, which no carrier takes, instead of being unreadable.

    """

    nest: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    credentials: frozenset[str] = frozenset()

    def __call__(self, call: Call) -> None:
        query = read_form(call.request.query)
        body = read_object(call.request.body)
        nested: list[Mapping[str, Any]] = []
        members: list[Mapping[str, Any]] = []
        call.query = {}
        if query:
            bare, inner = self._unflatten(query)
            call.query = self._straightened(bare)
            members.append(call.query)
            if call.request.method == "GET":
                nested.extend((inner, bare))
        if body:
            arguments = body.get(self.nest)
            if not isinstance(arguments, dict | None):
                _unreadable(f"{self.nest} is no object")
            nested.append(arguments or {})
            members.append(self._straightened(body))
        call.body = self._merged(members)
        call.arguments = self._merged(nested)

    def places(self, method: str, asked: Sequence[Asked]) -> Carried:
        """Return where *asked* travels."""
        common = [each for each in asked if each.place != "argument"]
        arguments = [each for each in asked if each.place == "argument"]
        inner = members(arguments)
        if method == "GET":
            query = [parameter(each) for each in common]
            if arguments:
                query.append(
                    {"name": self.nest, "in": "query", "style": "deepObject", "explode": True, "schema": inner}
                )
            words = (
                f"参数也可写作 {self.nest}={{…}}，或直接写 名=值",
                f"an argument may be written {self.nest}={{…}} as well, or just name=value",
            )
            return Carried(query=query, words=words if arguments else ("", ""))
        whole = members(common, **({self.nest: inner} if arguments else {}))
        if _needed(arguments):
            whole["required"] = [*whole.get("required", ()), self.nest]
        return Carried(body={"application/json": whole}, needs_body=_needed(common) or _needed(arguments))

    def _unflatten(self, query: Mapping[str, str]) -> tuple[Members, Members]:
        bare: dict[str, Any] = {}
        inner: Members = {}
        prefix = self.nest + "["
        for name, value in query.items():
            if not name.startswith(self.nest):
                bare[name] = value
            elif name == self.nest:
                inner = self._merged([inner, read_object(value.encode())])
            elif name.startswith(prefix) and name.endswith("]"):
                inner = self._merged([inner, {name[len(prefix) : -1]: value}])
            else:
                bare[name] = value
        return bare, inner

    def _straightened(self, members: Members) -> Members:
        if self.aliases.keys().isdisjoint(members):
            return members
        return self._merged([{self.aliases.get(name, name): value} for name, value in members.items()])

    def _merged(self, parts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        parts = [part for part in parts if part]
        if len(parts) == 1:
            return parts[0]
        whole = dict(parts[0]) if parts else {}
        for part in parts[1:]:
            for name, value in part.items():
                if whole.setdefault(name, value) == value:
                    continue
                if name not in self.credentials:
                    _unreadable(f"the member {name} differs between two places")
                whole[name] = [whole[name], value]
        return whole


def _needed(asked: Sequence[Asked]) -> bool:
    return any(each.required for each in asked)


def _in_query(asked: Sequence[Asked], *places: Place) -> Carried:
    return Carried(query=[parameter(each) for each in asked if not places or each.place in places])


FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
"""How fields may come, the usual way first."""


def _in_query_or_form(method: str, asked: Sequence[Asked], words: tuple[str, str] = ("", "")) -> Carried:
    if method == "GET":
        return _in_query([each for each in asked if each.place != "body"])
    inner = [each for each in asked if each.place != "query"]
    body = dict.fromkeys(FORMS, members(inner)) if inner else None
    return replace(_in_query(asked, "query"), body=body, needs_body=_needed(inner), words=words)


def read_fields(request: Request, *, last_wins: bool = False) -> dict[str, Any]:
    """
    Return the members of a body by its content type: a form of either kind, or a JSON object.

    Args:
        last_wins: Of an urlencoded member that appears twice, the last counts.

    Raises:
        Refused: With UNREADABLE.

    """
    if not request.body:
        return {}
    content_type = request.header("content-type") or ""
    match content_type.partition(";")[0].strip().lower():
        case "application/json":
            return read_object(request.body)
        case "multipart/form-data":
            return read_multipart(content_type, request.body)
        case _:
            return read_form(request.body, last_wins=last_wins)


def read_multipart(content_type: str, body: bytes) -> dict[str, str]:
    """
    Return the text fields of a multipart form, which is what PHP's curl sends for an array.

    Raises:
        Refused: With UNREADABLE, also for a file and for a field that appears twice.

    """
    boundary: str = parse_options_header(content_type)[1].get("boundary", "")
    if not body.startswith(b"--" + boundary.encode()):
        _unreadable("no multipart form by that boundary")
    fields: dict[str, str] = {}
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_MEMBERS, strict=True) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    name, value = _field_name(event), b""
                    if name in fields:
                        _unreadable("a member appears twice")
                elif event is None:
                    fields[name] = value.decode()
                else:
                    value += event
    except (MultipartError, UnicodeDecodeError) as broken:
        _unreadable(f"broken multipart: {broken}")
    if any("\0" in text for field in fields.items() for text in field):
        _unreadable("NUL")
    return fields


def _field_name(segment: MultipartSegment) -> str:
    """Return what a part of a multipart form is called, where it is text as we read it."""
    encoding = segment.header("Content-Transfer-Encoding", "binary").lower()
    if not segment.name or segment.filename is not None:
        _unreadable("a part of the form is a file, or has no name")
    if encoding not in ("7bit", "8bit", "binary") or (segment.charset or "utf-8").lower() not in ("utf-8", "us-ascii"):
        _unreadable("a part of the form is encoded")
    name: str = segment.name
    return name
