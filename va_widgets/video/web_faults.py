"""What went wrong between this machine and a web server, as parts of a sentence.

Loaded when a URL cannot be read, since aiohttp is an extra.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp

from va_widgets.base.errors import reason_of

_ADDRESS, _NETWORK, _LATER = "check the address", "check the address and the network", "try again later"
_CUT = "the connection to its server was cut", _LATER
_STATUSES = {
    401: ("its server asks for a login (401)", "download the file, or give an address that needs none"),
    403: ("its server denies access (403)", "check whether the address has expired, or download the file"),
    404: ("there is nothing at this address (404)", "check it"),
    410: ("there is nothing at this address any more (410)", "check it"),
    429: ("its server gets too many requests (429)", _LATER),
}


def _of_status(error: aiohttp.ClientResponseError) -> tuple[str, str]:
    if error.status >= 500:
        return f"its server has failed ({error.status})", _LATER
    refused = f"its server refuses the request ({error.status})", "check the address, or download the file"
    return _STATUSES.get(error.status, refused)


# By type, the most telling ones first: an error is caused by others, which are compared, too.
_FAULTS: tuple[tuple[type[BaseException], tuple[str, str] | Callable[[Any], tuple[str, str]]], ...] = (
    (aiohttp.TooManyRedirects, ("its server redirects in a circle", _ADDRESS)),
    (aiohttp.ClientResponseError, _of_status),
    (ssl.SSLCertVerificationError, ("its server's certificate is not valid", _ADDRESS)),
    (ssl.SSLError, ("its server makes no encrypted connection (TLS)", "check whether the address begins with http://")),
    (socket.gaierror, lambda error: (f"its host is not found ({reason_of(error)})", _NETWORK)),
    (ConnectionRefusedError, ("its server refuses the connection", "check the address and its port")),
    (TimeoutError, ("its server does not answer", _LATER)),
    (ConnectionError, _CUT),
    (aiohttp.ServerDisconnectedError, _CUT),
    (aiohttp.ClientPayloadError, _CUT),
    (aiohttp.ClientError, lambda error: (f"its server cannot be reached ({reason_of(error)})", _NETWORK)),
)


def fault(error: BaseException) -> tuple[str, str] | None:
    """Return why a web server does not give a file, and what to do; None for an error that is no fault of the web."""
    causes = list(_causes(error))
    for kind, told in _FAULTS:
        for cause in causes:
            if isinstance(cause, kind):
                return told(cause) if callable(told) else told
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what caused it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        if isinstance(cause, aiohttp.ClientConnectorError):
            yield cause.os_error
        cause = cause.__cause__ or cause.__context__
