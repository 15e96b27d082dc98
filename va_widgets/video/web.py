"""Connections of HTTP that reach no private address: this machine, its network and cloud metadata are not for videos.

Loaded when the first URL of http or https is opened, since aiohttp is an extra.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import aiohttp

from va_widgets.video.remote import PrivateAddressError

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PATIENCE = 20.0  # seconds without a connection, or without a byte, after which a server is given up
_WEB_PORTS = frozenset((80, 443))  # a server of http may send to its own https


async def session(given_host: str, given_port: int, **options: Any) -> aiohttp.ClientSession:
    """Return a session that connects to public addresses, and to the host and port that the user has given.

    The session checks every connection, those of redirects too. Its requests raise PrivateAddressError.
    """
    # Of the whole time nothing is said: a large file takes as long as it takes.
    patience = aiohttp.ClientTimeout(total=None, sock_connect=_PATIENCE, sock_read=_PATIENCE)
    return aiohttp.ClientSession(connector=_Connector((given_host.lower(), given_port)), timeout=patience, **options)


def is_public(address: str) -> bool:
    """Return whether an IP address, as a text, is one that any machine on the internet can reach."""
    ip = ipaddress.ip_address(address)
    inner: ipaddress.IPv4Address | None = None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    target = inner or ip
    return target.is_global and not target.is_multicast


def _check_public(host: str, address: str) -> None:
    if not is_public(address):
        shown = host if host == address else f"{host} ({address})"
        raise PrivateAddressError(
            f"{shown} is a private address, which a video's server may not lead to: download the file, or give its own"
            " URL."
        )


class _Connector(aiohttp.TCPConnector):
    def __init__(self, given: tuple[str, int]) -> None:
        super().__init__(resolver=_Resolver(given))
        self._given = given

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        """Refuse private addresses that a URL names as numbers; those of names are the resolver's to refuse."""
        host, port = str(req.url.host or "").lower(), int(req.url.port or 0)
        if not _is_given(self._given, host, port):
            try:
                ipaddress.ip_address(host)
            except ValueError:  # a name
                pass
            else:
                _check_public(host, host)
        return await super().connect(req, traces, timeout)


class _Resolver(aiohttp.ThreadedResolver):
    def __init__(self, given: tuple[str, int]) -> None:
        super().__init__()
        self._given = given

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look up a name, and refuse it if one of its addresses is private."""
        addresses = await super().resolve(host, port, family)
        if not _is_given(self._given, host.lower(), port):
            for address in addresses:
                _check_public(host, address["host"])
        return addresses


def _is_given(given: tuple[str, int], host: str, port: int) -> bool:
    return host == given[0] and (port == given[1] or {port, given[1]} <= _WEB_PORTS)
