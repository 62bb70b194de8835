"""Cassettes of plain vcrpy, with CometD responses in them, are served like those of gws_replay."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import vcr

from gws_replay.sandbox.server import serving as sandbox_serving
from gws_replay.server.server import ServedRun, serving
from gws_replay.storage.files import load_cassette

SESSION = "0002DaAVKJ0V0095"
UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": 987654321}}
CALM = 20


class Agent:
    """A client on requests that polls in the thread that sends."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/api/v2"
        self.http = requests.Session()
        self.http.auth = ("agent1", "sandbox")
        self.http.headers["X-CSRF-TOKEN"] = self.http.get(f"{self.url}/me", timeout=CALM).headers["X-CSRF-TOKEN"]
        self.client_id = self.bayeux(channel="/meta/handshake")[0]["clientId"]

    def bayeux(self, **message: Any) -> Any:
        return self.http.post(f"{self.url}/notifications", json=[message], timeout=CALM).json()

    def connect(self) -> list[Any]:
        answered = self.bayeux(channel="/meta/connect", clientId=self.client_id, connectionType="long-polling")
        return [each["data"] for each in answered if not each["channel"].startswith("/meta/")]

    def run(self) -> tuple[list[Any], list[Any]]:
        """Subscribe, connect, look, update; return what was pushed before and after the update."""
        self.bayeux(channel="/meta/subscribe", clientId=self.client_id, subscription="/v2/me/*")
        before = self.connect()
        self.http.get(f"{self.url}/me/facebooksessions?fields=*", timeout=CALM)
        self.http.post(f"{self.url}/me/facebooksessions/{SESSION}", json=UPDATE, timeout=CALM)
        after = self.connect()
        self.http.close()
        return before, after


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_recording_of_plain_vcrpy_is_served(tmp_path: Path, ending: str) -> None:
    """The notification in a recorded connect comes after the update, and equals the recorded one."""
    path = tmp_path / f"plain.{ending}"
    with sandbox_serving() as sandbox, vcr.use_cassette(str(path), serializer=ending):
        recorded = Agent(sandbox.url).run()
    playback = ServedRun(load_cassette(path))
    with serving(playback, keep_uris=True):
        replayed = Agent(playback.url).run()
    assert ([], 1) == (recorded[0], len(recorded[1]))
    assert json.dumps(recorded) == json.dumps(replayed)
    assert "" == playback.problems()
