"""Where a call comes from, as limits see it: whoever has one address of a network has all of them."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

HOME_BITS = 64
"""An IPv6 network that one home, phone or office has to itself (RFC 6177 gives more, never less)."""

SITE_BITS = 48
"""The largest that one customer has: 65,536 of the above."""


@dataclass(frozen=True, slots=True)
class Network:
    """
    One caller's network.

    Args:
        name: An IPv4 address, an IPv6 /64, or whatever the server said, where that is no address.
        site: With IPv6 the /48 that it lies in; else empty.

    """

    name: str
    site: str = ""


@lru_cache(maxsize=4096)
def network_of(address: str) -> Network:
    """
    Return the network of *address*.

    >>> network_of("192.0.2.7").name, network_of("::ffff:192.0.2.7").name, network_of("2001:db8:1:2:3::4")
    ('192.0.2.7', '192.0.2.7', Network(name='2001:db8:1:2::/64', site='2001:db8:1::/48'))
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return Network(address[:64])
    if not isinstance(found, IPv6Address):
        return Network(str(found))
    if found.ipv4_mapped is not None:
        return Network(str(found.ipv4_mapped))
    return Network(_around(found, HOME_BITS), _around(found, SITE_BITS))


def _around(address: IPv6Address, bits: int) -> str:
    return str(IPv6Network((int(address), bits), strict=False))
