"""Compiling from the file gives the same cassette as compiling in memory, in any order of events."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Headers, Request, Response, WebSocketMessage
from gws_replay.core.redaction.policy import Policy
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader
from gws_replay.recording.journal_file import recover
from gws_replay.settings.redaction import redactor
from gws_replay.storage.files import load_cassette

URL = "http://gws.example/api/v2"
JSON = Headers((("Content-Type", "application/json"),))


def notified(session: str, user_data: object, reference: int) -> str:
    """A notification, in an array."""
    data = {
        "referenceId": reference,
        "notificationType": "PropertiesUpdated",
        "facebooksession": {"id": session, "userData": user_data},
    }
    return json.dumps([{"channel": "/v2/me/facebooksession", "data": data}])


def lines_of(seed: int) -> Iterator[bytes]:
    """The journal of overlapping updates and GETs of several sessions, with notifications over both transports."""
    chance = random.Random(seed)
    yield journal.header_line({"recorder": "me"})
    later: list[tuple[float, bytes]] = []
    for number in range(chance.randrange(1, 30)):
        at, session = float(chance.randrange(20)), f"S{chance.randrange(3)}"
        written = {f"K{chance.randrange(3)}": number}
        sent = json.dumps({"operationName": "UpdateUserData", "userData": written}).encode()
        path, body = (f"/me/facebooksessions/{session}", sent) if chance.random() < 0.8 else ("/me", b"")
        requested = Request(method="POST" if body else "GET", uri=f"{URL}{path}", headers=JSON, body=body)
        later.append((at, journal.request_line(f"r{number}", at, requested)))
        ended = at + chance.choice([0.5, 1.0, 2.0])
        response = Response(status=200, headers=JSON, body=b'{"statusCode":0}')
        later.append((ended, journal.response_line(f"r{number}", ended, response)))
        seen = ended + chance.choice([-0.25, 0.0, 0.5])
        text = notified(session, written, number)
        if chance.random() < 0.5:
            frame = WebSocketMessage(uri="ws://gws.example", seen=seen, from_client=False, content=text)
            later.append((seen, journal.message_line(frame)))
        else:
            poll = Request(method="POST", uri=f"{URL}/notifications", body=b'[{"channel":"/meta/connect"}]')
            later.append((at, journal.request_line(f"p{number}", at, poll)))
            later.append((seen, journal.response_line(f"p{number}", seen, Response(status=200, body=text.encode()))))
    later.append((1.0, journal.request_line("lost", 1.0, Request(method="GET", uri=f"{URL}/lost"))))
    for _, line in sorted(later, key=lambda each: each[0]):
        yield line


@pytest.mark.parametrize("redacting", [False, True])
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_a_journal_is_compiled_from_the_file_as_in_memory(tmp_path: Path, suffix: str, redacting: bool) -> None:
    """Interactions, notifications, causes, header and notes: of 15 recordings."""
    for seed in range(15):
        path, cassette = tmp_path / f"{seed}.journal", tmp_path / f"{seed}{suffix}"
        lines = list(lines_of(seed))
        path.write_bytes(b"".join(lines))
        using = redactor(Policy(), key="k") if redacting else None
        found = recover(path, cassette, using).compiled
        read = journal_reader.read(lines, "j")
        again = redactor(Policy(), key="k")
        seen = again.recording(read.recording) if redacting else read.recording
        expected = compile_recording(seen, read.header)
        assert expected.notes == found.notes, seed
        assert expected.cassette.named("").interactions == load_cassette(cassette).interactions, seed
        assert expected.cassette.notifications == load_cassette(cassette).notifications, seed
        assert expected.cassette.notifications == found.cassette.notifications, seed
