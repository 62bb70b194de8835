"""`gws-replay show`: the operations of a cassette, as text and as JSON, harmless to a terminal."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Notification
from tests.support.builders import CAPTURES, SESSIONS, TOPIC, cassette, exchange, get, operation, push, update
from tests.support.commands import BEFORE, captured, command_line, refused, saved, small

SMALL = f"""\
{{path}}: recorded 2026-01-02
   0     0.000  GET {SESSIONS}  HTTP 200, statusCode 0  100 ms
                    userData of S1: 2 keys
   1     1.000  UpdateUserData S1  HTTP 200, statusCode 0  100 ms
         2.000    <- notification 0: PropertiesUpdated S1  answers 1 (content, after the response)
                    A: 1 -> 2
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(replace(small(), header={"format": 1, "recorded": "2026-01-02"}), tmp_path / "small.yaml")


def test_operations_notifications_and_changes_in_time_order(path: Path) -> None:
    """A line for each exchange and notification, and what changed below the message that showed it."""
    ended = command_line("show", path)
    assert (0, SMALL.format(path=path), "") == (ended.code, ended.out, ended.err)


def test_quiet_leaves_out_the_changes(path: Path) -> None:
    """-q: the same lines without those of userData."""
    lines = [line for line in SMALL.format(path=path).splitlines() if "userData of" not in line and "->" not in line]
    assert lines == command_line("show", "-q", path).out.splitlines()


def test_verbose_adds_the_bodies(path: Path) -> None:
    """-v: what was sent and received, below each line."""
    shown = command_line("show", "-v", path).out
    lines = [line.split()[0] for line in shown.splitlines() if line.startswith(" " * 16) and line[16] != " "]
    assert ["received", "sent", "received", "data"] == lines
    assert 'sent {"operationName":"UpdateUserData","userData":{"A":2}}' in shown


def test_json_has_everything(path: Path) -> None:
    """One document: header, interactions, notifications with causes, verdicts."""
    shown = json.loads(command_line("show", "--json", path).out)
    assert ["source", "header", "interactions", "notifications", "updates"] == list(shown)
    assert (str(path), {"format": 1, "recorded": "2026-01-02"}) == (shown["source"], shown["header"])
    assert {
        "began": 1.0,
        "ended": 1.1,
        "method": "POST",
        "path": f"{SESSIONS}/S1",
        "operation": "UpdateUserData",
        "resource": "S1",
        "sent": {"operationName": "UpdateUserData", "userData": {"A": 2}},
        "status": 200,
        "answer": {"statusCode": 0},
    } == shown["interactions"][1]
    assert [
        {
            "channel": TOPIC,
            "seen": 2.0,
            "cause": {"interaction": 1, "rule": "content", "after": "response"},
            "data": {
                "notificationType": "PropertiesUpdated",
                "facebooksession": {"id": "S1", "userData": {**BEFORE, "A": 2}},
            },
        }
    ] == shown["notifications"]
    assert ["passed"] == [each["verdict"] for each in shown["updates"]]


