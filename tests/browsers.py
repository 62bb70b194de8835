"""A headless Chromium, driven by its own protocol over one WebSocket, for tests of the page."""

import asyncio
import itertools
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FOUND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(FOUND is None, reason="no Chromium was found: the page is not tried in a browser")
_PORT_FILE = "DevToolsActivePort"
_CODES = {"/": ("Slash", "/"), "Enter": ("Enter", "\r"), "Escape": ("Escape", "")}


class Tab:
    """One page; `asked` are the addresses that it asked for, `logged` what the browser had to say."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.asked: list[str] = []
        self.logged: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)

    async def send(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json(timeout=30)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    async def open(self, path: Path) -> None:
        """Open a file, and wait for its script."""
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=path.as_uri())
        while await self.value("document.readyState") != "complete":  # noqa: ASYNC110 (the page is elsewhere)
            await asyncio.sleep(0.05)

    async def value(self, expression: str) -> Any:
        """Evaluate JavaScript."""
        result = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            code, text = _CODES.get(key, (f"Key{key.upper()}", key))
            typed = {"text": text} if text else {}
            await self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **typed)
            await self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def _note(self, message: Any) -> None:
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.logged.append(params["entry"]["text"])
        elif message.get("method") in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            self.logged.append(str(params))


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Tab]:
    """Run a browser with one tab."""
    with _started(profile) as process:
        try:
            for _ in range(600):
                if (profile / _PORT_FILE).exists() and (profile / _PORT_FILE).read_text():
                    break
                await asyncio.sleep(0.05)
            port = (profile / _PORT_FILE).read_text().split()[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    (target,) = [each for each in await answer.json() if each["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            process.terminate()
            process.wait(30)


def _started(profile: Path) -> subprocess.Popen[bytes]:
    assert FOUND
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run"]
    command = [FOUND, *options, f"--user-data-dir={profile}", "about:blank"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
