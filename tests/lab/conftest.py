"""A real JupyterLab and a real Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.conftest import new_context

SCREENSHOTS = Path(__file__).parent / "screenshots"
STARTED = re.compile(r"\[(\*|\d+)\]")
RUNNING = re.compile(r"\[\*\]")
DONE = re.compile(r"\[\d+\]")
_START_SECONDS = 240.0
_ATTEMPTS = 30  # of running all cells, of 4 s or more each
_ATTEMPTS_A_PAGE = 8
_CLEARING_SECONDS = 60
_CLEAR = "import ipywidgets\nipywidgets.Widget.close_all()\nget_ipython().reset(new_session=False)"
_LOADS = 4  # of a page, until JupyterLab's own extension for widgets has come with it
# What the open notebook can show, of which the extension adds widgets.
_KNOWS_WIDGETS = """() => window.jupyterapp?.shell.currentWidget?.content?.rendermime?.mimeTypes
  .includes("application/vnd.jupyter.widget-view+json")"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: `root` is the folder it shows, `runtime` where it keeps how to reach its kernels."""

    url: str
    token: str
    root: Path
    runtime: Path

    def write(self, name: str, *cells: str) -> None:
        """Put a notebook of code cells into the folder; it gets the kernel that an earlier test has left, if any."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        # Without a kernel's name JupyterLab asks for one in a dialog.
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / name)
        for session in self._ask("GET", "sessions")[:1]:
            self._ask("PATCH", f"sessions/{session['id']}", {"path": name, "name": name, "type": "notebook"})

    def cells(self, name: str) -> list[str]:
        """The sources of a saved notebook's cells."""
        return [cell.source for cell in nbformat.read(self.root / name, as_version=4).cells]

    def address(self, name: str) -> str:
        """Where a notebook opens, in a workspace of its own."""
        return f"{self.url}/doc/workspaces/{Path(name).stem}/tree/{name}?token={self.token}"

    def open(self, page: Page, name: str) -> None:
        """Show a notebook and wait until its kernel is there."""
        page.goto(self.address(name))
        expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
        expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()

    def stop_kernels(self, but: str = "") -> None:
        """End every kernel, but one: a dozen that have loaded torch are more than a small machine holds."""
        for kernel in self._ask("GET", "kernels"):
            if kernel["id"] != but:
                self._ask("DELETE", f"kernels/{kernel['id']}")

    def leave_one_kernel(self) -> None:
        """End all kernels but one that has forgotten its notebook, so that the next test need not load torch anew."""
        kernels = [session["kernel"]["id"] for session in self._ask("GET", "sessions")]
        self.stop_kernels(but=kernels[0] if kernels and self._is_cleared(kernels[0]) else "")

    def _is_cleared(self, kernel: str) -> bool:
        """Whether the kernel lives and could forget its widgets, which the next page would show anew, and variables."""
        file = self.runtime / f"kernel-{kernel}.json"
        if not file.is_file():
            return False
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_CLEARING_SECONDS)
            reply = client.execute_interactive(_CLEAR, timeout=_CLEARING_SECONDS, output_hook=lambda _message: None)
        except (RuntimeError, TimeoutError):  # it does not answer
            return False
        finally:
            client.stop_channels()
        return bool(reply["content"]["status"] == "ok")

    def _ask(self, method: str, what: str, content: dict[str, str] | None = None) -> Any:
        """Return the server's answer, None where it has no content."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/api/{what}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def with_widgets(self, page: Page) -> None:
        """See that the page can show widgets, loading it anew where JupyterLab's extension for them did not come.

        On a busy machine a file of the extension sometimes fails to load; JupyterLab logs that and shows the outputs'
        HTML from then on.
        """
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text.partition("\n")[0]) if said.type == "error" else None)
        for _ in range(_LOADS):
            try:
                page.wait_for_function(_KNOWS_WIDGETS, timeout=60_000)
            except PlaywrightTimeout:
                page.reload()
                expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()
            else:
                return
        raise AssertionError(f"JupyterLab did not load its extension for widgets: {' '.join(errors)}")

    def run_all(self, page: Page) -> None:
        """Run every cell by the menu, as a person does, on a page loaded anew where nothing happens."""
        self.with_widgets(page)
        for attempt in range(1, _ATTEMPTS + 1):
            # What an earlier run has left would look like this one's.
            page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
            choose(page, "Run", "Run All Cells")
            if self.all_done(page):
                return
            if attempt % _ATTEMPTS_A_PAGE == 0:
                page.reload()
                expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_visible()
                self.with_widgets(page)
        raise AssertionError(f"JupyterLab did not run the notebook's cells. {self.told(page)}")

    def told(self, page: Page) -> str:
        """What the page and the server say of a notebook that does not run, for whoever reads the log of a test."""
        parts = {
            "prompts": page.locator(".jp-InputArea-prompt").all_text_contents(),
            "status": page.locator(".jp-Notebook-ExecutionIndicator").evaluate_all(
                "all => all.map(e => e.dataset.status)"
            ),
            "outputs": page.locator(".jp-OutputArea-output").all_text_contents(),
            "dialogs": page.locator(".jp-Dialog").all_text_contents(),
            "kernels": self._ask("GET", "kernels"),
        }
        return " ".join(f"{name}: {str(value)[-1500:]}" for name, value in parts.items())

    def all_done(self, page: Page) -> bool:
        """Whether every cell has been run; each waits for the one before it."""
        prompts = page.locator(".jp-InputArea-prompt")
        for index in range(prompts.count()):
            # JupyterLab drops runs that come while the notebook still connects to its kernel, some of them
            # only after it has shown them as running.
            try:
                expect(prompts.nth(index)).to_have_text(STARTED, timeout=4_000)
            except AssertionError:
                return False
            expect(prompts.nth(index)).not_to_have_text(RUNNING)
            if not DONE.search(prompts.nth(index).text_content() or ""):
                return False
        return True


def choose(page: Page, menu: str, entry: str) -> None:
    """Click an entry of JupyterLab's menu bar."""
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def save(page: Page) -> None:
    """Save the notebook and wait until it is on disk."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")


@contextmanager
def running(root: Path, home: Path) -> Iterator[Lab]:
    """A JupyterLab that shows the folder `root` and keeps all that it knows in `home`."""
    config = home / "jupyter_server_config.py"
    config.write_text(
        "from jupyterlab.galata import configure_jupyter_server\n"
        "configure_jupyter_server(c)\n"
        "c.JupyterNotebookApp.expose_app_in_browser = True\n"  # as JupyterLab's is, by the line before
        f"c.ServerApp.root_dir = {str(root)!r}\n",
        encoding="utf-8",
    )
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    # Nobody builds JupyterLab here: it would look with Node, for each page, whether it ought to.
    labconfig = home / "config" / "labconfig"
    labconfig.mkdir(parents=True)
    (labconfig / "page_config.json").write_text('{"buildAvailable": false, "buildCheck": false}', encoding="utf-8")
    token, port = secrets.token_hex(8), free_port()
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_GALATA_ROOT_DIR": str(root),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
    }
    command = [sys.executable, "-m", "jupyterlab", f"--config={config}", f"--ServerApp.port={port}", "--no-browser"]
    command += [f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", "--allow-root"]
    with (home / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
        try:
            started = Lab(f"http://127.0.0.1:{port}", token, root, home / "runtime")
            _wait_until_ready(started, server, home / "lab.log")
            yield started
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:  # it waits for kernels and pages on a busy machine; nothing asks it again
                server.kill()
                server.wait()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What the pages of a module share: the browser's cache of JupyterLab's many files."""
    opened = new_context(browser, 1680, 1050)
    yield opened
    opened.close()


@pytest.fixture
def page(lab: Lab, context: BrowserContext) -> Iterator[Page]:
    opened = context.new_page()
    # On a busy machine JupyterLab may show a notebook before it knows the kernels, and then asks which one to take.
    asked = opened.locator(".jp-Dialog", has_text="Select Kernel").first
    # By its class: its accessible name is another than what is written on it. A second dialog may follow the first.
    opened.add_locator_handler(asked, lambda: asked.locator("button.jp-mod-accept").click(), no_wait_after=True)
    yield opened
    opened.close()
    lab.leave_one_kernel()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"JupyterLab ended: {log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=2) as answer:
                json.load(answer)
            # The first list of kernels takes a while, and JupyterLab asks for a kernel where it does not have it.
            with urllib.request.urlopen(f"{lab.url}/api/kernelspecs?token={lab.token}", timeout=30) as answer:
                assert "python3" in json.load(answer)["kernelspecs"]
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            server_is_coming_up = deadline - time.monotonic()
            time.sleep(min(0.2, max(0.0, server_is_coming_up)))
    raise AssertionError(f"JupyterLab did not start in {_START_SECONDS:.0f} s: {log.read_text()[-2000:]}")