@pytest.mark.parametrize("options", [(), ("-q",), ("-v",), ("--json",)], ids=" ".join)
@pytest.mark.parametrize("name", CAPTURES)
def test_every_capture_can_be_shown(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """No option fails on real traffic, and every operation and notification has its line."""
    played = captured(name).cassette
    ended = command_line("show", *options, saved(played, tmp_path / "x.yaml"))
    assert (0, "") == (ended.code, ended.err)
    if options == ("--json",):
        assert len(played.notifications) == len(json.loads(ended.out)["notifications"])
    else:
        assert len(played.notifications) == ended.out.count("<- notification ")
        assert len(played.interactions) == sum(" HTTP 200" in line for line in ended.out.splitlines())


def test_unsolicited_and_failed_are_shown(tmp_path: Path) -> None:
    """An unsolicited notification, a refusal, a request that is not an operation."""
    refusal = {"statusCode": 2, "statusMessage": "no"}
    shown = cassette(
        operation("UpdateUserData", began=1.0, userData={"A": 2}, response=refusal),
        exchange("DELETE", "/x", None, b"", status=404, began=2.0),
        push(None, seen=3.0, kind="StatusChange", reference=16),
        attributed=False,
    )
    assert [
        "   0     1.000  UpdateUserData S1  HTTP 200, statusCode 2  100 ms",
        "   1     2.000  DELETE /x  HTTP 404  100 ms",
        "         3.000    <- notification 0: StatusChange S1 referenceId 16  unsolicited",
    ] == command_line("show", saved(shown, tmp_path / "x.yaml")).out.splitlines()[1:]


STEERING = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\u202e"


@pytest.mark.parametrize("options", [(), ("-v",), ("--json",)], ids=" ".join)
@pytest.mark.parametrize(
    "played",
    [
        cassette(get({"A": STEERING}, began=0.0), update({"A": 1}, began=1.0), push({"A": 1}, seen=2.0)),
        cassette(get({STEERING: 1}, began=0.0), update({STEERING: 2}, began=1.0), push({STEERING: 2}, seen=2.0)),
        cassette(operation(STEERING, began=0.0), push({}, seen=1.0, kind=STEERING, reference=STEERING)),
        cassette(exchange(path="/x", response=STEERING.encode())),
        cassette(push({}, seen=0.0, session=STEERING)),
        replace(small(), header={"format": 1, "server": STEERING}),
    ],
    ids=["value", "key", "names", "body", "id", "header"],
)
def test_recorded_text_cannot_steer_a_terminal(played: Cassette, options: tuple[str, ...], tmp_path: Path) -> None:
    """Control characters of any kind are shown escaped."""
    shown = command_line("show", *options, saved(played, tmp_path / "x.yaml")).out
    assert shown
    assert [] == [character for character in shown if character != "\n" and not character.isprintable()]


@pytest.mark.parametrize(
    "data",
    ['{"A":1,"A":2}', '{"A":"\\ud800"}', '{"A":12345678901234567890.10}', '{"A":{"B":{},"B":[]}}'],
    ids=["repeated key", "half a character", "many digits", "repeated inside"],
)
def test_unusual_json_is_shown(data: str, tmp_path: Path) -> None:
    """JSON that a server should not send is shown, as text and as strict JSON, to a real pipe."""
    reply = f'{{"statusCode":0,"facebooksessions":[{{"id":"S1","userData":{data}}}]}}'
    path = saved(cassette(exchange("GET", SESSIONS, None, reply.encode())), tmp_path / "odd.yaml")
    for options in ([], ["-v"], ["--json"]):
        command = [sys.executable, "-m", "gws_replay", "show", *options, str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (0, b"") == (done.returncode, done.stderr)
    json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read {path}: No such file or directory"),
        ("folder", "cannot read {path}: Is a directory"),
        (b"", "{path} is empty: record it again"),
        (b"hello", "{path} is no cassette: record it again"),
        (b"\xff", "{path} is not UTF-8 text (byte 0), so it cannot be a cassette"),
        (b"a: [", "{path}, line "),
        (b"version: 1\n", "{path}, the file: the field 'interactions' is missing; record the cassette again"),
    ],
    ids=["missing", "folder", "empty", "text", "binary", "torn", "field"],
)
def test_file_that_is_not_a_cassette_is_refused(content: bytes | str | None, message: str, tmp_path: Path) -> None:
    """One sentence with the file, the place and the problem; exit code 2."""
    path = tmp_path / "x.yaml"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert refused(command_line("show", path)).startswith(message.format(path=path))


def test_workspace_operations_have_their_names(tmp_path: Path) -> None:
    """The verb of the path, the code of the status, the operationId of the notification."""
    sent = {"operationId": "op-1", "data": {"keys": ["A"]}}
    verb = "/workspace/v3/media/chat/interactions/I1/delete-user-data"
    data = {"messageType": "InteractionStateChanged", "notificationType": "PropertiesUpdated", "operationId": "op-1"}
    gone = {**data, "interaction": {"id": "I1", "userData": []}}
    reply = {"status": {"code": 1}, "operationId": "op-1"}
    push = Notification(channel="/workspace/v3/media/chat", data=json.dumps(gone), seen=2.0)
    shown = command_line("show", saved(cassette(exchange("POST", verb, sent, reply), push), tmp_path / "x.yaml")).out
    assert [
        "   0     0.000  delete-user-data I1  HTTP 200, status.code 1  100 ms",
        (
            "         2.000    <- notification 0: PropertiesUpdated I1 operationId op-1  "
            "answers 0 (referenceId, after the response)"
        ),
        "                    userData of I1: 0 keys",
    ] == shown.splitlines()[1:]
