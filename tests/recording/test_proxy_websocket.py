"""CometD over WebSocket through the real recorder, and its cassettes replayed over either transport."""

import asyncio
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import aiohttp
import pytest
from aiohttp import web

from gws_replay.core.cassette import Cassette
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.sandbox.server import serving
from gws_replay.server.server import serving as replaying
from gws_replay.storage.files import load_cassette
from gws_replay.web.listening import in_a_thread, listen
from tests.support.comet_clients import TRANSPORTS, Open, by_aiocometd, by_node, needs_node, seen_by
from tests.support.comet_sessions import Event, comet, rest, wait
from tests.support.proxies import SESSION, UPDATE, client, operations
from tests.support.sandboxes import AUTHORIZATION
from tests.support.sockets import CALM, of_aiocometd, talking

CHANNEL = "/v2/me/facebooksession"
PATH = f"/api/v2/me/facebooksessions/{SESSION}"
COMETD = "/api/v2/notifications"
COMMANDS = (
    rest("GET", "/api/v2/me"),
    comet(CHANNEL),
    rest("GET", PATH),
    rest("POST", PATH, json.dumps(UPDATE)),
    wait("notifications", 1),
    rest("GET", PATH),
)
RECORDED = ["GET /api/v2/me", f"GET {PATH}", "UpdateUserData", f"GET {PATH}"]
# Under Node the WebSocket is compressed, and carries the handshake too.
RECORDINGS = (
    pytest.param(by_aiocometd, "long-polling", id="aiocometd-long-polling"),
    pytest.param(by_aiocometd, "websocket", id="aiocometd-websocket"),
    pytest.param(by_node, "websocket", id="node-websocket", marks=needs_node),
)

pytestmark = of_aiocometd


@cache
def recorded(open_client: Open, transport: str) -> tuple[str, list[Event], Cassette, tuple[str, ...]]:
    """Record a session with the sandbox: the cassette's text, what the client saw, the cassette, and the live lines."""
    lines: list[str] = []
    with TemporaryDirectory() as folder, serving(password="x") as sandbox:  # the password of the clients
        path = Path(folder) / "c.yaml"
        with Recorder(Settings(cassette=path, upstream=sandbox.url, redact="secrets"), say=lines.append) as recorder:
            events = seen_by(open_client, recorder.url, transport, COMMANDS)
        return path.read_text(), events, load_cassette(path), tuple(lines)


def anywhere(events: Sequence[Event]) -> list[Event]:
    """Events without the address, which differs from server to server."""

    def same(content: Any) -> Any:
        return json.loads(re.sub(r"http://localhost:\d+/", "http://gws/", json.dumps(content)))

    return [Event(event.kind, event.where, same(event.content)) for event in events]


@pytest.mark.parametrize(("open_client", "transport"), RECORDINGS)
def test_a_recording_has_operations_notifications_and_causes(open_client: Open, transport: str) -> None:
    """Without control traffic of CometD over either transport, and without secrets."""
    text, events, cassette, lines = recorded(open_client, transport)
    assert RECORDED == operations(cassette)
    (notification,) = cassette.notifications
    assert notification.cause
    assert (CHANNEL, 2, "content") == (
        notification.channel,
        notification.cause.interaction,
        notification.cause.rule,
    )
    assert ["answer"] * 3 + ["notification", "answer"] == [event.kind for event in events]
    assert [] == re.findall(r"/meta/\w+|clientId|websocket|YWdlbnQxOng=|JSESSIONID=(?!<redacted)\w+", text)
    assert 1 == sum("PropertiesUpdated" in line for line in lines)


@pytest.mark.parametrize("replayed_over", TRANSPORTS)
@pytest.mark.parametrize(("open_client", "recorded_over"), RECORDINGS)
def test_a_recording_replays_over_either_transport(open_client: Open, recorded_over: str, replayed_over: str) -> None:
    """The client receives the same: the responses, and the notification after its update."""
    _, events, cassette, _ = recorded(open_client, recorded_over)
    playback = ReplayRun(cassette)
    with replaying(playback) as server:
        again = seen_by(open_client, server.url, replayed_over, COMMANDS)
    assert anywhere(events) == anywhere(again)
    assert "" == playback.problems()


