"""
What a part tells of itself to whoever describes a contract: what it asks of a request, and how its answers look.

Schemas are JSON Schema 2020-12, as OpenAPI 3.1 has them. Each part describes what it does itself, so that a
contract made of parts is described without a line of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, runtime_checkable

from lingpai.edge.codes import Code
from lingpai.vocabulary.arguments import Asks
from lingpai.vocabulary.likeness import schema_like
from lingpai.vocabulary.outcomes import End

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}

Place = Literal["header", "query", "body", "argument"]
"""Where a value stands; an argument stands where the reader of the house looks for arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    One value that a request carries.

    Args:
        credential: It proves who calls.
        scheme: How a credential in a header is written there: as it is, after `Bearer `, or as HTTP's Basic scheme.
        instead: Credentials with one such word do instead of each other.

    """

    place: Place
    name: str
    schema: Schema = field(default_factory=lambda: TEXT)
    required: bool = True
    credential: bool = False
    scheme: Literal["key", "bearer", "basic"] = "key"
    instead: str = ""

    def joined(self, other: "Asked") -> "Asked":
        """Return one value for two that stand in one place: required where one is; what is said first counts."""
        schema = {**other.schema, **self.schema}
        required = self.required or other.required
        return replace(self, schema=schema, required=required, credential=self.credential or other.credential)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """
    Where a reader finds values: members of the query, and a schema for each content type of a body.

    Args:
        query: As OpenAPI writes parameters.
        needs_body: The call cannot go without a body.
        words: What a schema cannot say, in Chinese and in English.

    """

    query: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Schema] | None = None
    needs_body: bool = False
    words: tuple[str, str] = ("", "")


@runtime_checkable
class Places(Protocol):
    """A reader that can tell where it finds what."""

    def places(self, method: str, asked: Sequence[Asked]) -> Carried:
        """Return where *asked*, of which none stands in a header, travels with *method*."""


@runtime_checkable
class Named(Protocol):
    """A router whose paths hold words of its own, such as `{format}`, or can be written otherwise."""

    def spellings(self, path: str) -> tuple[Sequence[Mapping[str, Any]], tuple[str, str]]:
        """Return the parameters in a route's *path*, and in both languages how else a request may name the route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    How a call can end, as whoever called hears it.

    Args:
        messages: Every sentence that may be said, the first in Chinese.
        data: What the answer carries; None for nothing.
        reasons: Why a session is over, where this is told.
        fields: Whether bad arguments are named.

    """

    outcome: End
    code: Code
    messages: tuple[str, ...]
    data: Schema | None = None
    reasons: tuple[str, ...] = ()
    fields: bool = False


@runtime_checkable
class Shaped(Protocol):
    """An envelope that can tell what it writes."""

    def shapes(self, heard: Heard) -> Mapping[str, Schema]:
        """Return the schema of the answer for each content type that it may come in."""


def asked_of(asks: Asks, place: Place = "argument") -> tuple[Asked, ...]:
    """Return what *asks* reads, each with what its question says that it is."""
    likenesses = asks.likenesses()
    # A field of somebody else's may say nothing of itself.
    return tuple(
        Asked(
            place=place,
            name=each.member,
            schema={**schema_like(likenesses.get(name)), **getattr(each, "schema", dict)()},
            required=each.required,
        )
        for name, each in asks.fields.items()
    )


def members(asked: Sequence[Asked], **more: Schema) -> dict[str, Any]:
    """Return the schema of an object that holds *asked*, and then *more*."""
    properties = {**{each.name: each.schema for each in asked}, **more}
    required = [each.name for each in asked if each.required]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def parameter(each: Asked, place: str = "query") -> dict[str, Any]:
    """Return *each* as OpenAPI writes a parameter."""
    required = {"required": True} if each.required else {}
    return {"name": each.name, "in": place, **required, "schema": each.schema}
