"""An example of whatever a JSON Schema of ours asks for."""

from collections.abc import Mapping
from typing import Any


def sample(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    """
    Return a value that *schema* allows: its own example where it has one, else made of its parts' examples.

    Args:
        named: The schemas that `$ref` may name, by the last part of the reference.

    >>> sample({"type": "object", "properties": {"a": {"const": 1}, "b": {"type": "string", "examples": ["x"]}}}, {})
    {'a': 1, 'b': 'x'}
    """
    if "$ref" in schema:
        return sample(named[schema["$ref"].rpartition("/")[2]], named)
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return sample(schema[word][0], named)
    return _made(schema, named)


def _made(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "array":
            return [sample(schema["items"], named)] if "items" in schema else []
        case "string":
            return "…"[: schema.get("maxLength", 1)]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            required = schema.get("required", ())
            return {
                name: sample(inner, named)
                for name, inner in schema.get("properties", {}).items()
                if name in required or has_sample(inner)
            }


def has_sample(schema: Mapping[str, Any]) -> bool:
    """Return whether *schema* shows an example of its own, or can be put together from such."""
    return any(word in schema for word in ("examples", "enum", "const", "default", "properties", "$ref"))
