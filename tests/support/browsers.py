"""A headless Chromium, driven by its own protocol, for tests of the pages: one process, and a fresh profile a tab."""

import asyncio
import itertools
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FOUND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(FOUND is None, reason="no Chromium was found: the page is not tried in a browser")
_SOON = 300  # seconds for it to start, and for each response: a busy machine has taken 120
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's /dev/shm may be too small for it
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",  # no keyring, which is requested over a bus that a container may not have
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-port=0",
)
_CODES = {
    "/": ("Slash", 191, "/"),
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
}


class _Wire:
    """Sends commands to the browser, or to one page of it, and collects its events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def send(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=_SOON)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.note(message)

    def note(self, message: Any) -> None:
        """Take notice of an event."""


class Tab(_Wire):
    """One page; `requested` are the addresses that it loaded, `logged` what the browser logged."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(socket)
        self.requested: list[str] = []
        self.logged: list[str] = []

    async def open(self, path: Path) -> None:
        """Open a file, and wait for its script."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=path.as_uri())
        while await self.value("document.readyState") != "complete":  # noqa: ASYNC110 (the page is elsewhere)
            await asyncio.sleep(0.05)

    async def value(self, expression: str) -> Any:
        """Evaluate JavaScript; if it returns a promise, wait for its result."""
        result = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            code, number, text = _CODES.get(key, (f"Key{key.upper()}", ord(key[0].upper()), key))
            typed = {"text": text} if text else {}
            about = {"key": key, "code": code, "windowsVirtualKeyCode": number}
            await self.send("Input.dispatchKeyEvent", type="keyDown", **about, **typed)
            await self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def note(self, message: Any) -> None:
        """Keep requests, errors and dialogs."""
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.logged.append(params["entry"]["text"])
        elif message.get("method") in (
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Page.javascriptDialogOpening",
        ):
            self.logged.append(str(params))


@dataclass(frozen=True)
class Browser:
    """A browser that listens; `address` is that of its own socket."""

    address: str

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """Open a tab that shares nothing with others."""
        async with aiohttp.ClientSession() as session, session.ws_connect(self.address, max_msg_size=0) as socket:
            wire = _Wire(socket)
            context = (await wire.send("Target.createBrowserContext", disposeOnDetach=True))["browserContextId"]
            target = await wire.send("Target.createTarget", url="about:blank", browserContextId=context)
            page = f"{self.address.partition('/devtools/')[0]}/devtools/page/{target['targetId']}"
            async with session.ws_connect(page, max_msg_size=0) as of_page:
                yield Tab(of_page)
            await wire.send("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def browser_in(folder: Path) -> Iterator[Browser]:
    """Run a browser; its profile and its log are in the folder."""
    assert FOUND
    profile, complaints = folder / "profile", folder / "stderr"
    with complaints.open("wb") as stderr:
        command = [FOUND, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        yield Browser(_listening(process, profile / "DevToolsActivePort", complaints))
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _listening(process: subprocess.Popen[bytes], port_file: Path, complaints: Path) -> str:
    """Wait until the browser has written its address; fail with its last output when it ends or writes nothing."""
    until = time.monotonic() + _SOON
    while time.monotonic() < until and process.poll() is None:
        lines = port_file.read_text("utf-8").splitlines() if port_file.exists() else []
        if len(lines) > 1:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    ended = "has not begun to listen" if process.returncode is None else f"ended with {process.returncode}"
    expected = complaints.read_text("utf-8", errors="replace")[-2000:]
    pytest.fail(f"{FOUND} {ended} within {_SOON} s; it said:\n{expected}", pytrace=False)
