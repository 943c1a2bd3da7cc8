"""Requests that try to bring an identity of their own: spellings of headers times forms of paths."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from lingpai.bridges.forward import IDENTITY_HEADERS

EVIL = "evil"

NAMES = (*IDENTITY_HEADERS, "X-Lingpai-Asker", "X-Lingpai-Status")

OTHER_PATHS = ("X-Original-URL", "X-Rewrite-URL")
"""Headers in which some frameworks look for a path that counts instead of the request's own."""

SPELLINGS = {
    "as it is": lambda name: [f"{name}: {EVIL}"],
    "lower case": lambda name: [f"{name.lower()}: {EVIL}"],
    "upper case": lambda name: [f"{name.upper()}: {EVIL}"],
    "underscores": lambda name: [f"{name.replace('-', '_')}: {EVIL}"],
    "one underscore": lambda name: [f"{name.replace('-', '_', 1)}: {EVIL}"],
    "a dot": lambda name: [f"{name.replace('-', '.', 1)}: {EVIL}"],
    "twice": lambda name: [f"{name}: {EVIL}", f"{name.lower()}: {EVIL}"],
    "both ways": lambda name: [f"{name}: {EVIL}", f"{name.replace('-', '_')}: {EVIL}"],
    "empty and not": lambda name: [f"{name}:", f"{name}: {EVIL}"],
    "a blank before": lambda name: [f"{name}:  \t {EVIL}"],
    "a blank after the name": lambda name: [f"{name} : {EVIL}"],
    "folded": lambda name: [f"X-Else: 1\r\n {name}: {EVIL}"],
    "named by Connection": lambda name: [f"Connection: close, {name}", f"{name}: {EVIL}"],
    "taken off by Connection": lambda name: [f"Connection: {name}"],
}

PATHS = (
    "/v1/order/list",
    "/v1/..%2forder/list",
    "/v1/%2e%2e/order",
    "/v1/../order",
    "/v1/order;x=1",
    "/v1/order/..;/list",
    "//v1/order",
    "/v1//order",
    "/v1\\order",
    "/v1/%5corder",
    "/v1/order%00",
    "/v1/order#x",
    "/v1/order%23x",
    "http://shop.example.com/v1/order",
    "http://evil.example.com/v1/order",
    "/v1/%6frder",
    "/v1/%252e%252e/order",
    "/v1/订单",
    "/v1/%e8%ae%a2%e5%8d%95",
    "/.lingpai/verdict",
    "/forward/oppmg/shop",
    "/refusal/oppmg/shop",
    "/v1/order?only=verdict",
    "*",
)


@dataclass(frozen=True)
class Hostile:
    """One request."""

    path: str
    lines: tuple[str, ...]
    told: str


def hostile() -> Iterator[Hostile]:
    """Yield every spelling of every header, each on three forms of path in turn: all forms come with all spellings."""
    paths = itertools.cycle(PATHS)
    for (spelling, write), name in itertools.product(SPELLINGS.items(), NAMES):
        for path in itertools.islice(paths, 3):
            yield Hostile(path, tuple(write(name)), f"{name}, {spelling}, {path}")


def squeezed(name: str) -> str:
    """Return the letters and digits of a header's name: what the laxest framework makes of it."""
    return "".join(filter(str.isalnum, name.lower()))


def is_identity(name: str) -> bool:
    return squeezed(name).startswith(("remoteuser", "xlingpai"))
