"""Paths that name a service, a method and a format: `/apis/rest/userService/getUserInfo/json` (zhiyun 6)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lingpai.edge.call import Request

FORMAT = "{format}"
"""Stands in a route's path where a request says `json` or `xml`."""

_ROOT = "/apis/rest/"


class ByServiceAndMethod:
    """The route is `/apis/rest/<service>/<method>/{format}`; the service's first letter may be of either case."""

    def path(self, request: Request, _query: Mapping[str, Any]) -> str:
        """Return the route's path, or the request's own where it is not of this shape."""
        parts = request.path.removeprefix(_ROOT).split("/")
        if not request.path.startswith(_ROOT) or len(parts) != 3 or parts[2] not in ("json", "xml"):  # noqa: PLR2004
            return request.path
        service, method, _ = parts
        return f"{_ROOT}{service[:1].lower()}{service[1:]}/{method}/{FORMAT}"

    def spellings(self, _path: str) -> tuple[Sequence[Mapping[str, Any]], tuple[str, str]]:
        """Return the format, the last word of each path."""
        formats = {"type": "string", "enum": ["json", "xml"]}
        words = ("format 决定应答的格式", "format says how the answer is written")
        return [{"name": "format", "in": "path", "required": True, "schema": formats}], words


def wants_xml(request: Request) -> bool:
    """Return whether the path asks for XML; whatever else it asks for is answered in JSON."""
    return request.path.endswith("/xml")


@lru_cache(maxsize=1024)
def called(path: str) -> frozenset[str]:
    """
    Return what a scope may call the route with that *path*: its method, or service and method; nothing for others.

    >>> sorted(called("/apis/rest/userService/getUserInfo/{format}"))
    ['getUserInfo', 'userService/getUserInfo']
    """
    parts = path.split("/")
    if not path.startswith(_ROOT) or len(parts) != 6:  # noqa: PLR2004 - ["", "apis", "rest", service, method, format]
        return frozenset()
    service, method = parts[3:5]
    return frozenset({method, f"{service}/{method}"})
