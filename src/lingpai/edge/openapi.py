"""
A contract as an OpenAPI 3.1 document: folded from what its parts tell of themselves.

Every route with its members and lengths, its headers, every ending with its code and sentences, and an example of
each. Nothing is written here that one contract has and another has not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from lingpai import __version__
from lingpai.edge.codes import Code
from lingpai.edge.contract import ALWAYS, Contract, Route, Side, Step
from lingpai.edge.describing import Asked, Carried, Heard, Named, Places, Schema, Shaped, asked_of, parameter
from lingpai.edge.envelopes import REASONS
from lingpai.edge.reading import JsonBody
from lingpai.edge.samples import has_sample, sample
from lingpai.edge.weak import way, weak_forms
from lingpai.edge.xml import write_xml
from lingpai.vocabulary.likeness import WORDS
from lingpai.vocabulary.outcomes import Outcome, Reason
from lingpai.vocabulary.policies import WeakForm

Language = Literal["zh", "en"]

SIDES: Mapping[Side, tuple[str, str]] = {"account": ("账号", "accounts"), "business": ("业务", "business")}

HEADERS: Mapping[str, tuple[str, str]] = {
    "Cache-Control": ("总是 no-store", "no-store, always"),
    "X-Request-Id": ("日志里这次请求的编号", "what the log calls this request"),
    "X-Lingpai-Reason": ("为何要重新登录", "why to sign in again"),
    "Retry-After": ("多少秒后再试", "seconds after which to try again"),
    "Allow": ("支持的请求方式", "the methods that are answered"),
    "ETag": ("应答的标记，可放入 If-None-Match", "the answer's tag, for If-None-Match"),
    "Deprecation": ("所用的写法从何时起已宣布停用(RFC 9745)", "since when what the call used is deprecated (RFC 9745)"),
    "Sunset": ("所用的写法何时停用(RFC 8594)", "when what the call used ends (RFC 8594)"),
}
"""Headers of answers, and what they say."""

OF_ALL = ("Cache-Control", "Deprecation", "Sunset")
"""Headers that any answer may carry."""

OF_ENDINGS: Mapping[Any, str] = {
    Outcome.SESSION_OVER: "X-Lingpai-Reason",
    Outcome.TOO_MANY_ATTEMPTS: "Retry-After",
    Outcome.OVERLOADED: "Retry-After",
    Outcome.WRONG_METHOD: "Allow",
    Outcome.NOT_MODIFIED: "ETag",
}
"""The header that an ending brings."""


def openapi(
    contract: Contract,
    *,
    about: str = "",
    hosts: Mapping[str, str] | None = None,
    base: str | None = None,
    language: Language = "zh",
) -> dict[str, Any]:
    """
    Return the document.

    Args:
        about: What the house is, as its file says it.
        hosts: Host names that serve a side at their root ("" for both).
        base: Where the contract stands, as seen from the document; None for `/<contract>`.

    """
    described = _Described(contract, hosts or {}, f"/{contract.name}" if base is None else base)
    document: dict[str, Any] = _worded(described.document(about), language)
    return document


@dataclass(frozen=True)
class _Described:
    contract: Contract
    hosts: Mapping[str, str]
    base: str

    def document(self, about: str) -> dict[str, Any]:
        contract = self.contract
        title, _, rest = re.sub(r"(?<!\n)\n(?!\n)", " ", about.strip()).partition("\n")
        return {
            "openapi": "3.1.0",
            "info": {
                "title": contract.name,
                "version": __version__,
                **({"summary": title} if title else {}),
                **({"description": rest.strip()} if rest.strip() else {}),
            },
            "servers": self._servers(None),
            "tags": [{"name": side, WORDS: words} for side, words in SIDES.items()],
            "paths": {
                path: {method.lower(): self._operation(path, method, route) for method, route in rows.items()}
                for path, rows in contract.table.items()
            },
            "components": {
                "schemas": {**self._types[1], **{name: schema for name, schema, _ in self._refusals.values()}},
                "examples": self._examples,
                "securitySchemes": dict(self._schemes()),
                "headers": {name: {"schema": {"type": "string"}, WORDS: words} for name, words in HEADERS.items()},
            },
            "x-lingpai-weak-forms": sorted(form.value for form in contract.weak_forms()),
            "x-lingpai-codes": [
                {
                    "status": code.status,
                    "number": code.number,
                    "zh": code.chinese,
                    "en": code.message("en"),
                    "outcomes": [end.name for end, spelt in contract.spelling.items() if spelt == code],
                }
                for code in dict.fromkeys(contract.spelling.values())
            ],
        }

    def _servers(self, route: Route | None) -> list[dict[str, Any]]:
        sides = ("",) if route is None else ("", route.side)
        hosts = [{"url": f"https://{host}"} for host, side in self.hosts.items() if side in sides]
        return [{"url": self.base or "/"}, *hosts]

    def _operation(self, path: str, method: str, route: Route) -> dict[str, Any]:
        contract, reader = self.contract, self.contract.reader
        asked = self._asked(route)
        loose = [each for each in asked if not (each.credential and each.place in ("header", "query"))]
        places = reader if isinstance(reader, Places) else JsonBody()
        carried = places.places(method, [each for each in loose if each.place != "header"])
        headers = [each for each in loose if each.place == "header"]
        in_path, spelling = contract.router.spellings(path) if isinstance(contract.router, Named) else ((), ("", ""))
        parameters = [
            *in_path,
            *(parameter(each, "header") for each in headers),
            *carried.query,
        ]
        methods = len(contract.table[path])
        named = "_".join(re.findall(r"\w+", re.sub(r"\{.*?\}", "", path)))
        words = [part for part in (spelling, carried.words) if any(part)]
        return {
            "operationId": f"{named}_{method.lower()}" if methods > 1 else named,
            "tags": [route.side],
            "summary": list(_title(route)),
            **({"description": [". ".join(part) for part in zip(*words, strict=True)]} if words else {}),
            **({"servers": self._servers(route)} if self.hosts else {}),
            **({"parameters": [self._parameter(each) for each in parameters]} if parameters else {}),
            **self._body(carried),
            "security": _requirements(asked),
            "responses": self._responses(route),
            "x-lingpai-outcomes": [end.name for end in self._ends(route)],
            "x-lingpai-weak-forms": sorted(weak_forms(tuple(self._steps(route))) | {WeakForm.PLAIN_HTTP}),
        }

    def _parameter(self, each: Mapping[str, Any]) -> dict[str, Any]:
        if not has_sample(each["schema"]):
            return dict(each)
        return {**each, "example": sample(each["schema"], self._types[1])}

    def _body(self, carried: Carried) -> dict[str, Any]:
        if carried.body is None:
            return {}
        content = {
            media: {"schema": schema, "example": sample(schema, self._types[1])}
            for media, schema in carried.body.items()
        }
        return {"requestBody": {"required": carried.needs_body, "content": content}}

    def _steps(self, route: Route) -> list[Step]:
        """Return the steps of a call of *route*, in their order."""
        return way(self.contract.steps, route)

    def _asked(self, route: Route) -> list[Asked]:
        steps = self._steps(route)
        asked = [each for step in steps for each in step.asked()]
        if not any(step.FILLS_ARGUMENTS for step in steps):
            asked += asked_of(route.asks)
        joined: dict[tuple[str, str], Asked] = {}
        for each in asked:
            place = (each.place, each.name)
            joined[place] = joined[place].joined(each) if place in joined else each
        return list(joined.values())

    def _ends(self, route: Route) -> list[Any]:
        """Return how a call of *route* can end, in the order of the code table."""
        ends = {*ALWAYS, *route.endings(), *(end for step in self.contract.steps for end in step.ENDS)}
        return [end for end in self.contract.spelling if end in ends]

    def _responses(self, route: Route) -> dict[str, Any]:
        shapes: dict[int, dict[str, dict[str, Schema]]] = {}
        headers: dict[int, dict[str, Any]] = {}
        for end in self._ends(route):
            status = self.contract.spelling[end].status
            told = headers.setdefault(status, {})
            brings = [*OF_ALL, *([OF_ENDINGS[end]] if end in OF_ENDINGS else [])]
            if end is Outcome.OK:
                brings += [name for step in self._steps(route) for name in step.headers()]
            else:
                brings.append("X-Request-Id")
            told.update({name: {"$ref": f"#/components/headers/{name}"} for name in brings})
            for media, (name, schema) in self._heard(route, end).items():
                shapes.setdefault(status, {}).setdefault(media, {})[name] = schema
        return {
            str(status): {
                "description": [self._sentences(route, status, language) for language in ("zh", "en")],
                "headers": headers[status],
                "content": {media: self._content(media, heard) for media, heard in content.items()},
            }
            for status, content in sorted(shapes.items())
        }

    def _sentences(self, route: Route, status: int, language: str) -> str:
        """Return what there is to hear with *status*, in words."""
        ends = [end for end in self._ends(route) if self.contract.spelling[end].status == status]
        codes = dict.fromkeys(self.contract.spelling[end] for end in ends)
        return "; ".join(f"{code.number} {code.message(language)}".strip() for code in codes)

    def _content(self, media: str, heard: Mapping[str, Schema]) -> dict[str, Any]:
        schemas = list(heard.values())
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        examples = {
            name: {"value": _written(media, sample(each, self._types[1]), each)}
            if name == Outcome.OK.name
            else {"$ref": f"#/components/examples/{name}{_SUFFIXES.get(media, '')}"}
            for name, each in heard.items()
        }
        return {"schema": schema, "examples": examples}

    def _heard(self, route: Route, end: Any) -> Mapping[str, tuple[str, Schema]]:
        """Return for each content type what an ending is called, and its schema."""
        if end is Outcome.OK:
            shapes = self._shapes(self._success(route))
            return {media: (end.name, schema) for media, schema in shapes.items()}
        name, _, medias = self._refusals[end]
        return dict.fromkeys(medias, (name, {"$ref": f"#/components/schemas/{name}"}))

    def _success(self, route: Route) -> Heard:
        code = self.contract.spelling[Outcome.OK]
        messages = route.message or _sentences(code)
        data = self._types[0][self._routes.index(route)]
        return Heard(outcome=Outcome.OK, code=code, messages=tuple(dict.fromkeys(messages)), data=data)

    def _shapes(self, heard: Heard) -> Mapping[str, Schema]:
        envelope = self.contract.envelope
        return envelope.shapes(heard) if isinstance(envelope, Shaped) else {"application/json": {}}

    @cached_property
    def _refusals(self) -> Mapping[Any, tuple[str, Schema, tuple[str, ...]]]:
        """By ending: what its schema is called, the schema, the content types; endings that look alike share one."""
        found: dict[Any, tuple[str, Schema, tuple[str, ...]]] = {}
        named: dict[bytes, tuple[str, dict[str, Any], tuple[str, ...]]] = {}
        for end in self.contract.spelling:
            if end is Outcome.OK:
                continue
            shapes = self._shapes(self._refusal(end))
            schema = next(iter(shapes.values()), {})
            key = msgspec.json.encode((list(shapes), schema, self.contract.spelling[end].status))
            name, shared, medias = named.setdefault(
                key, (_component(end), {**schema, "x-lingpai-outcomes": []}, tuple(shapes))
            )
            shared["x-lingpai-outcomes"].append(end.name)
            found[end] = name, shared, medias
        return found

    def _refusal(self, end: Any) -> Heard:
        contract, code = self.contract, self.contract.spelling[end]
        messages, reasons = list(_sentences(code)), []
        if end is Outcome.SESSION_OVER:
            told = [reason for reason in REASONS if reason not in contract.untold]
            reasons = [reason.value for reason in (Reason.UNKNOWN, *told)]
            if contract.speaks_reason:
                for chinese, english in (REASONS[reason] for reason in told if reason not in contract.unspoken):
                    messages += [f"{code.chinese}({chinese})"]
                    messages += [f"{code.english} ({english})"] if code.english is not None else []
        return Heard(
            outcome=end,
            code=code,
            messages=tuple(dict.fromkeys(messages)),
            data=self._types[2].get(end),
            reasons=tuple(reasons),
            fields=end is Outcome.ARGUMENT_BAD,
        )

    @property
    def _examples(self) -> dict[str, Any]:
        examples = {}
        for name, schema, medias in self._refusals.values():
            value = sample(schema, self._types[1])
            for media in medias:
                examples[f"{name}{_SUFFIXES.get(media, '')}"] = {"value": _written(media, value, schema)}
        return examples

    @cached_property
    def _routes(self) -> tuple[Route, ...]:
        return self.contract.all_routes()

    @cached_property
    def _types(self) -> tuple[list[Schema | None], Mapping[str, Any], Mapping[Any, Schema]]:
        """The schema of what each route answers, the named schemas in these, and of what refusals carry."""
        answers = [_answered(route) for route in self._routes]
        carried = {
            end: get_type_hints(write, include_extras=True).get("return", Any)
            for route in self._routes
            for step in self._steps(route)
            for end, write in step.carried().items()
        }
        kinds = [kind for kind in (*answers, *carried.values()) if kind is not type(None)]
        schemas, named = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
        for kind in _with_members(kinds, set()):
            _in_order(named.get(kind.__name__, {}), list(kind.__annotations__))
        rest = iter(schemas)
        of_routes: list[Schema | None] = [None if kind is type(None) else next(rest) for kind in answers]
        return of_routes, named, dict(zip(carried, rest, strict=True))

    def _schemes(self) -> Iterable[tuple[str, dict[str, Any]]]:
        for route in self._routes:
            for each in self._asked(route):
                if each.credential and each.place in ("header", "query"):
                    yield _scheme_name(each), _scheme(each)


def unsaid(contract: Contract) -> tuple[Route, ...]:
    """Return the routes whose answer nobody can tell the members of."""
    return tuple(route for route in contract.all_routes() if _answered(route) is Any)


def _answered(route: Route) -> Any:
    """Return the type of what *route* answers, `None` for nothing and `Any` where nobody says."""
    if hasattr(route.operation, "answers"):
        return type(None) if route.operation.answers is None else route.operation.answers
    write = route.answer if get_type_hints(route.answer) else route.operation.__call__
    return get_type_hints(write, include_extras=True).get("return", Any)


def _with_members(kinds: Iterable[Any], seen: set[int]) -> Iterable[Any]:
    """Yield those of *kinds*, and of what these hold, that are objects with members by name; but for those *seen*."""
    for kind in kinds:
        if hasattr(kind, "__annotations__") and id(kind) not in seen:
            seen.add(id(kind))
            yield kind
            yield from _with_members(get_type_hints(kind).values(), seen)
        yield from _with_members(get_args(kind), seen)


def _in_order(schema: dict[str, Any], names: Sequence[str]) -> None:
    """Put the properties of *schema* in the order of *names*, as answers have them; msgspec sorts them."""
    properties = schema.get("properties", {})
    if set(properties) == set(names):
        schema["properties"] = {name: properties[name] for name in names}
        schema["required"] = [name for name in names if name in schema.get("required", ())]


def _title(route: Route) -> Sequence[str]:
    words = getattr(route.operation, "about", None) or getattr(route.operation, "TITLE", None)
    return words if words and any(words) else (route.path, route.path)


def _sentences(code: Code) -> tuple[str, ...]:
    return (code.chinese,) if code.english is None else (code.chinese, code.english)


def _component(end: Any) -> str:
    return "".join(word.capitalize() for word in re.findall("[A-Za-z0-9]+", end.name))


_SUFFIXES = {"application/xml": "Xml"}


def _written(media: str, value: Any, schema: Schema) -> Any:
    """Return *value* as it stands in an answer of that content type."""
    if media != "application/xml":
        return value
    return write_xml(schema.get("xml", {}).get("name", "answer"), value).decode()


def _scheme_name(each: Asked) -> str:
    return "basic" if each.scheme == "basic" else re.sub("[^A-Za-z0-9._-]", "_", each.name)


def _scheme(each: Asked) -> dict[str, Any]:
    words = {WORDS: each.schema[WORDS]} if WORDS in each.schema else {}
    if each.scheme != "key":
        return {"type": "http", "scheme": each.scheme, **words}
    return {"type": "apiKey", "in": each.place, "name": each.name, **words}


def _requirements(asked: Sequence[Asked]) -> list[dict[str, list[str]]]:
    """Return the sets of credentials of which a call needs one whole."""
    schemes = [each for each in asked if each.credential and each.place in ("header", "query")]
    groups: dict[str, list[tuple[str, ...]]] = {}
    for each in schemes:
        name = _scheme_name(each)
        if each.required or not each.instead:
            groups[name] = [(name,)] if each.required else [(), (name,)]
        else:
            groups.setdefault("instead " + each.instead, []).append((name,))
    return [{name: [] for names in chosen for name in names} for chosen in product(*groups.values())]


def _worded(value: Any, language: Language) -> Any:
    """Return *value* with both languages' words replaced by a description in one."""
    if isinstance(value, Mapping):
        made = {name: _worded(inner, language) for name, inner in value.items() if name != WORDS}
        for name in ("summary", "description"):
            if isinstance(made.get(name), list):
                made[name] = made[name][language == "en"]
        if value.get(WORDS) and value[WORDS][language == "en"]:
            made["description"] = value[WORDS][language == "en"]
        return made
    if isinstance(value, list | tuple):
        return [_worded(inner, language) for inner in value]
    return value
