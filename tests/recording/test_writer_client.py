"""The proxy and its writer: what the proxy holds back, and what happens when either is stopped, ended or killed."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.recording import writer_client as writer_process
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.recording.writer_client import WriterProcess
from gws_replay.recording.writer_pipes import PolledPipes, ThreadedPipes
from gws_replay.storage.files import load_cassette
from tests.recording.test_writer import answered as answer_of
from tests.recording.test_writer import begun
from tests.support.proxies import (
    GWS,
    PATIENCE,
    ReceivedRequest,
    alive,
    answered,
    children,
    client,
    operations,
    run,
    upstream,
    wait_until,
)

ME = "/api/v2/me"


@pytest.fixture(params=[PolledPipes, ThreadedPipes])
def any_pipes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pipes in the event loop, and with threads as on Windows."""
    monkeypatch.setattr(writer_process, "SystemPipes", request.param)


def started(cassette: Path, reports: list[Any]) -> WriterProcess:
    """A real writer, and its reports."""
    return WriterProcess(lambda *report: reports.append(report), cassette, "me", Policy(), split="", force=False)


@pytest.mark.usefixtures("any_pipes")
def test_response_is_held_until_it_is_written(tmp_path: Path) -> None:
    """Not released while the writer is stopped, however long the loop runs; then the response is in the journal."""
    reports: list[Any] = []
    journal = tmp_path / "c.yaml.journal"

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", reports)
        pid = writer._process.pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T", "the writer to stand still")
        writer.begun(*begun(1))
        held = writer.held(*answer_of(1))
        done, _ = await asyncio.wait([held], timeout=0.1)
        written = journal.read_bytes()
        os.kill(pid, signal.SIGCONT)  # also if the test fails: a stopped process never ends
        assert set() == done
        assert b'"response"' not in written
        await asyncio.wait_for(held, PATIENCE)
        assert b'"response"' in journal.read_bytes()
        writer.finish()
        assert not alive(pid)

    asyncio.run(scenario())
    assert ["lines", "saved"] == [kind for kind, *_ in reports]


@pytest.mark.usefixtures("any_pipes")
def test_large_body_of_one_client_delays_no_other(tmp_path: Path) -> None:
    """Other clients continue before the writer has read it; its own client waits until it is written."""
    journal = tmp_path / "c.yaml.journal"

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", [])
        pid = writer._process.pid
        os.kill(pid, signal.SIGSTOP)  # as if redaction took a long time
        wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().split()[2] == "T", "the writer to stand still")
        try:
            writer.begun(*begun(1))
            *start, _, unpacked = answer_of(1)
            large = writer.held(*start, b"x" * 300_000, unpacked)
            writer.begun(*begun(2))
            small = writer.held(*answer_of(2))
            await asyncio.wait_for(small, PATIENCE)
            assert not large.done()
            assert b'"response"' not in journal.read_bytes()
        finally:
            os.kill(pid, signal.SIGCONT)
        await asyncio.wait_for(large, PATIENCE)
        writer.begun(*begun(3))
        await asyncio.wait_for(writer.held(*answer_of(3)), PATIENCE)
        assert 3 == journal.read_bytes().count(b'"response"')
        writer.finish()

    asyncio.run(scenario())
    assert 3 == len(load_cassette(tmp_path / "c.yaml").interactions)


@pytest.mark.usefixtures("any_pipes")
def test_body_larger_than_a_pipe_arrives_complete(tmp_path: Path) -> None:
    """Also one sent in the same turn of the loop, or queued."""
    large = [bytes([65 + number]) * 100_000 for number in range(4)]

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", [])
        held = []
        for number, body in enumerate(large):
            writer.begun(*begun(number))
            *start, _, unpacked = answer_of(number)
            held.append(writer.held(*start, body, unpacked))
        await asyncio.wait_for(asyncio.gather(*held[:-1]), PATIENCE)
        writer.begun(*begun(9))
        writer.finish()
        assert all(each.done() for each in held)

    asyncio.run(scenario())
    assert large == [exchange.response.body for exchange in load_cassette(tmp_path / "c.yaml").interactions]


@pytest.mark.usefixtures("any_pipes")
def test_a_writer_that_is_killed_again_and_again_saves_in_the_end(tmp_path: Path) -> None:
    """Idle, with a request that waits for its response, and before it saves: nothing is lost, and the end says so."""
    reports: list[Any] = []

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", reports)

        async def killed() -> None:
            pid = writer._process.pid
            os.kill(pid, signal.SIGKILL)
            while writer._process.pid == pid:  # noqa: ASYNC110 (it is seen at the pipe)
                await asyncio.sleep(0.01)

        await killed()
        writer.begun(*begun(1))
        await asyncio.wait_for(writer.held(*answer_of(1)), PATIENCE)
        writer.begun(*begun(2))
        await killed()
        writer.begun(*begun(3))
        await asyncio.wait_for(writer.held(*answer_of(3)), PATIENCE)  # 2 is written now, and waits
        await killed()
        await asyncio.wait_for(writer.held(*answer_of(2)), PATIENCE)
        writer.begun(*begun(4))
        held = writer.held(*answer_of(4))
        os.kill(writer._process.pid, signal.SIGKILL)
        writer.finish()
        assert held.done()

    asyncio.run(scenario())
    kinds = [kind for kind, *_ in reports if kind != "lines"]
    assert [*["restarted"] * 4, "saved"] == kinds
    assert [f"GET {ME}/{number}" for number in (1, 2, 3, 4)] == operations(load_cassette(tmp_path / "c.yaml"))
    (note,) = reports[-1][1]["notes"]
    how = "; then it ".join(["was killed (SIGKILL)"] * 4)
    assert f"the process that writes {how}, and was started again: nothing is missing" == note


