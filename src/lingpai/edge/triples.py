"""Calls named by module, controller and action: in the path, or in the query as PHP's entry script is asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lingpai.edge.call import Request

Triple = tuple[str, str, str]
"""Module, controller, action."""

_COMPONENT = "[A-Za-z0-9_]{1,32}"
LONGEST = 3 * (1 + 32)
"""Characters of a path that can be a triple: what is longer is not remembered."""

_PATH = re.compile(f"/({_COMPONENT})/({_COMPONENT})/({_COMPONENT})")


@dataclass(frozen=True, slots=True)
class ByTriple:
    """
    The route's path is `/{module}/{controller}/{action}`.

    Args:
        members: The query members that name the three instead, where *scripts* are asked.
        scripts: Paths that name no call themselves.

    """

    members: Triple = ("mod", "ctl", "act")
    scripts: tuple[str, ...] = ("/", "/index.php")

    def path(self, request: Request, query: Mapping[str, Any]) -> str:
        triple = self.triple(request.path, query)
        return "/" + "/".join(triple) if triple else ""

    def spellings(self, path: str) -> tuple[Sequence[Mapping[str, Any]], tuple[str, str]]:
        """Return that a route has no parameters in its *path*, and may be named in the query instead."""
        named = "&".join(f"{member}={word}" for member, word in zip(self.members, path[1:].split("/"), strict=True))
        asked = self.scripts[-1]
        return (), (f"也可写作 {asked}?{named}", f"may be written {asked}?{named} as well")

    def triple(self, path: str, query: Mapping[str, Any]) -> Triple | None:
        """Return what *path* or *query* names; None for nothing whole, and where one says other than the other."""
        if path in self.scripts:
            path = "/" + "/".join(query.get(member) or "" for member in self.members)
        named = _named(path) if len(path) <= LONGEST else None
        if named is None:
            return None
        for member, component in zip(self.members, named, strict=True):
            if query.get(member, component) != component:
                return None
        return named


@lru_cache(maxsize=1024)
def _named(path: str) -> Triple | None:
    """Return the triple that *path* is."""
    found = _PATH.fullmatch(path)
    return (found[1], found[2], found[3]) if found else None
