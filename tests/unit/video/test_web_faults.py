"""Each way in which a web server fails is told in a sentence of its own, and soon."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import va_widgets as va
from tests.unit.video.video_files import write_video
from tests.unit.web_server import serving
from va_widgets.corpus.listing import find_sources
from va_widgets.video import remote
from va_widgets.video.decoder_messages import Done, Failed, Message, PicturesRequest, Refused, Request
from va_widgets.video.decoder_process import DecoderProcess

aiohttp = pytest.importorskip("aiohttp", reason="fsspec reads http with aiohttp, which is not installed")


class _Faulty(BaseHTTPRequestHandler):
    """Fails as the path says: /403 with this status, /loop, /drop, /cut in the middle; others are fine."""

    protocol_version = "HTTP/1.1"
    data: bytes
    fails = True

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        kind = self.path.removeprefix("/").partition(".")[0]
        if kind == "drop":
            self._hang_up()
        elif kind.isdigit() or kind == "loop":
            self.send_response(302 if kind == "loop" else int(kind))
            self.send_header("Location", "/loop.mp4")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 0-{len(self.data) - 1}/{len(self.data)}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(self.data)))
            self.end_headers()
            is_cut = kind == "cut" and self.fails
            if body:
                self.wfile.write(self.data[: len(self.data) // 2] if is_cut else self.data)
            if body and is_cut:
                self.wfile.flush()
                self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> type[_Faulty]:
    file = tmp_path_factory.mktemp("film") / "a.mp4"
    write_video(file, [(1, 10)], size=(48, 32))
    return type("Handler", (_Faulty,), {"data": file.read_bytes()})


@pytest.fixture(scope="module")
def server(handler: type[_Faulty]) -> Iterator[str]:
    with serving(handler) as host:
        yield f"http://{host}"


def reason(url: str) -> str:
    with pytest.raises(remote.UnreachableError) as raised:
        remote.info(url)
    assert str(raised.value) == f"{url} cannot be read, because {raised.value.reason}."
    return raised.value.reason


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("401", "its server asks for a login (401)"),
        ("403", "its server denies access (403)"),
        ("404", "there is nothing at this address (404)"),
        ("410", "there is nothing at this address any more (410)"),
        ("418", "its server refuses the request (418)"),
        ("429", "its server gets too many requests (429)"),
        ("500", "its server has failed (500)"),
        ("503", "its server has failed (503)"),
        ("loop", "its server redirects in a circle"),
        ("drop", "the connection to its server was cut"),
    ],
)
def test_what_a_server_answers_is_told_apart(kind: str, told: str, server: str) -> None:
    assert reason(f"{server}/{kind}.mp4").startswith(f"{told}: ")


def test_a_server_that_cannot_be_reached_is_told_apart(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # but it does not listen
        refused = reason(f"http://127.0.0.1:{unused.getsockname()[1]}/a.mp4")
    assert refused == "its server refuses the connection: check the address and its port"
    assert reason(f"{server.replace('http', 'https')}/a.mp4") == (
        "its server makes no encrypted connection (TLS): check whether the address begins with http://"
    )

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert reason("http://films.invalid/a.mp4") == (
        "its host is not found (Name or service not known): check the address and the network"
    )


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (ssl.SSLCertVerificationError("certificate verify failed"), "its server's certificate is not valid"),
        (aiohttp.ServerTimeoutError("Timeout on reading data from socket"), "its server does not answer"),
        (aiohttp.ClientError("no proxy"), "its server cannot be reached (no proxy)"),
    ],
)
def test_errors_are_told_by_what_caused_them(cause: Exception, told: str) -> None:
    from va_widgets.video.web_faults import fault

    error = FileNotFoundError("http://host/a.mp4")
    error.__cause__ = cause
    assert (fault(error) or ("", ""))[0] == told
    assert fault(OSError("the disk is full")) is None


def test_a_server_is_given_up_after_some_seconds_without_a_byte() -> None:
    import asyncio

    from va_widgets.video import web

    async def timeout() -> Any:
        async with await web.session("films.example", 80) as session:
            return session.timeout

    with ThreadPoolExecutor(1) as pool:  # in this thread a loop may be running, that of the browser
        patience = pool.submit(lambda: asyncio.run(timeout())).result()
    assert 0 < patience.sock_connect <= 30
    assert 0 < patience.sock_read <= 30
    assert patience.total is None


def last(messages: Iterator[Message]) -> Message:
    *_, message = messages
    return message


def test_a_connection_that_is_cut_costs_no_time_and_is_tried_again(
    server: str, handler: type[_Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(handler.data)
    expected = "the connection to its server was cut; the next build tries again"
    process = DecoderProcess()
    try:
        assert last(process.read(Request(f"{server}/cut.mp4", size, 64, 1))) == Failed(expected, is_temporary=True)
        messages = list(process.read(PicturesRequest([f"{server}/cut.png"], 64)))
        assert [one.reason for one in messages if isinstance(one, Refused)] == [expected]
        monkeypatch.setattr(handler, "fails", False)
        assert last(process.read(Request(f"{server}/cut.mp4", size, 64, 1))) == Done("")
    finally:
        process.close()


def test_a_build_goes_on_without_a_dead_url_and_reads_a_cut_one_again(
    server: str, handler: type[_Faulty], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(handler.data + bytes(8))
    dead, cut = f"{server}/403.mp4", f"{server}/cut.mp4"
    given = [str(tmp_path / "a.mp4"), dead, cut]
    corpus = va.Corpus.build(tmp_path / "c", given, "va-tiny", progress=False)
    report = corpus.report.set_index("source")
    assert report["status"].to_dict() == {dead: "skipped", cut: "skipped", "a.mp4": "done"}
    assert str(report.loc[dead, "reason"]).startswith("its server denies access (403): ")
    monkeypatch.setattr(handler, "fails", False)
    again = va.Corpus.build(tmp_path / "c", given, "va-tiny", progress=False)
    assert again.report.set_index("source")["status"].to_dict() == report["status"].to_dict() | {cut: "done"}


def test_a_list_of_urls_is_looked_up_as_a_whole(server: str) -> None:
    groups = find_sources([f"{server}/500.mp4", f"{server}/a.mp4", f"{server}/404.mp4"])
    assert [file.name for group in groups for file in group.files] == [f"{server}/a.mp4"]
    assert [name for group in groups for name, _ in group.unread] == [f"{server}/404.mp4", f"{server}/500.mp4"]


def test_an_open_file_raises_what_happened(server: str) -> None:
    with remote.opened(f"{server}/cut.mp4") as file, pytest.raises(remote.UnreachableError, match="was cut: try again"):
        file.read()
    with remote.opened(f"{server}/a.mp4") as file:
        assert io.BytesIO(file.read()).getvalue()[4:8] == b"ftyp"
