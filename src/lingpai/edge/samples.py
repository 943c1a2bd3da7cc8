"""An example of whatever a JSON Schema of ours asks for."""

from collections.abc import Mapping
from typing import Any


def sample(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str] = frozenset()) -> Any:
    """
    Return a value that *schema* allows: its own example where it has one, else made of its parts' examples.

    Lengths and bounds are kept; a pattern, a format or a multiple asks for an example of its own.

    Args:
        named: The schemas that `$ref` may name, by the last part of the reference.
        inside: Of these, what the value will be part of: a tree's example has nothing below its root.

    >>> sample({"type": "object", "properties": {"a": {"const": 1}, "b": {"type": "string", "examples": ["x"]}}}, {})
    {'a': 1, 'b': 'x'}
    """
    if "$ref" in schema:
        name = _named(schema)
        return sample(named[name], named, inside | {name})
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return sample(next(each for each in schema[word] if not _is_inside(each, inside)), named, inside)
    return _made(schema, named, inside)


def _named(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _is_inside(schema: Mapping[str, Any], inside: frozenset[str]) -> bool:
    """Return whether *schema*, or each that it leaves the choice of, is one of *inside*."""
    choices = schema.get("anyOf") or schema.get("oneOf") or (schema,)
    return all(_named(each) in inside for each in choices)


def _made(schema: Mapping[str, Any], named: Mapping[str, Any], inside: frozenset[str]) -> Any:
    match schema.get("type"):
        case "array":
            fixed, items = schema.get("prefixItems", ()), schema.get("items") or {}
            more = 0 if _is_inside(items, inside) else max(bool(items), schema.get("minItems", 0)) - len(fixed)
            return [sample(each, named, inside) for each in (*fixed, *[items] * more)]
        case "string":
            return ("…" * max(1, schema.get("minLength", 1)))[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            required = schema.get("required", ())
            return {
                name: sample(inner, named, inside)
                for name, inner in schema.get("properties", {}).items()
                if name in required or (has_sample(inner) and not _is_inside(inner, inside))
            }


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
