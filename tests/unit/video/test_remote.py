"""URLs: schemes that run or read what a stranger says are not followed, and no server leads to a private address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import va_widgets as va
from tests.unit.corpus.damaging import record_digests
from tests.unit.video.video_files import write_video
from tests.unit.web_server import serving
from va_widgets.corpus.manifest import MANIFEST_FILE
from va_widgets.video import remote
from va_widgets.video.decoder_messages import Failed, PicturesRequest, Refused, Request
from va_widgets.video.decoder_process import DecoderProcess

REFUSED = [
    "reference://a.mp4::file:///tmp/refs.json",
    "reference://a.mp4::data:application/json;base64,e30=",
    "reference://a.mp4::https://host/refs.json",
    "REFERENCE://a.mp4::file:///tmp/refs.json",
    "reference://?fo=/tmp/refs.json",
    "https://host/a.mp4::reference://",
    "simplecache::https://host/a.mp4",
    "zip://a.mp4::/tmp/films.zip",
    "memory://a.mp4",
    "local:///etc/passwd",
    "FILE:///etc/passwd",
    "sftp://host/a.mp4",
    "github://owner:repo@/a.mp4",
    "://a.mp4",
    "http:///a.mp4",
    "http://host:port/a.mp4",
    "http://good.example\\@127.0.0.1/a.mp4",
    "http://[::1/a.mp4",
]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("film") / "a.mp4"
    write_video(file, [(1, 10)], size=(48, 32))
    return file.read_bytes()


class Server(NamedTuple):
    """A web server on this machine, by its host and port; `asked` are the paths."""

    host: str
    asked: list[str]

    @property
    def port(self) -> int:
        return int(self.host.partition(":")[2])


class _Films(BaseHTTPRequestHandler):
    """Answers /a.mp4 with a video, and redirects /to/URL to http://URL."""

    data: bytes
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", f"http://{self.path.removeprefix('/to/')}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = 0, len(self.data) - 1
        if wanted := self.headers.get("Range"):
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if body:
            self.wfile.write(self.data[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving_film(film: bytes) -> Iterator[Server]:
    asked: list[str] = []
    with serving(type("Handler", (_Films,), {"data": film, "asked": asked})) as host:
        yield Server(host, asked)


@pytest.fixture
def servers(film: bytes) -> Iterator[tuple[Server, Server]]:
    pytest.importorskip("aiohttp", reason="fsspec reads http with aiohttp, which is not installed")
    with serving_film(film) as one, serving_film(film) as other:
        yield one, other


# --- schemes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", REFUSED)
def test_only_urls_that_fetch_a_file_from_a_server_are_followed(url: str, tmp_path: Path) -> None:
    assert remote.refusal(url)
    with pytest.raises(va.CorpusError), remote.opened(url):
        pass
    with pytest.raises(va.CorpusError):
        remote.info(url)
    with pytest.raises(va.NoVideosError):
        va.Corpus.build(tmp_path / "c", [url], progress=False)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        *((f"{scheme}://host/a.mp4", ()) for scheme in remote.SCHEMES),
        ("https://host:8080/my film.mp4?a=b#c", ()),
        ("https://user:word@bücher.example/a.mp4", ()),
        ("sftp://host/a.mp4", ("sftp",)),
        ("zip://a.mp4::/tmp/films.zip", ("zip",)),
        ("zip://a.mp4::https://host/films.zip", ("zip",)),
        ("simplecache::zip://a.mp4::s3://bucket/films.zip", ("zip", "simplecache")),
    ],
)
def test_others_are_followed_by_the_user_s_word(url: str, allow: tuple[str, ...]) -> None:
    assert remote.refusal(url, allow) == ""
    assert not allow or remote.refusal(url)


