"""Open the files of URLs, of schemes and addresses that are safe to follow.

fsspec knows schemes that read templates, run commands or open any local file (reference://, chains such as
reference://a.mp4::file:///…), and a URL may come from somebody else's table or corpus. So only schemes that fetch a
file from a server are followed, and others where the user says so: the argument `allow` of Corpus.build and others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any, cast
from urllib.parse import urlsplit

from va_widgets.base import arguments
from va_widgets.base.errors import CorpusError
from va_widgets.base.names import printable_text

SCHEMES = ("http", "https", "s3", "gs", "gcs", "az", "abfs", "abfss", "hf")
_WEB = {"http": 80, "https": 443}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+")
_ODD_HOST = re.compile(r"[\s\\\x00-\x1f]")  # what libraries read in different ways
_LONGEST = 200  # characters of a URL in a message


class PrivateAddressError(Exception):
    """A server, or a redirect, leads to an address that is not public; the text is a sentence.

    Not an OSError: aiohttp and fsspec would take it for a failed connection.
    """


class UnreachableError(CorpusError):
    """A web server does not give the file of a URL; `fault` says why, as the end of a sentence, and `reason` also what
    to do.
    """

    def __init__(self, url: str, fault: str, advice: str) -> None:
        self.fault, self.reason = fault, f"{fault}: {advice}"
        super().__init__(f"{_shown(url)} cannot be read, because {self.reason}.")


def checked_schemes(allow: Iterable[str] | str) -> frozenset[str]:
    """Return the schemes of an argument `allow`, such as ("sftp", "zip"). Raises CorpusError for any other value."""
    expected = 'a list of URL schemes, such as ("sftp",)'
    given = [allow] if isinstance(allow, str) else arguments.items(allow, "allow", expected, error=CorpusError)
    schemes = [arguments.text(scheme, "A scheme in allow", error=CorpusError).lower() for scheme in given]
    for scheme in schemes:
        if not _SCHEME.fullmatch(scheme):
            raise CorpusError(f"allow must be {expected}, but one of them is {arguments.described(scheme)}.")
    return frozenset(schemes)


def refusal(url: str, allow: Collection[str] = ()) -> str:
    """Return the sentence that says why a URL is not followed; empty if it is.

    Of a chain such as "zip://a.mp4::https://host/films.zip" every scheme but the last must be in `allow`; the last is
    one that is followed, or an absolute path.
    """
    *outer, last = links = url.split("::")
    for link in outer:
        if (scheme := _scheme(link)) not in allow:
            return _refused(url, scheme, "it is a chain of URLs")
    scheme = _scheme(last)
    if scheme not in SCHEMES and scheme not in allow and not (outer and _is_path(last)):
        return _refused(url, scheme, f"only {', '.join(SCHEMES[:-1])} and {SCHEMES[-1]} are")
    for link in links:
        if _scheme(link) in _WEB and not _host(link)[0]:
            return f"{_shown(url)} names no host that can be read: check the address."
    return ""


def check(url: str, allow: Collection[str] = ()) -> None:
    """Raise CorpusError if a URL is not followed."""
    why = refusal(url, allow)
    if why:
        raise CorpusError(why)


def origin(url: str) -> str:
    """Return where a URL's file comes from: its scheme and host, such as "https://host:443" or "s3://bucket".

    The origin of a chain is its schemes and the origin, or path, of its last URL: "zip::https://host:443",
    "zip::/data/films.zip".
    """
    *outer, last = url.split("::")
    scheme = _scheme(last)
    if scheme in _WEB:
        host, port = _host(last)
        base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    elif "://" in last and scheme != "file":
        base = f"{scheme}://{last.partition('://')[2].partition('/')[0]}"
    else:
        base = last
    return "::".join([*map(_scheme, outer), base])


def info(url: str, allow: Collection[str] = ()) -> dict[str, Any]:
    """Return fsspec's details of the file of a URL, such as its size.

    Raises CorpusError if the URL is not followed, UnreachableError if a web server does not give the file, or whatever
    fsspec raises.
    """
    check(url, allow)
    import fsspec

    with _faults_raised(url):
        system, path = fsspec.core.url_to_fs(url, **_options(url))
        details: dict[str, Any] = system.info(path)
    return details


@contextmanager
def opened(url: str, allow: Collection[str] = ()) -> Iterator[IO[bytes]]:
    """Open the file of a URL for reading. Raises what `info` does; so do the file's own methods."""
    check(url, allow)
    import fsspec

    with ExitStack() as stack:
        with _faults_raised(url):
            file = stack.enter_context(fsspec.open(url, "rb", **_options(url)))
        yield cast(IO[bytes], _File(url, file))


class _File:
    """An open file of fsspec, whose `read` raises UnreachableError for faults of the web.

    Raised at once, because FFmpeg and Pillow would take some of them for the end of the file.
    """

    def __init__(self, url: str, file: IO[bytes]) -> None:
        self._url = url
        self._file = file

    def read(self, size: int = -1) -> bytes:
        with _faults_raised(self._url):
            return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _faults_raised(url: str) -> Iterator[None]:
    """Raise CorpusError for what a PrivateAddressError caused, and UnreachableError for other faults of the web.

    fsspec raises FileNotFoundError for all of them.
    """
    try:
        yield
    except CorpusError:
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, PrivateAddressError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise CorpusError(str(cause)) from error
        try:
            from va_widgets.video.web_faults import fault
        except ImportError:  # aiohttp is not installed
            raise error from None
        told = fault(error)
        if told is None:
            raise
        raise UnreachableError(url, *told) from error


def _options(url: str) -> dict[str, Any]:
    """Return fsspec's options for each scheme of a URL: how it makes connections of http and https."""
    return {
        _scheme(link): {
            "get_client": _client,
            "client_kwargs": dict(zip(("given_host", "given_port"), _host(link), strict=True)),
        }
        for link in url.split("::")
        if _scheme(link) in _WEB
    }


async def _client(**options: Any) -> Any:
    from va_widgets.video import web

    return await web.session(**options)


def _scheme(link: str) -> str:
    """Return the scheme that fsspec reads in a link of a chain; empty for a path."""
    if "://" in link:
        return link.partition("://")[0].lower()
    word = link.partition(":")[0].lower()  # fsspec knows "data:…" and, in chains, a scheme alone: "simplecache"
    return word if len(word) > 1 and _SCHEME.fullmatch(word) else ""


def _is_path(link: str) -> bool:
    return _scheme(link) == "file" or (not _scheme(link) and os.path.isabs(link))  # noqa: PTH117


def _host(link: str) -> tuple[str, int]:
    """Return the host and port of a URL of http or https; an empty host if it has none, or an ambiguous one."""
    scheme = _scheme(link)
    try:
        parts = urlsplit(link)
        host, port = parts.hostname or "", parts.port or _WEB[scheme]
    except ValueError:
        return "", 0
    return ("", 0) if _ODD_HOST.search(parts.netloc) else (host, port)


def _refused(url: str, scheme: str, why: str) -> str:
    advice = f", or give allow=({scheme!r},) if you trust where the URL comes from" if _SCHEME.fullmatch(scheme) else ""
    return f"{_shown(url)} is not followed, because {why}: download the file{advice}."


def _shown(url: str) -> str:
    text = printable_text(url)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
