"""Reads zhiyun's XML: elements and text. A document type, with which XML does its mischief, is refused."""

from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, fromstring


class _Plain(TreeBuilder):
    def doctype(self, *_told: object) -> None:
        raise ParseError("a document type")


def object_in_xml(text: str | bytes) -> dict[str, Any] | None:
    """
    Return the members of the root of *text*; None where it is no XML of this kind.

    A list is what holds an `item`; empty and missing are the same in XML, and are an empty text here.
    """
    try:
        # An entity needs a document type, which the builder refuses before anything is expanded.
        root = fromstring(text, XMLParser(target=_Plain()))  # noqa: S314
        value = _value(root)
    except (ParseError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _value(element: Element) -> Any:
    children = list(element)
    if not children:
        return element.text or ""
    if all(child.tag == "item" for child in children):
        return [_value(child) for child in children]
    return {child.tag: _value(child) for child in children}
