"""An example of whatever a JSON Schema of ours asks for."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any


class Endless(ValueError):
    """A value would have to hold another of its own kind, and that one another."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} must hold another {name}, without end")


def sample(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str] = frozenset()) -> Any:
    """
    Return a value that *schema* allows: its own example where it has one, else made of its parts' examples.

    Lengths and bounds are kept; a pattern, a format or a multiple asks for an example of its own.

    Args:
        named: The schemas that `$ref` may name, by the last part of the reference.
        inside: Of these, what the value will be part of: a tree's example has nothing below its root.

    Raises:
        Endless: No value is.

    >>> sample({"type": "object", "properties": {"a": {"const": 1}, "b": {"type": "string", "examples": ["x"]}}}, {})
    {'a': 1, 'b': 'x'}
    """
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name in inside:
            raise Endless(name)
        return sample(named[name], named, inside | {name})
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return _first(schema[word], named, inside)
    return _made(schema, named, inside)


def _first(choices: Sequence[Mapping[str, Any]], named: Mapping[str, Any], inside: frozenset[str]) -> Any:
    for each in choices[:-1]:
        with suppress(Endless):
            return sample(each, named, inside)
    return sample(choices[-1], named, inside)


def _made(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str]) -> Any:
    match schema.get("type"):
        case "array":
            return _items(schema, named, inside)
        case "string":
            return ("…" * max(1, schema.get("minLength", 1)))[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _members(schema, named, inside)


def _items(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str]) -> list[Any]:
    fixed, each = schema.get("prefixItems", ()), schema.get("items") or {}
    begun = [sample(one, named, inside) for one in fixed]
    least = schema.get("minItems", 0) - len(fixed)
    try:
        return begun + [sample(each, named, inside)] * max(bool(each) - len(fixed), least)
    except Endless:
        if least > 0:
            raise
        return begun


def _members(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str]) -> dict[str, Any]:
    made = {}
    for name, member in schema.get("properties", {}).items():
        if name in schema.get("required", ()):
            made[name] = sample(member, named, inside)
        elif has_sample(member):
            with suppress(Endless):
                made[name] = sample(member, named, inside)
    return made


def _number(schema: Mapping[str, Any]) -> Any:
    """Return the least that is allowed, or 0; of fractions between two bounds the middle."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None and schema["type"] == "number":
        return (low + high) / 2
    if low is not None:
        return low + ("minimum" not in schema)
    return 0 if high is None else min(0, high - ("maximum" not in schema))


def has_sample(schema: Mapping[str, Any]) -> bool:
    """Return whether *schema* shows an example of its own, or can be put together from such."""
    return any(word in schema for word in ("examples", "enum", "const", "default", "properties", "$ref"))