POISON = """
import os, signal
from gws_replay.recording import writer
answered = writer.Writer._on_answered
def poisoned(self, session, id_, *rest):
    if id_ == "2" or (%r and id_ != "1"):
        os.kill(os.getpid(), signal.SIGKILL)
    return answered(self, session, id_, *rest)
writer.Writer._on_answered = poisoned
writer.main()
"""


@pytest.mark.parametrize(("all_others", "left"), [(False, (1, 3)), (True, (1,))])
def test_a_message_that_kills_each_writer_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_others: bool, left: tuple[int, ...]
) -> None:
    """The end says that one is missing, with exit code 4. If no writer gets on, recording stops."""
    reports: list[Any] = []
    monkeypatch.setattr(writer_process, "_COMMAND", (sys.executable, "-c", POISON % all_others))

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", reports)
        for number in (1, 2, 3):
            writer.begun(*begun(number))
            await asyncio.wait_for(writer.held(*answer_of(number)), PATIENCE)
            if any(kind == "ended" for kind, *_ in reports):
                return  # as the addon, which sends nothing more
        writer.finish()

    asyncio.run(scenario())
    *_, (kind, text, exit_code) = reports
    assert 4 == exit_code
    if len(left) > 1:
        assert ("failed", "1 message could not be written: the rest was saved") == (kind, text)
        (saved,) = [fields for kind, fields, *_ in reports if kind == "saved"]
        assert "and was started again: 1 message could not be written" in "".join(saved["notes"])
    else:
        assert ("ended", True) == (kind, "recording stopped" in text)
        assert 0 == run(*GWS, "recover", str(tmp_path / "c.yaml.journal")).returncode
    exchanges = load_cassette(tmp_path / "c.yaml").interactions
    answered_ones = [each.request.path for each in exchanges if each.outcome == "response"]
    assert [f"{ME}/{number}" for number in left] == answered_ones


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("/no/such/python",), "cannot start the process that writes .*c.yaml: No such file or directory"),
        ((sys.executable, "-c", ""), "cannot write .*c.yaml: the process that is to do it ended at once"),
    ],
)
def test_a_writer_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], sentence: str
) -> None:
    """One sentence, and no process is left."""
    monkeypatch.setattr(writer_process, "_COMMAND", command)

    async def scenario() -> None:
        started(tmp_path / "c.yaml", [])

    with pytest.raises(GwsReplayError, match=sentence):
        asyncio.run(scenario())


@pytest.mark.parametrize("split", ["", "1KB"])
def test_a_killed_writer_is_followed_by_another(tmp_path: Path, split: str) -> None:
    """At once, with a line; what the first knew to be personal is so for the second, with the same stand-ins."""
    lines: list[str] = []
    person = b'{"firstName": "Kunigunde", "lastName": "Zweigenthal"}'
    slow = threading.Event()

    def response(request: ReceivedRequest) -> bytes:
        if request.path.endswith("/slow"):
            slow.wait(PATIENCE)
        return answered(person if "/person" in request.path else b'{"remark": "seen by Kunigunde Zweigenthal"}')

    with (
        upstream(response) as server,
        Recorder(
            Settings(cassette=tmp_path / "c.yaml", upstream=server.url, split=split), say=lines.append
        ) as recorder,
        client() as agent,
    ):
        waiting = threading.Thread(target=lambda: requests.get(f"{recorder.url}{ME}/slow", timeout=PATIENCE))
        waiting.start()
        wait_until(lambda: any("/slow" in each.path for each in server.requests), "the slow request")
        agent.get(f"{recorder.url}{ME}/person/1", timeout=PATIENCE)
        for number in range(2):
            (writer,) = children(recorder.pid)
            os.kill(writer, signal.SIGKILL)
            wait_until(lambda: len([line for line in lines if "is started again" in line]) == number + 1, "the line")  # noqa: B023
            agent.get(f"{recorder.url}{ME}/after/{number}", timeout=PATIENCE)
            agent.get(f"{recorder.url}{ME}/person/{number + 2}", timeout=PATIENCE)
        slow.set()
        waiting.join()
    cassettes = [load_cassette(each["path"]) for each in recorder.saved]
    found = sorted(operation for each in cassettes for operation in operations(each))
    names = ["after/0", "after/1", "person/1", "person/2", "person/3", "slow"]
    assert [f"GET {ME}/{name}" for name in names] == found
    bodies = [each.response.body for cassette in cassettes for each in cassette.interactions]
    assert (2, []) == (len(set(bodies)), [each for each in bodies if b"Kunigunde" in each or b"Zweig" in each])
    assert 2 == sum("was killed (SIGKILL), and is started again" in line for line in lines)
    assert 1 == sum("started again: nothing is missing" in part["text"] for part in recorder.saved)
    assert [] == list(tmp_path.glob("*.journal"))


def test_writer_on_sigterm_waits_for_its_proxy(tmp_path: Path) -> None:
    """As when a service manager or a terminal signals all processes at once: the proxy still sends events."""
    with upstream(lambda _: answered()) as server:
        with Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url)) as recorder, client() as agent:
            (writer,) = children(recorder.pid)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(writer, number)
            agent.get(f"{recorder.url}{ME}", timeout=PATIENCE)
        assert not alive(writer)
    assert [f"GET {ME}"] == operations(load_cassette(tmp_path / "c.yaml"))