@pytest.mark.parametrize(("compress", "mode"), [(0, "reverse"), (15, "regular")])
def test_compressed_websocket_is_recorded(tmp_path: Path, compress: int, mode: Literal["reverse", "regular"]) -> None:
    """With permessage-deflate all the way to the server or without it, in either mode."""

    async def conversation(url: str, proxy: str | None) -> None:
        async with talking(url + COMETD, AUTHORIZATION, compress=compress, proxy=proxy) as talk:
            assert compress == talk.socket.compress
            await talk.shake_hands(CHANNEL)
            await talk.hold()
            with client() as http:
                http.proxies = {"http": proxy} if proxy else {}
                me = await asyncio.to_thread(http.get, f"{url}/api/v2/me", timeout=CALM)
                http.headers["X-CSRF-TOKEN"] = me.headers["X-CSRF-TOKEN"]
                await asyncio.to_thread(http.post, url + PATH, json=UPDATE, timeout=CALM)
                assert CHANNEL == (await talk.hear())[0]["channel"]

    with serving() as sandbox:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=sandbox.url, mode=mode)
        with Recorder(settings) as recorder:
            address = (recorder.url, None) if mode == "reverse" else (sandbox.url, recorder.url)
            asyncio.run(conversation(*address))
    cassette = load_cassette(tmp_path / "c.yaml")
    assert ["GET /api/v2/me", "UpdateUserData"] == operations(cassette)
    assert [1] == [notification.cause and notification.cause.interaction for notification in cassette.notifications]


class Odd:
    """A server with unusual and invalid WebSocket messages; it refuses an upgrade by GET."""

    frames: tuple[Any, ...] = (
        {"channel": CHANNEL, "data": {"n": 1}},
        [{"channel": CHANNEL, "data": {"n": 2}}, {"channel": "/meta/connect"}, {"channel": "/v2/x", "data": "\u00e9"}],
        [{"channel": CHANNEL, "data": {"n": 3, "long": "x" * 100_000}}],
        [],
        "no message",
        [{"channel": CHANNEL, "id": "7", "successful": True, "data": {"n": 4}}],  # the answer to a publish
    )

    async def start(self) -> "Odd":
        self.server = web.Server(self.handle)
        self.listening = await listen(self.server, "127.0.0.1", 0)
        self.url = self.listening.url
        return self

    async def close(self) -> None:
        self.listening.close()
        self.server.pre_shutdown()
        await self.server.shutdown(60)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.endswith("/refused"):
            return web.Response(status=400, text="no WebSocket here")
        if request.method == "POST":
            return web.json_response({"statusCode": 0})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in self.frames:
            await socket.send_json(frame)
        await socket.send_bytes(b'[{"channel": "/v2/x", "data": 5}]')
        await socket.send_str("no JSON")
        await socket.close()
        return socket


def test_odd_frames_and_a_refused_upgrade(tmp_path: Path) -> None:
    """One message or several in a frame, long ones; other JSON and refusals leave no trace."""
    lines: list[str] = []

    async def conversation(url: str) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with talking(f"{url}{COMETD}/refused"):
                pass
        async with talking(url + COMETD, compress=15) as talk:
            await talk.socket.send_json({"channel": "/meta/connect", "clientId": "abcdefgh"})
            await talk.send({"channel": CHANNEL, "data": {"n": "mine"}}, {"channel": "/meta/connect"})
            assert 1000 == await talk.code()

    with in_a_thread(Odd().start, "odd") as odd:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=odd.url)
        with Recorder(settings, say=lines.append) as recorder, client() as http:
            http.post(f"{recorder.url}/api/v2/me", json={"operationName": "x"}, timeout=CALM)
            asyncio.run(conversation(recorder.url))
    cassette = load_cassette(tmp_path / "c.yaml")
    notifications = cassette.notifications
    assert [CHANNEL, CHANNEL, "/v2/x", CHANNEL] == [each.channel for each in notifications]
    assert [1, 2, None, 3] == [each.value["n"] if each.channel == CHANNEL else None for each in notifications]
    assert "\u00e9" == notifications[2].value
    # A client whose upgrade is refused continues with long-polling; the user sees one line.
    assert ["x"] == operations(cassette)
    assert 1 == sum(line.startswith(f"!!! GET {COMETD}/refused  HTTP 400") for line in lines)
