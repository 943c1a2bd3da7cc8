"""
Answers in XML: written, never parsed.

A declaration, two blanks of indent a level, `<name />` for what is empty, `<item>` for each value of a list.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

_NEVER = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry at all, not even escaped (section 2.2, Char)."""

_MARKED = re.compile(f"[&<>\"'\r]|{_NEVER.pattern}")
"""Characters that do not stand in an element as they are."""

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
    return _NEVER.sub("\ufffd", text).translate(_ESCAPES) if _MARKED.search(text) else text


def _write(lines: list[str], name: str, value: Mapping[str, Any] | Sequence[Any] | None, indent: str) -> None:
    children: list[tuple[str, object]] = []
    if isinstance(value, Mapping):
        children = [(_named(str(inner)), child) for inner, child in value.items()]
    elif value:
        children = [("item", child) for child in value]
    if not children:
        lines.append(f"{indent}<{name} />")
        return
    lines.append(f"{indent}<{name}>")
    within = indent + "  "
    for inner, child in children:
        if isinstance(child, str):  # most are, and the others take longer to tell apart
            lines.append(f"{within}<{inner}>{escaped(child)}</{inner}>" if child else f"{within}<{inner} />")
        elif child is None or isinstance(child, Mapping | list | tuple):
            _write(lines, inner, child, within)
        else:
            text = str(child).lower() if isinstance(child, bool) else escaped(str(child))
            lines.append(f"{within}<{inner}>{text}</{inner}>")
    lines.append(f"{indent}</{name}>")


@lru_cache(maxsize=1024)
def _named(member: str) -> str:
    """Return *member* as an element's name: ASCII letters, digits, `_`, `.` and `-`, from a letter or `_`."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", member)
    return name if re.match("[A-Za-z_]", name) else "_" + name
