"""The writer alone: how it handles events, and errors in one of them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.recording.pipe import Unpacking, packed
from gws_replay.recording.writer import Writer
from gws_replay.storage.files import load_cassette
from tests.support.proxies import operations

PATH = "/api/v2/me"
FIELDS = ((b"Content-Type", b"application/json"),)


def begun(number: int) -> tuple[Any, ...]:
    """A request begins."""
    url = f"http://gws.example{PATH}/{number}"
    return ("begun", f"{number}", float(number), "connection 1", "GET", url, FIELDS, b"", False)


def answered(number: int) -> tuple[Any, ...]:
    """Its response is complete."""
    return ("answered", f"{number}", number + 0.5, 200, "OK", FIELDS, b'{"statusCode":0}', False)


def started(cassette: Path, *, mode: str = "reverse") -> tuple[Writer, list[Any]]:
    """A writer, and what it sends to the proxy."""
    sent: list[Any] = []
    start: dict[str, Any] = {"recorder": "me", "policy": ("all", (), (), ()), "split": "", "force": False, "mode": mode}
    return Writer(lambda *each: sent.append(each), cassette=str(cassette), **start), sent


def test_proxy_killed_before_its_first_message_leaves_no_traceback() -> None:
    """The writer's input ends at once: the writer exits without a message."""
    command = (sys.executable, "-m", "gws_replay.recording.writer")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_moments_become_a_cassette(tmp_path: Path) -> None:
    """The file is reported first, then the number of handled events, with lines to show; the last event saves."""
    writer, reports = started(tmp_path / "c.yaml")
    writer.take([begun(1), answered(1), begun(2)])
    writer.take([("broken", "2", 3.0, "reset"), ("finish",)])
    where, first, second, (kind, saved), last = reports
    assert ("writes", str(tmp_path / "c.yaml.journal")) == where
    assert ("acked", 2, [f"--> GET {PATH}/1  HTTP 200  500 ms"], None) == first
    assert ("acked", 2, [f"!!! GET {PATH}/2  no response: reset"], None) == second
    note = "interaction 1, GET /api/v2/me/2, got no response: it is replayed as a broken connection"
    assert ("saved", 2, [note]) == (kind, saved["interactions"], saved["notes"])
    assert ("acked", 1, [], None) == last
    assert [f"GET {PATH}/1", f"GET {PATH}/2"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_internal_error_loses_one_message_and_shows_nothing_of_it(tmp_path: Path) -> None:
    """It is reported with its place; the message may be unredacted."""
    writer, reports = started(tmp_path / "c.yaml")
    writer.take(
        [begun(1), ("answered", "1", "no time: Kunigunde", 200, "OK", FIELDS, b"", False), begun(2), answered(2)]
    )
    kind, text, exit_code = reports[1]
    assert ("failed", 4) == (kind, exit_code)
    assert text.startswith("a message was not recorded: TypeError in writer.py, line ")
    assert "Kunigunde" not in repr(reports)
    writer.take([("finish",)])
    assert f"GET {PATH}/2" in operations(load_cassette(tmp_path / "c.yaml"))


def test_failing_disk_ends_the_recording_and_not_the_traffic(tmp_path: Path) -> None:
    """It is reported once; later events are acknowledged, so that traffic goes on, and not written."""
    writer, reports = started(tmp_path / "c.yaml")
    writer.take([begun(1), answered(1)])
    assert writer._session
    writer._session.close()  # the next write fails
    writer.take([begun(2), answered(2), begun(3)])
    writer.take([answered(3), ("finish",)])
    (failed,) = [each for each in reports if each[0] == "failed"]
    assert "c.yaml.journal: Bad file descriptor; recording stopped, the traffic goes on" in failed[1]
    assert 4 == failed[2]
    acks = [each for each in reports if each[0] == "acked"]
    assert [("acked", 2, [], None), ("acked", 2, [], None), ("acked", 1, [], None)] == acks[1:]


def test_unclaimable_file_is_refused(tmp_path: Path) -> None:
    """Before anything is reported."""
    (tmp_path / "c.yaml").write_text("precious")
    with pytest.raises(GwsReplayError, match=r"c\.yaml exists"):
        started(tmp_path / "c.yaml")


@pytest.mark.parametrize("size", [1, 7, 8, 9, 1000])
def test_values_go_through_a_pipe_in_any_pieces(size: int) -> None:
    """The system cuts at any byte."""
    values = [[begun(1), answered(1)], ("acked", 2, ["line"]), [], ("half \udcff", b"\xff" * 300, 1.5, None, True)]
    data = b"".join(map(packed, values))
    unpacking = Unpacking()
    found = [value for at in range(0, len(data), size) for value in unpacking.values(data[at : at + size])]
    assert values == found


@pytest.mark.parametrize(
    ("mode", "more", "noted"),
    [
        ("regular", (), True),
        ("reverse", (), False),
        (
            "regular",
            (("message", "connection-1", "ws://h/push", 2.0, False, '[{"channel":"/v2/x","data":{}}]'),),
            False,
        ),
        ("regular", (("left_out", [("CometD", "http://h/push", 3)]),), False),
    ],
    ids=["none", "reverse", "websocket", "left out"],
)
def test_cometd_traffic_around_the_proxy_is_reported(tmp_path: Path, mode: str, more: Any, noted: bool) -> None:
    """In regular mode, where each client must be set to use the proxy; not if any CometD was seen."""
    writer, sent = started(tmp_path / "c.yaml", mode=mode)
    writer.take([begun(1), answered(1), *more, ("finish",)])
    (saved,) = [each for kind, *values in sent if kind == "saved" for each in values]
    found = [note for note in saved["notes"] if "no CometD request came through the proxy" in note]
    assert noted == bool(found)
    assert all("trust_env=True" in note for note in found)
