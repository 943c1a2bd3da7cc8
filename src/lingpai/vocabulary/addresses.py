"""Addresses and networks, IPv4 and IPv6, as numbers that compare."""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

Address = tuple[int, int]
"""An address: 4 or 6, and its number."""

Network = tuple[int, int, int]
"""A network: 4 or 6, the mask, and the number that is left of an address of it under the mask."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


@lru_cache(maxsize=4096)
def read_address(text: str) -> Address | None:
    """
    Return the address that *text* writes, or None; an IPv4 address that is written as IPv6 is the IPv4 one.

    >>> read_address("::ffff:10.0.0.1") == read_address("10.0.0.1")
    True
    >>> read_address("10.0.0.01") is None
    True
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A zone (`fe80::1%eth0`) says by which wire, not who.
        address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address.version, int(address)


def read_network(text: str) -> Network:
    """
    Return the network that *text* writes: `10.0.0.0/8`, `2001:db8::/32`, or one address.

    >>> read_network("10.0.0.0/8")
    (4, 4278190080, 167772160)

    Raises:
        ValueError: It is none, or has bits beyond its mask.

    """
    network = ipaddress.ip_network(text.strip())
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = ipaddress.IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        network = ipaddress.ip_network(f"{address}/{network.prefixlen - 96}")
    return network.version, int(network.netmask), int(network.network_address)


def is_network(text: str) -> bool:
    """Return whether *text* is what `read_network` reads."""
    try:
        read_network(text)
    except ValueError:
        return False
    return True


def network_meant(text: str) -> str:
    """
    Return the network that the address in *text* is in by its mask; any other where *text* is no address with a mask.

    >>> network_meant("10.9.0.1/16"), network_meant("here")
    ('10.9.0.0/16', '10.0.0.0/8')
    """
    if "/" in text:
        with suppress(ValueError):
            return str(ipaddress.ip_interface(text.strip()).network)
    return "10.0.0.0/8"


def is_in(networks: Iterable[Network], address: Address | None) -> bool:
    """Return whether one of *networks* holds *address*; None is in no network."""
    if address is None:
        return False
    version, number = address
    return any(version == of and number & mask == base for of, mask, base in networks)


def is_loopback(text: str) -> bool:
    """Return whether *text* writes an address of this machine's own."""
    return text.startswith("127.") or text in ("::1", "::ffff:127.0.0.1")