def test_a_chain_needs_all_of_its_schemes() -> None:
    assert remote.refusal("zip://a::reference://b::file:///c", ("zip",))
    assert remote.refusal("reference://a.mp4::file:///refs.json", ("zip", "file"))
    assert remote.refusal("zip://a::films.zip", ("zip",))  # a path that depends on the working directory
    assert remote.refusal("zip://a::memory", ("zip",))


@pytest.mark.parametrize("allow", [5, [5], ["https://host"], ["zip", ""], {"zip": True}, "a b"])
def test_allow_is_a_list_of_schemes(allow: object, tmp_path: Path) -> None:
    with pytest.raises(va.CorpusError, match=r"allow"):
        va.Corpus.build(tmp_path / "c", ["https://host/a.mp4"], progress=False, allow=allow)  # type: ignore[arg-type]


def command(marker: Path, folder: Path) -> str:
    """A URL by which old versions of fsspec make a file, `marker`, as a shell command would."""
    make = f"{{{{ cycler.__init__.__globals__.os.system('touch {marker}') }}}}"
    references = {"version": 1, "templates": {"u": make}, "refs": {"a.mp4": ["{{u}}", 0, 9]}}
    (folder / "refs.json").write_text(json.dumps(references))
    return f"reference://a.mp4::file://{folder}/refs.json"


def test_a_stranger_s_table_runs_nothing(film: bytes, tmp_path: Path) -> None:
    url = command(tmp_path / "marker", tmp_path)
    (tmp_path / "a.mp4").write_bytes(film)
    rows = pd.DataFrame({"video": ["a.mp4", url], "start": 0.0, "end": 0.2})
    corpus = va.Corpus.from_manifest(tmp_path / "c", rows, "va-tiny", videos=tmp_path, progress=False)
    report = corpus.report.set_index("source")
    assert report.loc["a.mp4", "status"] == "done"
    assert "it is a chain of URLs" in str(report.loc[url, "reason"])
    assert not (tmp_path / "marker").exists()


