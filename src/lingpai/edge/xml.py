"""
Answers in XML: written, never parsed.

A declaration, two blanks of indent a level, `<name />` for what is empty, `<item>` for each value of a list.
"""

import re
from collections.abc import Mapping
from typing import Any

_NEVER = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry at all, not even escaped (section 2.2, Char)."""

_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&apos;",
        # A reader turns a bare carriage return into a line feed (section 2.11).
        "\r": "&#13;",
    }
)


def write_xml(root: str, members: Mapping[str, Any]) -> bytes:
    """
    Return *members*, in their order, as a document in UTF-8 whose outermost element is *root*.

    Whatever the values hold, the document is well-formed: a character that XML cannot carry is
    written as U+FFFD, and one that a name cannot have as `_`.

    >>> print(write_xml("answer", {"code": 200, "data": None}).decode())
    <?xml version="1.0" encoding="UTF-8"?>
    <answer>
      <code>200</code>
      <data />
    </answer>
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write(lines, root, members, "")
    return "\n".join(lines).encode()


def escaped(text: str) -> str:
    """
    Return *text* as it stands in an element.

    >>> escaped("<A & B>")
    '&lt;A &amp; B&gt;'
    """
    return _NEVER.sub("\ufffd", text).translate(_ESCAPES)


def _write(lines: list[str], name: str, value: object, indent: str) -> None:
    children: list[tuple[str, object]] = []
    if isinstance(value, Mapping):
        children = [(_named(str(inner)), child) for inner, child in value.items()]
    elif isinstance(value, list | tuple):
        children = [("item", child) for child in value]
    elif value is not None and value != "":
        text = str(value).lower() if isinstance(value, bool) else escaped(str(value))
        lines.append(f"{indent}<{name}>{text}</{name}>")
        return
    if not children:
        lines.append(f"{indent}<{name} />")
        return
    lines.append(f"{indent}<{name}>")
    for inner, child in children:
        _write(lines, inner, child, indent + "  ")
    lines.append(f"{indent}</{name}>")


def _named(member: str) -> str:
    """Return *member* as an element's name: ASCII letters, digits, `_`, `.` and `-`, from a letter or `_`."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", member)
    return name if re.match("[A-Za-z_]", name) else "_" + name
