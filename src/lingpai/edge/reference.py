"""
A contract's page: its calls, members and codes in Markdown, written from its OpenAPI document.

The document is the one source: what a page says of a contract is what the document says.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingpai.edge.openapi import Language

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MemberShown:
    """
    One value that a request or an answer carries, for people.

    Args:
        name: Dotted where it stands inside another.
        place: `header`, `query`, `path`, `body`, or empty in an answer.
        kind: What it looks like: type, lengths, the values there are.

    """

    name: str
    place: str
    kind: str
    required: bool
    about: str
    example: Any = None
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class CallShown:
    """One operation of a document, for people."""

    id: str
    method: str
    path: str
    side: str
    summary: str
    description: str
    credentials: Sequence[Sequence[MemberShown]]
    members: Sequence[MemberShown]
    body: Mapping[str, Any] | None
    content_type: str
    answer: Sequence[MemberShown]
    examples: Mapping[str, Any]
    outcomes: Sequence[str] = field(default=())


class Pages:
    """What there is to read in a *document*."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.named = document["components"]["schemas"]

    def calls(self) -> Iterator[CallShown]:
        """Yield every operation, as the document lists them."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield self._call(path, method.upper(), operation)

    def codes(self) -> Sequence[Mapping[str, Any]]:
        """Return the code table: status, number, both sentences, outcomes."""
        rows: Sequence[Mapping[str, Any]] = self.document["x-lingpai-codes"]
        return rows

    def _call(self, path: str, method: str, operation: Mapping[str, Any]) -> CallShown:
        body: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
        nothing: tuple[str, dict[str, Any]] = ("", {})
        content_type, content = next(iter(body.items()), nothing)
        members = [
            shown
            for each in operation.get("parameters", ())
            for shown in self._members(each["name"], each["schema"], each["in"], required=each.get("required", False))
        ]
        members += self._of_object(content.get("schema", {}), "body")
        media, success = self._success(operation)
        return CallShown(
            id=operation["operationId"],
            method=method,
            path=path,
            side=operation["tags"][0],
            summary=operation["summary"],
            description=operation.get("description", ""),
            credentials=[[self._credential(name) for name in names] for names in operation["security"]],
            members=members,
            body=content.get("example"),
            content_type=content_type,
            answer=list(self._of_object(success, "")),
            examples=dict(self._examples(operation, media)),
            outcomes=operation["x-lingpai-outcomes"],
        )

    def _success(self, operation: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return content type and schema of the answer to a call that ends well."""
        media, schema = next(
            (media, content["schema"])
            for response in operation["responses"].values()
            for media, content in response["content"].items()
            if "OK" in content["examples"]
        )
        return media, schema["anyOf"][0] if "anyOf" in schema else schema

    def _examples(self, operation: Mapping[str, Any], media: str) -> Iterator[tuple[str, Any]]:
        """Yield status and example of each answer."""
        shared = self.document["components"]["examples"]
        for status, response in operation["responses"].items():
            for name, example in response["content"].get(media, {}).get("examples", {}).items():
                known = shared[example["$ref"].rpartition("/")[2]] if "$ref" in example else example
                yield f"{status} {name}", known["value"]

    def _credential(self, name: str) -> MemberShown:
        scheme = self.document["components"]["securitySchemes"][name]
        about = scheme.get("description", "")
        if scheme["type"] == "http":
            return MemberShown("Authorization", "header", scheme["scheme"].capitalize(), required=True, about=about)
        return MemberShown(scheme["name"], scheme["in"], "", required=True, about=about)

    def _of_object(
        self, schema: Mapping[str, Any], place: str, prefix: str = "", above: Sequence[object] = ()
    ) -> Iterator[MemberShown]:
        whole = self._resolved(schema)
        members = whole.get("properties", {})
        # Of a tree one level is shown: those below look like it.
        if not any(members is each for each in above):
            required, inside = whole.get("required", ()), (*above, members)
            for name, inner in members.items():
                yield from self._members(prefix + name, inner, place, required=name in required, above=inside)

    def _members(
        self, name: str, schema: Mapping[str, Any], place: str, *, required: bool, above: Sequence[object] = ()
    ) -> Iterator[MemberShown]:
        whole = self._resolved(schema)
        item = self._resolved(whole["items"]) if "items" in whole else {}
        example = next(iter(whole.get("examples", whole.get("enum", ()))), whole.get("const"))
        yield MemberShown(
            name=name,
            place=place,
            kind=self._kind(whole),
            required=required,
            about=whole.get("description", "") if "title" not in whole else "",
            example=example if not isinstance(example, dict | list) else None,
            pattern=whole.get("pattern", ""),
        )
        for inner, path in ((whole, f"{name}."), (item, f"{name}[].")):
            if "properties" in inner:
                yield from self._of_object(inner, place, path, above)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return *schema*, or what it refers to; of one that may be null, what it is otherwise."""
        while "$ref" in schema:
            schema = self.named[schema["$ref"].rpartition("/")[2]]
        options = schema.get("anyOf", ())
        if len(options) == 2 and {"type": "null"} in options:  # noqa: PLR2004
            known = self._resolved(next(option for option in options if option != {"type": "null"}))
            return {**known, "type": [known.get("type", "object"), "null"]}
        return schema

    def _kind(self, schema: Mapping[str, Any]) -> str:
        kind = schema.get("type", "")
        words = [" | ".join(kind) if isinstance(kind, list) else kind]
        if "const" in schema:
            return f"= {_json(schema['const'])}"
        if "enum" in schema:
            words = [" | ".join(_json(value) for value in schema["enum"])]
        elif "maxLength" in schema:
            words.append(f"{schema.get('minLength', 0)}–{schema['maxLength']}")
        elif "maximum" in schema:
            words.append(f"{schema['minimum']}–{schema['maximum']}")
        return " ".join(word for word in words if word)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


HEADS: Mapping[Language, Mapping[str, Sequence[str]]] = {
    "zh": {
        "calls": ("请求", "说明", "归属", "凭据"),
        "members": ("名称", "位置", "类型与长度", "必填", "说明"),
        "answer": ("名称", "类型", "说明"),
        "codes": ("HTTP", "编码", "中文", "English", "结局"),
        "titles": ("接口", "编码", "请求", "应答", "结局", "无", "是", "必须", "或", "。", "："),
    },
    "en": {
        "calls": ("request", "what it does", "side", "credentials"),
        "members": ("name", "where", "type and length", "required", "what it is"),
        "answer": ("name", "type", "what it is"),
        "codes": ("HTTP", "number", "中文", "English", "outcomes"),
        "titles": ("Calls", "Codes", "Request", "Answer", "Endings", "none", "yes", "must", "or", ". ", ": "),
    },
}

GENERATED: Mapping[Language, str] = {
    "zh": "本页由 `lingpai contract docs {name} --language zh` 生成。",
    "en": "This page is what `lingpai contract docs {name} --language en` prints.",
}


def markdown(document: Document, language: Language) -> str:
    """Return the page of a contract, from its *document* in the same language."""
    pages, heads = Pages(document), HEADS[language]
    title, info = heads["titles"], document["info"]
    calls = list(pages.calls())
    base = document["servers"][0]["url"].rstrip("/")
    blocks = [
        f"# {info['title']}",
        GENERATED[language].format(name=info["title"]),
        *(info[name] for name in ("summary", "description") if name in info),
        f"## {title[0]}",
        _table(
            heads["calls"],
            (
                (f"`{call.method} {base}{call.path}`", call.summary, call.side, _credentials(call, title))
                for call in calls
            ),
        ),
        f"## {title[1]}",
        _table(
            heads["codes"],
            (
                (row["status"], f"`{_json(row['number'])}`", row["zh"], row["en"], " ".join(row["outcomes"]))
                for row in pages.codes()
            ),
        ),
    ]
    for call in calls:
        blocks += [f"## {call.method} {base}{call.path}", _sentence(title[9], call.summary, call.description)]
        if call.members:
            rows = ((f"`{m.name}`", m.place, m.kind, title[6] if m.required else "", m.about) for m in call.members)
            blocks += [f"### {title[2]}", _table(heads["members"], rows)]
        if call.body is not None:
            blocks.append(f"```json\n{_json(call.body)}\n```")
        blocks += [f"### {title[3]}", _table(heads["answer"], ((f"`{m.name}`", m.kind, m.about) for m in call.answer))]
        ok = next(example for name, example in call.examples.items() if name.endswith(" OK"))
        blocks.append(f"```json\n{_json(ok)}\n```")
        blocks.append(f"{title[4]}{title[10]}{' '.join(call.outcomes)}")
    return "\n\n".join(blocks) + "\n"


def _sentence(stop: str, *parts: str) -> str:
    return "".join(part.rstrip(". ") + stop for part in parts if part).strip()


def _credentials(call: CallShown, title: Sequence[str]) -> str:
    sets = [
        " + ".join(f"`{f'{member.name} {member.kind}'.strip()}`" for member in members) or title[5]
        for members in call.credentials
    ]
    return f" {title[8]} ".join(sets)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
