"""WebSocket messages that are not CometD, in a cassette file: read as written, ignored by plain vcrpy, redacted."""

from dataclasses import replace
from pathlib import Path

import pytest
import vcr

from gws_replay.core.model import WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import fast_reader
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.builders import cassette, push, update
from tests.support.commands import command_line

ADDRESS = "wss://gws.example.com/api/v2/streaming?channel=1"
TEXT = '{"topicName": "v2.users.u1.chats", "userName": "olga.quistgaard@example.org"}'
MESSAGES = (
    WebSocketMessage(uri=ADDRESS, seen=0.5, from_client=True, content="subscribe\nnotifications:\n- x"),
    WebSocketMessage(uri=ADDRESS, seen=0.75, from_client=False, content=TEXT),
    WebSocketMessage(uri=ADDRESS, seen=0.8, from_client=False, content=bytes(range(256)), connection=1),
    WebSocketMessage(uri=ADDRESS, seen=0.9, from_client=False, content=""),
)
MOMENTS = update({"a": 1}, began=0.0), push({"a": 1}, seen=0.6)


@pytest.mark.parametrize("name", ["c.yaml", "c.json"])
@pytest.mark.parametrize("moments", [MOMENTS, MOMENTS[:1], ()], ids=["all", "no notification", "nothing else"])
def test_they_are_read_as_they_were_written(tmp_path: Path, name: str, moments: tuple[object, ...]) -> None:
    """Text and binary, in the quick way and in the slow one; and written once more they are the same bytes."""
    written = replace(cassette(*moments), messages=MESSAGES)  # type: ignore[arg-type]
    save_cassette(written, tmp_path / name)
    read = load_cassette(tmp_path / name)
    assert (MESSAGES, written.interactions, written.notifications) == (
        read.messages,
        read.interactions,
        read.notifications,
    )
    save_cassette(read, tmp_path / f"again-{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()


def test_the_quick_way_reads_them(tmp_path: Path) -> None:
    """A large cassette with one such message is not read slowly."""
    save_cassette(replace(cassette(*MOMENTS), messages=MESSAGES), tmp_path / "c.yaml")
    with (tmp_path / "c.yaml").open("rb") as file:
        found = fast_reader.load(file, "c.yaml")
    assert found is not None
    assert MESSAGES == found.messages


def test_plain_vcrpy_ignores_them(tmp_path: Path) -> None:
    """It replays the REST exchanges as ever."""
    save_cassette(replace(cassette(*MOMENTS), messages=MESSAGES), tmp_path / "c.yaml")
    with vcr.use_cassette(str(tmp_path / "c.yaml"), record_mode=vcr.mode.NONE) as plain:
        assert [MOMENTS[0].request.uri] == [each.uri for each in plain.requests]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("from: client", "from: nobody", "websocket message 0: from 'nobody' is unknown: there are client, server"),
        ("seen: 0.5", "seen: soon", "websocket message 0: the field 'seen' is str"),
        ("  uri:", "  url:", "websocket message 0: the field 'uri' is missing"),
        ("base64: ", "base64: '!'  # ", "websocket message 2: the field 'base64' is not base64"),
        ("connection: 1", "user: 7", "websocket message 2: user 7 does not exist"),
        ("gws_replay: {", "gws_replay_gone: {", "the header 'gws_replay' is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    """As for interactions and notifications."""
    path = tmp_path / "c.yaml"
    save_cassette(replace(cassette(), messages=MESSAGES, header={"format": 1}), path)
    text = (
        path.read_text().replace("- uri:", "-\n  uri:").replace("gws_replay:\n  format: 1", "gws_replay: {format: 1}")
    )
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CassetteError, match=sentence.replace("(", r"\(")):
        load_cassette(path)


@pytest.mark.parametrize("name", ["c.yaml", "c.json"])
def test_scrub_redacts_them(tmp_path: Path, name: str) -> None:
    """In place: text and address; `--check` names the message."""
    token = "wss://gws.example.com/api/v2/streaming?access_token=eyJhbGciOiJub25lIn0abc"
    messages = (*MESSAGES, replace(MESSAGES[0], uri=token, content=b"\xff\x00olga.quistgaard@example.org"))
    save_cassette(replace(cassette(*MOMENTS), messages=messages), tmp_path / name)
    checked = command_line("scrub", "--check", tmp_path / name)
    assert (3, True) == (checked.code, "websocket message 1" in checked.out)
    assert 0 == command_line("scrub", tmp_path / name).code
    read = load_cassette(tmp_path / name)
    assert [] == [each for each in read.messages if b"quistgaard" in each.as_bytes or "eyJhb" in each.uri]
    assert MESSAGES[0] == read.messages[0]
    assert 0 == command_line("scrub", "--check", tmp_path / name).code
