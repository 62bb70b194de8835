"""A recorded WebSocket that is not CometD: its messages are kept, redacted and shown; replay reports them."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
import requests
from aiohttp import web

from gws_replay.core.cassette import Cassette
from gws_replay.formats import journal_reader
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from gws_replay.web.listening import in_a_thread, listen
from tests.support.commands import command_line
from tests.support.proxies import GWS, PATIENCE, Running, mitmdump, operations

STREAM = "/api/v2/streaming"
EVENT = {"topicName": "v2.users.u1.chats", "eventBody": {"email": "olga.quistgaard@example.org", "state": "connected"}}


class Streaming:
    """A server that sends two events, one as text and one binary, to each message, and has a REST API."""

    async def start(self) -> "Streaming":
        self.server = web.Server(self.handle)
        self.listening = await listen(self.server, "127.0.0.1", 0)
        self.url = self.listening.url
        return self

    async def close(self) -> None:
        self.listening.close()
        self.server.pre_shutdown()
        await self.server.shutdown(60)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != STREAM:
            return web.json_response({"statusCode": 0})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.data
            await socket.send_json(EVENT)
            await socket.send_bytes(b"\x00\x01\xfe\xff")
        return socket


async def converse(url: str, proxy: str | None = None, times: int = 1) -> None:
    """Send a text (or two), and wait for both events each time."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url + STREAM, proxy=proxy, timeout=aiohttp.ClientWSTimeout(ws_close=PATIENCE)) as socket,
    ):
        for _ in range(times):
            await socket.send_str('{"message": "subscribe"}')
            assert EVENT == await socket.receive_json(timeout=PATIENCE)
            assert b"\x00\x01\xfe\xff" == await socket.receive_bytes(timeout=PATIENCE)


def kept(cassette: Cassette) -> list[tuple[bool, int, bool]]:
    """Who sent each message, on which connection, and whether it is text."""
    return [(each.from_client, each.connection, isinstance(each.content, str)) for each in cassette.messages]


ONE = [(True, 0, True), (False, 0, True), (False, 0, False)]
TWO = [*ONE, *((sender, 1, is_text) for sender, _, is_text in ONE)]


def test_other_websocket_messages_are_kept_redacted_and_shown(tmp_path: Path) -> None:
    """Text and binary of two connections; in `show` as text, JSON and a page; `verify` and `serve` name them."""
    path = tmp_path / "c.yaml"
    with (
        in_a_thread(Streaming().start, "streaming") as server,
        Recorder(Settings(cassette=path, upstream=server.url)) as recorder,
    ):
        asyncio.run(converse(recorder.url))
        assert requests.get(f"{recorder.url}/api/v2/me", timeout=PATIENCE).ok
        asyncio.run(converse(recorder.url))
    (saved,) = recorder.saved
    cassette = load_cassette(path)
    (sentence,) = cassette.not_replayed
    address = f"{server.url.replace('http', 'ws')}{STREAM}"
    assert f"6 WebSocket messages of {address} cannot be replayed: only CometD can" == sentence
    assert f"1 exchange, 0 notifications, 6 other WebSocket messages\nnote: {sentence}" in saved["text"]
    assert (["GET /api/v2/me"], TWO) == (operations(cassette), kept(cassette))
    assert "quistgaard" not in path.read_text()
    assert "connected" in path.read_text()

    shown = command_line("show", path).out
    assert 6 == shown.count("websocket message ")
    assert f"note: {sentence}" in " ".join(shown.split())
    assert "topicName" in command_line("show", "-v", path).out
    as_json = json.loads(command_line("show", "--json", path).out)["websocket_messages"]
    assert ["client", "server", "server"] * 2 == [each["from"] for each in as_json]
    assert "AAH+/w==" == as_json[2]["base64"]
    assert "topicName" in command_line("show", "--format", "html", path).out
    assert f"note: {sentence}" in command_line("verify", path).out

    with Running([*GWS, "serve", str(path)]) as replay:
        url = replay.line("http")
        assert f"Note: {path}: {sentence}." in replay.line("Note:")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="501"):
            asyncio.run(converse(url))
        assert requests.get(f"{url}/api/v2/me", timeout=PATIENCE).ok
        replay.process.terminate()
        assert 1 == replay.finish()
    assert (
        f"The WebSocket {STREAM} cannot be replayed: it was recorded, and its messages are not CometD." in replay.text
    )


def test_a_split_recording_keeps_each_in_its_part(tmp_path: Path) -> None:
    """None is lost, none is there twice."""
    path = tmp_path / "c.yaml"
    with (
        in_a_thread(Streaming().start, "streaming") as server,
        Recorder(Settings(cassette=path, upstream=server.url, split="1KB")) as recorder,
    ):
        for _ in range(3):
            asyncio.run(converse(recorder.url, times=2))
    parts = [load_cassette(each["path"]) for each in recorder.saved]
    assert len(parts) > 1
    assert 18 == sum(len(each.messages) for each in parts)


def test_a_journal_and_mitmproxys_own_files_keep_them(tmp_path: Path) -> None:
    """A recording that was killed, a flow file and a HAR."""
    with in_a_thread(Streaming().start, "streaming") as server:
        arguments = ("-w", "c.flow", "--set", "hardump=c.har", "--mode", f"reverse:{server.url}")
        with mitmdump(*arguments, cwd=tmp_path) as (process, url):
            asyncio.run(converse(url))
            process.process.terminate()
            process.finish()
        settings = Settings(cassette=tmp_path / "killed.yaml", upstream=server.url)
        with Recorder(settings) as recorder:
            asyncio.run(converse(recorder.url))
            journal = (tmp_path / "killed.yaml.journal").read_bytes()
    assert 3 == len(journal_reader.read(journal.splitlines(keepends=True), "journal").recording.messages)
    (tmp_path / "again.yaml.journal").write_bytes(journal)
    assert 0 == command_line("recover", tmp_path / "again.yaml.journal").code
    assert ONE == kept(load_cassette(tmp_path / "again.yaml"))
    for name in ("c.flow", "c.har"):
        assert 0 == command_line("convert", tmp_path / name, tmp_path / f"{name}.yaml").code
        assert ONE == kept(load_cassette(tmp_path / f"{name}.yaml"))
    assert 0 == command_line("convert", tmp_path / "c.flow.yaml", tmp_path / "last.json").code
    assert ONE == kept(load_cassette(tmp_path / "last.json"))
