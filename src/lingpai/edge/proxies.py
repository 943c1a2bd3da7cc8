"""
Who sent a request, over what, to which host, where proxies stand between.

A proxy tells in headers what it has seen, and passes on what it was told. Any client can send such headers,
so only what a listed proxy added counts: read from the right, for as long as the one before is a listed proxy.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lingpai.edge.call import Request
from lingpai.vocabulary.addresses import is_in, is_loopback, read_address, read_network

Scope = MutableMapping[str, Any]

Headers = Literal["x-forwarded", "forwarded"]
"""Which headers our proxies write: the `X-Forwarded-…` ones, or `Forwarded` (RFC 7239). The other is anybody's."""

TELLING = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", b"x-real-ip", b"via")
"""Headers that tell of a proxy, listed or not."""

# No repeat gives anything back (`+` after it): blanks on both sides of nothing would cost the square of their number.
_PAIR = re.compile(r'\s*+([A-Za-z]+)\s*+=\s*+("(?:[^"\\]|\\.)*+"|[^;,"\s]*+)\s*+')
_PORT = re.compile(r":[0-9]{1,5}$")
_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::[0-9]{1,5})?")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")


Told = tuple[bytes, ...]
"""What the headers of a request tell, each the whole list that its lines make together."""

LONGEST_ADDRESS = 64
"""Characters of an address with its port: an IPv6 one has 45 at most, and a wire's name at its end."""

SHORT = 256
"""Bytes that are worth remembering; what is longer is no proxy's of ours."""


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy told of whoever asked it; empty where it told nothing."""

    address: str = ""
    scheme: str = ""
    host: str = ""


def is_local(request: Request) -> bool:
    """
    Return whether *request* never left this machine: it comes from loopback, and tells of no proxy, listed or not.

    A proxy on this machine that nobody listed would else make the whole world local.
    """
    return is_loopback(request.address) and request.last.keys().isdisjoint(TELLING)


class Readers:
    """
    Who may read what is not for everybody.

    Args:
        allowed: Addresses and networks.

    Raises:
        ValueError: One of *allowed* is no address and no network.

    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._networks = tuple(map(read_network, allowed))

    def admit(self, address: str, headers: Sequence[tuple[bytes, bytes]], *, by_listed: bool) -> bool:
        """
        Return whether whoever asks from *address* may read.

        Args:
            headers: Of the request: a proxy that nobody listed must not make the world local.
            by_listed: A listed proxy asked for them.

        """
        told = any(name in TELLING for name, _ in headers)
        return (by_listed or not told) and is_in(self._networks, read_address(address))


class Proxies:
    """
    The proxies that are listed.

    Args:
        listed: Their addresses and networks.
        headers: Which headers they write.

    Raises:
        ValueError: One of *listed* is no address and no network.

    """

    def __init__(self, listed: Sequence[str], headers: Headers = "x-forwarded") -> None:
        networks = self._networks = tuple(map(read_network, listed))
        self._names, self._read = READERS[headers]
        # One caller's calls tell the same again and again.
        self._read_before = lru_cache(maxsize=4096)(self._read)
        self._is_listed: Callable[[str], bool] = lru_cache(maxsize=4096)(
            lambda text: is_in(networks, read_address(text))
        )

    def lists(self, peer: str) -> bool:
        """Return whether *peer*, an address, is a listed proxy's."""
        return bool(self._networks) and self._is_listed(peer)

    def seen_through(self, scope: Scope) -> tuple[Scope, str, str]:
        """
        Return *scope* with the scheme that the sender used, the sender's address, and the host that it is told to want.

        The sender is the nearest, of the peer and those it forwards for, that is no listed proxy; a hop that is
        malformed or unknown ends the way, and the proxy that told of it counts as the sender. A scheme that a
        listed proxy does not tell, or that is none, is plain HTTP: the connection behind the proxy proves nothing.
        """
        peer = scope.get("client")
        address = str(peer[0]) if peer else ""
        if not self._networks or not self._is_listed(address):
            return scope, address, ""
        headers = _told(scope, self._names)
        is_short = sum(map(len, headers)) <= SHORT
        sender, told = self._sender(address, self._read_before(headers) if is_short else self._read(headers))
        return {**scope, "scheme": told.scheme or "http"}, sender, _host(told.host)

    def _sender(self, address: str, hops: Sequence[Hop]) -> tuple[str, Hop]:
        seen = hops[-1] if hops else Hop()
        for hop in reversed(hops):
            if not hop.address:
                break
            address, seen = hop.address, hop
            if not self._is_listed(address):
                break
        return address, seen