def test_a_stranger_s_corpus_runs_nothing_even_if_it_is_trusted(film: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(film)
    corpus = va.Corpus.build(tmp_path / "c", tmp_path / "a.mp4", "va-tiny", progress=False)
    url = command(tmp_path / "marker", tmp_path)
    of_url(corpus.path, url)
    corpus = va.Corpus.open(corpus.path).trust()
    clip = corpus.clips.index[0]
    with pytest.raises(va.PreviewUnavailableError, match="it is a chain of URLs: download the file, or give allow="):
        corpus.preview(clip)
    assert "chain of URLs" in corpus.play(clip)._repr_html_()
    assert not (tmp_path / "marker").exists()


def of_url(corpus: Path, url: str) -> None:
    """Let a corpus say that its clips are of a URL."""
    file = corpus / MANIFEST_FILE
    found = json.loads(file.read_text())
    found["roots"] = [{"absolute": "", "relative": ""}]
    file.write_text(json.dumps(found))
    table = corpus / found["clips_file"]
    pd.read_parquet(table).assign(video=url).to_parquet(table)
    record_digests(corpus)


def test_the_process_that_reads_refuses_them_itself() -> None:
    reader = DecoderProcess()
    try:
        (*_, last) = reader.read(Request("memory://a.mp4", 9, 64, 1))
        assert isinstance(last, Failed)
        assert "is not followed" in last.reason
        refused = [one for one in reader.read(PicturesRequest(["memory://a.png"], 64)) if isinstance(one, Refused)]
        assert ["is not followed" in one.reason for one in refused] == [True]
    finally:
        reader.close()


# --- addresses -------------------------------------------------------------------------------------


def test_the_user_s_own_server_on_this_machine_is_read_and_played(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    url = f"http://{servers[0].host}/a.mp4"
    corpus = va.Corpus.build(tmp_path / "c", [url], "va-tiny", progress=False)
    assert va.Corpus.open(corpus.path).preview(corpus.clips.index[0])


def test_no_server_redirects_to_a_private_address(servers: tuple[Server, Server], tmp_path: Path) -> None:
    server, private = servers
    url = f"http://{server.host}/to/{private.host}/a.mp4"
    with pytest.raises(va.CorpusError, match=r"^127\.0\.0\.1 is a private address, .*: download the file, or give its"):
        va.Corpus.build(tmp_path / "c", [url], "va-tiny", progress=False)
    url_by_name = f"http://{server.host}/to/localhost:{private.port}/a.mp4"
    with pytest.raises(va.CorpusError, match=r"^localhost \(.*\) is a private address"):
        va.Corpus.build(tmp_path / "c", [url_by_name], "va-tiny", progress=False)
    assert private.asked == []
    # What the server said at the build may change before it is played.
    corpus = va.Corpus.build(tmp_path / "c", [f"http://{server.host}/a.mp4"], "va-tiny", progress=False)
    of_url(corpus.path, url)
    corpus = va.Corpus.open(corpus.path)
    server.asked.clear()
    with pytest.raises(va.PreviewUnavailableError, match=r"127\.0\.0\.1 is a private address"):
        corpus.preview(corpus.clips.index[0])
    assert server.asked != []
    assert private.asked == []


def test_a_stranger_s_corpus_fetches_nothing_until_it_is_trusted(
    film: bytes, servers: tuple[Server, Server], tmp_path: Path
) -> None:
    server, _ = servers
    (tmp_path / "a.mp4").write_bytes(film)
    corpus = va.Corpus.build(tmp_path / "c", tmp_path / "a.mp4", "va-tiny", progress=False)
    of_url(corpus.path, f"http://{server.host}/a.mp4")
    corpus = va.Corpus.open(corpus.path)
    clip = corpus.clips.index[0]
    with pytest.raises(
        va.PreviewUnavailableError, match=rf"is not fetched from http://{server.host}, .* call corpus\.trust\(\) once"
    ):
        corpus.preview(clip)
    assert "corpus.trust()" in corpus.play(clip)._repr_html_()
    assert server.asked == []
    assert corpus.trust().preview(clip)
    of_url(corpus.path, f"http://localhost:{server.port}/b.mp4")
    with pytest.raises(va.PreviewUnavailableError, match="is not fetched from http://localhost"):
        va.Corpus.open(corpus.path, "va-tiny").preview(clip, 1)


def test_a_name_is_looked_up_and_may_not_be_private(servers: tuple[Server, Server]) -> None:
    from va_widgets.video import web

    async def asked(url: str) -> None:
        async with await web.session("films.example", 80) as session, session.get(url):
            pass

    def fetch(url: str) -> None:
        asyncio.run(asked(url))

    server, _ = servers
    # In a thread: where tests with a browser ran before, this one has Playwright's event loop.
    with ThreadPoolExecutor(1) as thread:
        for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"):
            url = f"http://{host}:{server.port}/a.mp4"
            with pytest.raises(remote.PrivateAddressError):
                thread.submit(fetch, url).result()
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1",
    ],
)  # fmt: skip
def test_private_addresses_are_known(address: str) -> None:
    web = pytest.importorskip("va_widgets.video.web")
    assert not web.is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:4700::6810:84e5", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_public_addresses_are_known(address: str) -> None:
    web = pytest.importorskip("va_widgets.video.web")
    assert web.is_public(address)


def test_what_a_url_comes_from_is_told_apart() -> None:
    assert remote.origin("http://Host/a.mp4") == remote.origin("HTTP://host:80/b/c.mp4?d") == "http://host:80"
    assert remote.origin("https://user:word@host/a.mp4") == "https://host:443"
    assert remote.origin("s3://bucket/a/b.mp4") == "s3://bucket"
    assert remote.origin("zip://in/a.mp4::/data/films.zip") == "zip::/data/films.zip"
    assert remote.origin("zip://in/a.mp4::https://host/films.zip") == "zip::https://host:443"
