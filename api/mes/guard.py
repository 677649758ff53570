"""Keeps webhooks from being used to reach what only the station can reach: its own machine, the plant's devices, a cloud's metadata."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A message must not, or cannot, be sent there; says why."""


def parsed(url: str) -> SplitResult:
    """A webhook's address in its parts.

    Raises:
        AddressRefused: not http or https, no host, or with a user name in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as cause:
        raise AddressRefused("it is no address") from cause
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise AddressRefused("it is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("it has a user name or password in it; messages are signed instead")
    return parts


def refuse_literal(url: str, allowed: Sequence[Network]) -> None:
    """Refuse, without asking a name server, what can be refused at once. Raises AddressRefused."""
    host = parsed(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith(".localhost"):
            address = ipaddress.ip_address("127.0.0.1")
        else:
            return
    refuse(address, allowed)


def refuse(address: Address, allowed: Sequence[Network]) -> None:
    """Refuse an address that is not public, unless its network is allowed.

    Raises:
        AddressRefused: loopback, private, link-local or the like; also where an IPv6 address hides such an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in allowed):
        return
    hides_another = isinstance(address, ipaddress.IPv6Address) and (address.sixtofour or address.teredo or address in _NAT64)
    if not address.is_global or address.is_multicast or hides_another:
        raise AddressRefused(f"{address} is not a public address, and its network is not allowed in D3STATION_WEBHOOK_NETWORKS")


async def checked_address(url: str, allowed: Sequence[Network]) -> Address:
    """The address to connect to: the caller connects to it and not to the name, which may mean another one a moment later.

    Raises:
        AddressRefused: the name is not known, or any of its addresses may not be reached.
    """
    parts = parsed(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as cause:
        raise AddressRefused(f"the name '{parts.hostname}' is not known") from cause
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        refuse(address, allowed)
    return addresses[0]