def _hops_of_x_forwarded(told: Told) -> Sequence[Hop]:
    """Return what `X-Forwarded-…` tell; the lists are matched from the right, one that is shorter ends in its first."""
    of_addresses, of_schemes, of_hosts = told
    addresses = [_address(text) for text in _list(of_addresses)]
    schemes = [_scheme(text) for text in _list(of_schemes)]
    hosts = _list(of_hosts)
    length = max(len(addresses), 1)
    columns = [_matched(column, length) for column in (addresses, schemes, hosts)]
    return [Hop(*row) for row in zip(*columns, strict=True)]


def _matched(column: list[str], length: int) -> list[str]:
    if len(column) >= length:
        return column[len(column) - length :]
    return [column[0] if column else ""] * (length - len(column)) + column


def _hops_of_forwarded(told: Told) -> Sequence[Hop]:
    """Return what `Forwarded` tells (RFC 7239, section 4)."""
    return [_hop(element) for element in _list(told[0], quoted=True)]


READERS: Mapping[Headers, tuple[tuple[bytes, ...], Callable[[Told], Sequence[Hop]]]] = {
    "x-forwarded": ((b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"), _hops_of_x_forwarded),
    "forwarded": ((b"forwarded",), _hops_of_forwarded),
}
"""Which headers are read, and how."""


def _hop(element: str) -> Hop:
    told: dict[str, str] = {}
    for part in _parted(element, ";"):
        pair = _PAIR.fullmatch(part)
        if pair is None or pair[1].lower() in told:
            return Hop()
        value = pair[2]
        told[pair[1].lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    return Hop(_address(told.get("for", "")), _scheme(told.get("proto", "")), told.get("host", ""))


def _address(text: str) -> str:
    """Return the address in *text*, without a port; empty where it is none (`unknown`, `_hidden`, anything else)."""
    # Before it is read, and remembered: what a stranger sends is as long as the stranger wants.
    if len(text) > LONGEST_ADDRESS:
        return ""
    with_port = _WITH_PORT.fullmatch(text)
    bare = with_port[1] or with_port[2] if with_port else text
    return "" if read_address(bare) is None else bare


def _scheme(text: str) -> str:
    return "https" if text.lower() == "https" else "http"


def named_host(scope: Scope) -> str:
    """Return the host that the request itself names, without its port."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return _host(host)


def _host(text: str) -> str:
    """Return the name of a host, without its port; empty for what is none, IPv6 addresses included."""
    bare = _PORT.sub("", text).lower().rstrip(".")
    return bare if _HOST.fullmatch(bare) else ""


def _told(scope: Scope, names: tuple[bytes, ...]) -> Told:
    """Return the lists that all headers of each name make together (RFC 9110, section 5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in names:
            found[name] = found[name] + b"," + value if name in found else value
    return tuple(found.get(name, b"") for name in names)


def _list(whole: bytes, *, quoted: bool = False) -> list[str]:
    """Return the members of a list (RFC 9110, section 5.6.1)."""
    text = whole.decode("latin-1")
    parts = _parted(text, ",") if quoted else text.split(",")
    return [stripped for part in parts if (stripped := part.strip())]


def _parted(text: str, separator: str) -> list[str]:
    """Return the parts of *text* between separators that do not stand in quotes."""
    return re.findall(rf'(?:[^"{separator}]|"(?:[^"\\]|\\.)*"?)+', text)
