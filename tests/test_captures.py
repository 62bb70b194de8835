"""The captures of third-party servers and clients:

their traffic is recognised, attributed, judged, redacted, replayed.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import requests
import vcr

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Recording
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.readers import read_flow, read_har
from tests.support.redactors import redactor

CAPTURES = Path(__file__).parent / "data" / "captures"
FILES = sorted(path for path in CAPTURES.iterdir() if path.suffix in (".flow", ".har"))

# Exchanges, cause of each notification (None: unsolicited), whether notifications came after the response, verdicts.
EXPECTED: dict[str, tuple[int, list[int | None], str, int]] = {
    "longpoll-aiocometd-update": (9, [4, 5, 6], "response", 3),
    "longpoll-faye-js-update": (9, [4, 5, 6], "response", 3),
    "longpoll-js-family": (13, [4, 5, 6, 7, 8, 9, 10], "response", 6),
    "longpoll-js-idle": (9, [4, 5, 6, None, None, None, None], "response", 3),
    "longpoll-js-push-first": (9, [4, 5, 6], "request", 3),
    "longpoll-js-update": (9, [4, 5, 6], "response", 3),
    "websocket-faye-js-update": (9, [4, 5, 6], "response", 3),
}


@cache
def recording(path: Path) -> Recording:
    """The raw content of a capture."""
    if path.suffix == ".har":
        return read_har(path.read_text("utf-8"), path.name)
    return read_flow(path.read_bytes(), path.name)


@cache
def compiled(path: Path) -> Cassette:
    """The cassette of a capture, without its secrets."""
    return compile_recording(redactor("secrets").recording(recording(path)), {"redaction": "secrets"}).cassette


def secrets(raw: Recording) -> Iterator[str]:
    """Every credential, cookie, token and client id in the headers and Bayeux messages of a recording."""
    for exchange in raw.exchanges:
        for name, value in (*exchange.request.headers.pairs, *exchange.response.headers.pairs):
            if name.lower() == "authorization":
                yield value.rpartition(" ")[2]
            elif name.lower() in ("cookie", "set-cookie"):
                yield from re.findall(r"=([^;\s]{8,})", value.partition(";")[0])
            elif name.lower() == "x-csrf-token":
                yield value
        for body in (exchange.request.body, exchange.response.body):
            yield from re.findall(r'"clientId":\s*"([^"]+)"', body.decode())
    for frame in raw.messages:
        yield from re.findall(r'"clientId":\s*"([^"]+)"', str(frame.content))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_capture_compiles_to_exchanges_causes_and_verdicts(path: Path) -> None:
    """No control traffic, the cause of each notification by content, a verdict on each operation."""
    exchanges, causes, moment, judged = EXPECTED[path.stem]
    cassette = compiled(path)
    assert exchanges == len(cassette.interactions)
    assert causes == [notification.cause and notification.cause.interaction for notification in cassette.notifications]
    assert {("content", moment)} == {(t.cause.rule, t.cause.after) for t in cassette.notifications if t.cause}
    updates = cassette.updates()
    assert judged == len(updates)
    assert all(update.verdict == "passed" and update.before and update.after for update in updates)


def test_the_captures_hold_24_operations() -> None:
    """Seven sessions, in both formats."""
    assert {24} == {
        sum(len(compiled(path).updates()) for path in FILES if path.suffix == suffix) for suffix in (".flow", ".har")
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_flow_and_har_of_a_session_agree(name: str) -> None:
    """The same operations, responses, notifications and causes in both formats."""
    one, other = (compiled(CAPTURES / f"{name}{suffix}") for suffix in (".flow", ".har"))
    assert [(e.request.method, e.request.uri, e.request_json, e.response_json) for e in one.interactions] == [
        (e.request.method, e.request.uri, e.request_json, e.response_json) for e in other.interactions
    ]
    assert [(n.channel, n.data, n.cause) for n in one.notifications] == [
        (n.channel, n.data, n.cause) for n in other.notifications
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_of_a_capture_is_in_its_cassette(path: Path, tmp_path: Path) -> None:
    """Neither where it was, nor anywhere else."""
    save_cassette(compiled(path), tmp_path / "c.yaml")
    text = (tmp_path / "c.yaml").read_text("utf-8")
    found = set(secrets(recording(path)))
    assert len(found) >= 3
    assert [] == [secret for secret in found if secret in text]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_plain_vcrpy_replays_a_capture(path: Path, tmp_path: Path) -> None:
    """It loads the file, and each REST exchange has the recorded status and body."""
    save_cassette(compiled(path), tmp_path / "c.yaml")
    with vcr.VCR(record_mode="none", match_on=("method", "uri", "body")).use_cassette(
        str(tmp_path / "c.yaml")
    ) as plain:
        for exchange in compiled(path).interactions:
            request = exchange.request
            headers = {"Content-Type": "application/json"} if request.body else {}
            with requests.request(request.method, request.uri, data=request.body, headers=headers, timeout=5) as reply:
                assert (exchange.response.status, exchange.response.body) == (reply.status_code, reply.content)
        assert plain.all_played


@pytest.mark.parametrize("suffix", ["yaml", "json"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_saved_cassette_loads_unchanged(path: Path, suffix: str, tmp_path: Path) -> None:
    """Times, causes, header and every byte."""
    save_cassette(compiled(path), tmp_path / f"c.{suffix}")
    assert compiled(path) == load_cassette(tmp_path / f"c.{suffix}").named(compiled(path).source)
