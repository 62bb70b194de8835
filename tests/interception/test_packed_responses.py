"""While a test records, a compressed response is redacted, whichever library received it."""

import base64
from pathlib import Path

import pytest

from gws_replay.interception.interceptor import intercepted
from gws_replay.pytest_plugin.recordings import InProcessRecording
from gws_replay.sandbox.server import serving
from tests.support.clients import CLIENTS, Ask

HEADERS = {
    "Authorization": "Basic " + base64.b64encode(b"agent1:sandbox").decode(),
    "Accept-Encoding": "gzip",
}


@pytest.mark.parametrize("send", CLIENTS.values(), ids=CLIENTS)
def test_packed_response_is_recorded_redacted(tmp_path: Path, send: Ask) -> None:
    """The name of the sandbox's agent is in no file."""
    path = tmp_path / "packed.yaml"
    with serving() as sandbox:
        run = InProcessRecording(path)
        with intercepted(run):
            response = send("GET", f"{sandbox.url}/api/v2/me", None, HEADERS)
        run.finish(passed=True)
    assert response.status == 200
    text = path.read_text("utf-8")
    assert '"firstName"' in text
    assert '"firstName": "Test"' not in text
