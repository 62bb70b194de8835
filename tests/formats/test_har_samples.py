"""HAR files as tools write them; tests/data/README.md says which tool wrote each, and which follows its form."""

from pathlib import Path
from typing import Any

import pytest
import requests

from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.server import serving as replaying
from gws_replay.storage.files import load_cassette
from tests.support.builders import DATA
from tests.support.commands import command_line
from tests.support.proxies import PATIENCE, operations


@pytest.mark.parametrize("name", ["playwright-chromium.har", "playwright-chromium.zip"])
def test_a_har_of_playwright_becomes_a_cassette(tmp_path: Path, name: str) -> None:
    """A page with a picture, a blob, forms, an update and its notification, and a request that was aborted."""
    ended = command_line("convert", DATA / "har" / name, tmp_path / "out.yaml", "--redact", "secrets")
    assert 0 == ended.code
    assert "1 entry was skipped: 1 because its address is not HTTP (blob:)" in ended.out
    cassette = load_cassette(tmp_path / "out.yaml")
    assert [
        "GET /",
        "GET /logo.png",
        "GET /api/v2/me/facebooksessions",
        "POST /api/v2/login",
        "POST /api/v2/upload",
        "UpdateUserData",
        "GET /api/v2/slow",
    ] == operations(cassette)
    assert [5] == [each.cause and each.cause.interaction for each in cassette.notifications]
    assert b"tenant=north+7&lang=de" == cassette.interactions[3].request.body
    assert 0 == command_line("verify", tmp_path / "out.yaml").code


def test_only_the_api_can_be_kept(tmp_path: Path) -> None:
    """Pages and pictures are not needed for a replay."""
    source = DATA / "har" / "playwright-chromium.har"
    assert 0 == command_line("convert", source, tmp_path / "out.yaml", "--filter", "~u /api/v2/").code
    assert "GET /logo.png" not in operations(load_cassette(tmp_path / "out.yaml"))


@pytest.mark.parametrize("tool", ["chrome", "firefox", "safari", "charles", "fiddler", "insomnia"])
def test_a_har_of_each_tool_is_converted_verified_and_replayed(tmp_path: Path, tool: str) -> None:
    """Only what went to the API; Insomnia sends no CometD, so there the GETs show what changed."""
    path = tmp_path / "out.yaml"
    ended = command_line("convert", "-v", DATA / "har" / f"{tool}.har", path, "--filter", "~u /api/v2/")
    assert (0, False) == (ended.code, "skipped" in ended.out)
    cassette = load_cassette(path)
    session = cassette.interactions[-1].request.path
    assert ["GET /api/v2/me", f"GET {session}", "UpdateUserData", f"GET {session}"] == operations(cassette)
    assert ([] if tool == "insomnia" else [2]) == [
        each.cause and each.cause.interaction for each in cassette.notifications
    ]
    assert ["passed"] == [each.verdict for each in cassette.updates()]
    run = ReplayRun(cassette)
    with replaying(run) as server, requests.Session() as agent:
        agent.trust_env = False

        def post(where: str, body: object) -> requests.Response:
            return agent.post(f"{server.url}{where}", json=body, timeout=PATIENCE)

        def listen(channel: str, **fields: object) -> list[Any]:
            replies: list[Any] = post("/api/v2/notifications", [{"channel": channel, **client, **fields}]).json()
            return [each for each in replies if not each["channel"].startswith("/meta/")]

        kinds = {"version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        (shaken,) = post("/api/v2/notifications", [{"channel": "/meta/handshake", **kinds}]).json()
        client = {"clientId": shaken["clientId"], "connectionType": "long-polling"}
        listen("/meta/subscribe", subscription="/v2/me/facebooksession")
        listen("/meta/connect", advice={"timeout": 0})
        for each in cassette.interactions[:2]:
            assert agent.get(server.url + each.request.path, timeout=PATIENCE).ok
        update = {"operationName": "UpdateUserData", "userData": {"UserData1": "changed"}}
        assert post(session, update).ok
        received = [] if tool == "insomnia" else listen("/meta/connect")
        assert agent.get(server.url + session, timeout=PATIENCE).ok
    assert len(cassette.notifications) == len(received)
    assert "" == run.problems()
