"""`gws-replay drift` against the real sandbox: what is sent, found, bound, resumed, refused, and never written."""

import base64
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree as ET

import pytest
import requests

from gws_replay.cli.options import Progress
from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette
from tests.reports.pages.pages import block_of
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.commands import Ended, command_line, drift, refused, saved
from tests.support.recordings import IDS, renamed, right

SHIPPED = Path(__file__).parents[3] / "cassettes" / "update.yaml"
SESSION = "0002DaAVKJ0V0095"
# The credentials, and what the sandbox calls a person.
SECRETS = ("agent1", "sandbox", base64.b64encode(b"agent1:sandbox").decode(), "Vitaliy")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The cassette that is shipped, with an update and its notification, redacted by the rules of today."""
    path = tmp_path / "update.yaml"
    path.write_text(SHIPPED.read_text("utf-8"), "utf-8")
    assert 0 == command_line("scrub", path).code
    return path


@pytest.fixture
def log() -> list[str]:
    """A line for each request to the sandbox."""
    return []


@pytest.fixture
def sandbox(log: list[str]) -> Iterator[RunningSandbox]:
    """A sandbox that does everything right."""
    with serving(push_delay=0.01, log=log.append) as running:
        yield running


def operations(log: list[str]) -> list[str]:
    """The operations that the sandbox received, in order."""
    return [line.split()[2] for line in log if line.startswith("POST") and "/meta/" not in line]


def test_the_same_server_has_not_drifted(shipped: Path, sandbox: RunningSandbox, log: list[str]) -> None:
    """All requests are sent, the notification received, nothing found.

    No credential, personal value or token is written.
    """
    shipped.with_name("update.drift.yaml.journal").touch()  # of a run that was killed at once: nothing is in it
    ended = drift(shipped, sandbox.url, "--allow-writes")

    assert (0, "") == (ended.code, ended.err)
    candidate = shipped.with_name("update.drift.yaml")
    assert f"{shipped} -> {candidate}: no difference" in ended.out
    assert "6 of 6 exchanges sent again: 0 errors, 0 warnings" in ended.out
    assert ["StartContactCenterSession", "UpdateUserData", "EndContactCenterSession"] == operations(log)
    assert 1 == len(load_cassette(candidate).notifications)
    text = candidate.read_text("utf-8")
    assert [] == [each for each in SECRETS if each in text + ended.out + ended.err]
    assert "<redacted:authorization>" in text
    assert [shipped, candidate] == sorted(shipped.parent.iterdir(), key=lambda path: path.name != "update.yaml")
    assert 0 == command_line("diff", shipped, candidate).code


def test_unredacted_cassette_is_compared_redacted(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """Equal values stay equal; responses are redacted before they are written, and nothing else is printed."""
    path = "/api/v2/me/facebooksessions?fields=*"
    reply = requests.get(sandbox.url + path, auth=(sandbox.user, sandbox.password), timeout=60).content
    recorded_exchanges = (
        exchange("GET", path, None, reply),
        exchange("GET", path, None, reply.replace(b"Vitaliy", b"Vitalij"), began=1),
    )
    ended = drift(saved(cassette(*recorded_exchanges), tmp_path / "raw.yaml"), sandbox.url, "-v")
    assert 1 == ended.code
    assert "[interaction 0]" not in ended.out
    assert "userData.FirstName" in ended.out
    candidate = (tmp_path / "raw.drift.yaml").read_text("utf-8")
    assert [] == [name for name in ("Vitaliy", "Vitalij") if name in candidate + ended.out + ended.err]
    assert "redaction: all" in candidate


def test_only_reads_are_sent_without_allow_writes(shipped: Path, sandbox: RunningSandbox, log: list[str]) -> None:
    """The others are named once for each kind; requests that depend on them do not count, and are reported with -v."""
    ended = drift(shipped, sandbox.url, "-v")

    assert 0 == ended.code
    assert "3 of 6 exchanges sent again" in ended.out
    assert "  not sent     type     GET /api/v2/me/facebooksessions 0002DaAVKJ0V0095" in ended.out
    assert (
        "Not sent, because they change something: StartContactCenterSession (1), UpdateUserData (1), EndContact"
        in ended.err
    )
    assert [] == [line for line in log if line.startswith("POST")]


def test_a_fault_is_found(tmp_path: Path, shipped: Path) -> None:
    """The operation, the key and the line in the cassette; exit code 1."""
    with serving(push_delay=0.01, fault="extra-key") as wrong:
        ended = drift(shipped, wrong.url, "--allow-writes", "--json", "--candidate", tmp_path / "c.json")
    assert 1 == ended.code
    shown, total = map(json.loads, ended.out.splitlines())
    found = {(each["operation"], each["kind"], each["path"][-1]) for each in shown["findings"]}
    assert {("UpdateUserData", "value", "FirstName"), ("UpdateUserData", "verdict", "verdict")} == found
    assert "notification 0" in [each["place"]["baseline"] for each in shown["findings"]]
    assert {"asked": 6, "exchanges": 6, "heard": 1, "error": 2, "skipped": {}, "left": {}}.items() <= total.items()


def test_missing_notification_is_reported(shipped: Path) -> None:
    """After a bounded wait."""
    with serving(fault="not-notified") as wrong:
        ended = drift(shipped, wrong.url, "--allow-writes", "--wait", "1.5")
    assert 1 == ended.code
    assert "error        removed  UpdateUserData 0002DaAVKJ0V0095" in ended.out
    assert "notification PropertiesUpdated: gone" in ended.out


def test_the_last_notification_is_waited_for(tmp_path: Path, log: list[str]) -> None:
    """Though nothing is sent after it; what no response had caused when it was recorded is not missed."""
    whole = right()
    unsolicited = push({}, seen=9.0, kind="NewMessages", session=IDS[0])
    moments = (*whole.notifications[:1], unsolicited)
    path = saved(replace(whole, interactions=whole.interactions[:2], notifications=moments), tmp_path / "x.yaml")
    with serving(push_delay=0.8) as slow:
        ended = drift(path, slow.url, "--allow-writes")
    assert 0 == ended.code
    assert 1 == len(load_cassette(tmp_path / "x.drift.yaml").notifications)


def test_waits_for_a_notification_that_was_recorded_before_the_response(tmp_path: Path) -> None:
    """What was sent after it waits for it, though the operation itself had not been answered."""
    path = saved(
        cassette(
            get({}, began=0.0, session=SESSION),
            update({"A": 1}, began=1.0, ended=4.0, session=SESSION),
            push({"A": 1}, seen=2.0, session=SESSION),
            get({"A": 1}, began=3.0, session=SESSION),
        ),
        tmp_path / "x.yaml",
    )
    with serving(push_delay=0.3) as slow:
        drift(path, slow.url, "--allow-writes")
    live = load_cassette(tmp_path / "x.drift.yaml")
    assert live.notifications[0].seen <= live.interactions[2].began


def test_refused_operation_is_not_waited_for(tmp_path: Path) -> None:
    """The refusal is a finding, and so is its missing notification."""
    whole = right()
    path = saved(
        replace(whole, interactions=whole.interactions[:3], notifications=whole.notifications[:1]), tmp_path / "x.yaml"
    )
    begun = time.monotonic()
    with serving(fault="refused-written") as wrong:
        ended = drift(path, wrong.url, "--allow-writes", "--wait", "600")
    assert 300 > time.monotonic() - begun
    assert "error        removed  AttachUserData" in ended.out


def test_live_ids_take_the_places_of_recorded_ones(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """The first list shows which session is which; all operations go to the live ones."""
    path = saved(renamed(right(), {each: each[::-1] for each in IDS}), tmp_path / "other.yaml")
    ended = drift(path, sandbox.url, "--allow-writes", "--rate", "100")
    assert (0, "") == (ended.code, ended.err)
    assert "15 of 15 exchanges sent again" in ended.out
    recorded_exchanges = {each.request.path for each in load_cassette(tmp_path / "other.drift.yaml").interactions}
    assert {f"/api/v2/me/facebooksessions{each}" for each in ("", f"/{IDS[0]}", f"/{IDS[1]}")} == recorded_exchanges


def test_id_that_no_response_shows_can_be_given(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """An unknown stand-in is refused before anything is sent; --bind names its live value."""
    recorded_exchanges = update({"FirstName": "Aromaly"}, began=1.0, session=SESSION)
    recorded = replace(cassette(recorded_exchanges), header={"format": 1, "redaction": "all", "stand_ins": ["Aromaly"]})
    path = saved(recorded, tmp_path / "x.yaml")
    expected = refused(drift(path, sandbox.url, "--allow-writes"))
    assert (
        f"{path}, interaction 0 (UpdateUserData) cannot be sent: no earlier response shows what 'Aromaly'" in expected
    )
    assert 0 == drift(path, sandbox.url, "--allow-writes", "--bind", "Aromaly=Berta").code
    text = (tmp_path / "x.drift.yaml").read_text()
    assert "Berta" not in text
    assert "(a recorded value and the live one), got x" in refused(
        drift(path, sandbox.url, "--bind", "x", "--allow-writes")
    )


def test_requests_that_were_not_sent_are_reported(shipped: Path, sandbox: RunningSandbox) -> None:
    """Skipped in JUnit, a note elsewhere; the page has it beside both timelines."""
    ended = drift(shipped, sandbox.url, "--format", "junit")
    suites = ET.fromstring(ended.out)
    (skipped,) = suites.findall(".//skipped")
    assert (0, "0", "1") == (ended.code, suites.get("failures"), suites[0].get("skipped"))
    assert "UpdateUserData (1)" in (skipped.get("message") or "")
    index = block_of(drift(shipped, sandbox.url, "--format", "html", "--force").out, "index")
    assert [["unasked", "info", 0]] == [[row["rule"], row["level"], row["part"]] for row in index["rows"]]
    assert [["baseline", "candidate"]] == [part["sides"] for part in index["parts"]]


def test_request_with_an_unknown_id_is_not_sent(tmp_path: Path, sandbox: RunningSandbox) -> None:
    """A recorded id is not sent to the live server, and that is reported; if no request is left, nothing is saved."""
    shown = {"facebooksessions": [{"id": f"{number}GONE00000000"} for number in range(3)]}
    looked = exchange("GET", "/api/v2/me/facebooksessions", None, shown)
    gone = exchange("GET", "/api/v2/me/facebooksessions/2GONE00000000", began=2.0)
    path = saved(cassette(looked, gone), tmp_path / "x.yaml")
    ended = drift(path, sandbox.url)
    expected = "no earlier response shows what '2GONE00000000' stands for: give it with --bind '2GONE00000000'=LIVE"
    assert f"(GET /api/v2/me/facebooksessions/2GONE00000000): {expected}" in ended.err
    assert "1 of 2 exchanges sent again" in ended.out
    ended = drift(path, sandbox.url, "--force", "--bind", f"2GONE00000000={SESSION}")
    assert "2 of 2 exchanges sent again" in ended.out
    person = exchange("GET", "/api/v2/contacts/Aromaly", began=0.0)
    path = saved(replace(cassette(person), header={"format": 1, "stand_ins": ["Aromaly"]}), tmp_path / "y.yaml")
    ended = drift(path, sandbox.url)
    assert 5 == ended.code
    assert (
        "Not sent: interaction 0 (GET /api/v2/contacts/Aromaly): no earlier response shows what 'Aromaly'" in ended.err
    )
    assert [] == sorted(tmp_path.glob("y.drift*"))


def interrupted(shipped: Path, sandbox: RunningSandbox, *, after: int) -> Ended:
    """A run that gets Ctrl-C once so many requests are answered."""

    def show(_self: Progress, text: str) -> None:
        if text.startswith(f"{after} of "):
            signal.raise_signal(signal.SIGINT)

    with mock.patch.object(Progress, "show", show):
        return drift(shipped, sandbox.url, "--allow-writes")


def test_interrupted_run_can_be_resumed(shipped: Path, sandbox: RunningSandbox, log: list[str]) -> None:
    """Ctrl-C leaves the journal; --resume sends the rest, and nothing twice."""
    ended = interrupted(shipped, sandbox, after=4)
    journal = shipped.with_name("update.drift.yaml.journal")
    assert 130 == ended.code
    assert "Interrupted after 4 of 6 requests: go on with --resume, or save what there is with " in ended.err
    assert f"gws-replay recover {journal}" in ended.err
    assert [] == [each for each in SECRETS if each in journal.read_text("utf-8")]
    assert "belongs to another run (other writes)" in refused(drift(shipped, sandbox.url, "--resume"))
    assert "was left by a run that was interrupted: go on with --resume" in refused(drift(shipped, sandbox.url))

    ended = drift(shipped, sandbox.url, "--allow-writes", "--resume")

    assert 0 == ended.code
    assert "6 of 6 exchanges sent again: 0 errors, 0 warnings" in ended.out
    assert ["StartContactCenterSession", "UpdateUserData", "EndContactCenterSession"] == operations(log)
    assert 6 == len(load_cassette(shipped.with_name("update.drift.yaml")).interactions)
    assert "there is no interrupted run to resume" in refused(drift(shipped, sandbox.url, "--resume"))


def test_write_without_a_response_is_not_sent_again(shipped: Path, sandbox: RunningSandbox, log: list[str]) -> None:
    """It may have been done; that it is left out is reported, and it is not missed."""
    interrupted(shipped, sandbox, after=4)
    journal = shipped.with_name("update.drift.yaml.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    answered = next(n for n, line in enumerate(lines) if b'"kind":"response","id":"3"' in line)
    journal.write_bytes(b"".join(lines[:answered]) + lines[answered][:40])  # killed in the middle of the line

    ended = drift(shipped, sandbox.url, "--allow-writes", "--resume")

    assert 0 == ended.code
    assert (
        "Not sent: interaction 3 (UpdateUserData): it was sent before the interruption and got no response" in ended.err
    )
    assert "5 of 6 exchanges sent again" in ended.out
    assert 1 == operations(log).count("UpdateUserData")


def test_wrong_credentials(shipped: Path, sandbox: RunningSandbox) -> None:
    """The variables are named; no file is left."""
    expected = refused(drift(shipped, sandbox.url, GWS_REPLAY_PASSWORD="wrong-one"))
    assert f"{sandbox.url} refused GET /api/v2/me (401): set GWS_REPLAY_USER and " in expected
    assert "wrong-one" not in expected
    assert [shipped] == list(shipped.parent.iterdir())


def test_bad_input(tmp_path: Path, shipped: Path) -> None:
    """Addresses, existing files, files that are not cassettes, and cassettes without a request to send."""
    url = "http://127.0.0.1:1"
    assert "is not an address" in refused(drift(shipped, "gws.example"))
    assert "cannot read" in refused(drift(tmp_path / "none.yaml", url))
    assert "is the cassette itself" in refused(drift(shipped, url, "--candidate", shipped))
    (tmp_path / "update.drift.yaml").touch()
    assert "update.drift.yaml exists: " in refused(drift(shipped, url))
    empty = saved(cassette(), tmp_path / "empty.yaml")
    assert f"{empty} holds no exchanges: there is nothing to send" == refused(drift(empty, url), 5)
    writes = saved(cassette(update({"A": 1}, began=0.0)), tmp_path / "writes.yaml")
    assert "send them with --allow-writes" in refused(drift(writes, url), 5)
