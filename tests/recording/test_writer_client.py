"""The proxy and its writer: what is held for it, and what becomes of one when the other is stopped, ended or killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

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
    """As the event loops of this system wait for pipes, and as threads do on Windows."""
    monkeypatch.setattr(writer_process, "SystemPipes", request.param)


def started(cassette: Path, reports: list[Any]) -> WriterProcess:
    """A real writer, and what is heard of it."""
    return WriterProcess(lambda *report: reports.append(report), cassette, "me", Policy(), split="", force=False)


@pytest.mark.usefixtures("any_pipes")
def test_what_is_held_goes_on_when_it_is_written(tmp_path: Path) -> None:
    """Not while the writer stands still, however long its loop turns; then the response is in the journal."""
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
        os.kill(pid, signal.SIGCONT)  # also where the test fails: a process that stands still ends never
        assert set() == done
        assert b'"response"' not in written
        await asyncio.wait_for(held, PATIENCE)
        assert b'"response"' in journal.read_bytes()
        writer.finish()
        assert not alive(pid)

    asyncio.run(scenario())
    assert ["lines", "saved"] == [kind for kind, *_ in reports]


@pytest.mark.usefixtures("any_pipes")
def test_nobody_waits_for_the_large_body_of_another_client(tmp_path: Path) -> None:
    """It goes on though the writer has not come to it yet; whoever sent the large one waits until that is written."""
    journal = tmp_path / "c.yaml.journal"

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", [])
        pid = writer._process.pid
        os.kill(pid, signal.SIGSTOP)  # as if it redacted for a long time
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
def test_what_no_pipe_takes_at_once_arrives_whole(tmp_path: Path) -> None:
    """Bodies that are larger than a pipe; what was sent in the same turn of the loop, or not at all yet, too."""
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
def test_writer_killed_while_it_saves_is_reported(tmp_path: Path) -> None:
    """As one that is killed before: whoever waits for the end hears of it."""
    reports: list[Any] = []

    async def scenario() -> None:
        writer = started(tmp_path / "c.yaml", reports)
        os.kill(writer._process.pid, signal.SIGKILL)
        held = writer.held(*answer_of(1))
        writer.finish()
        assert held.done()

    asyncio.run(scenario())
    ((kind, text, exit_code),) = reports
    assert ("ended", 4) == (kind, exit_code)
    assert "c.yaml.journal was killed (SIGKILL); recording stopped" in text


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


def test_killed_writer_is_reported_at_once(tmp_path: Path) -> None:
    """With its journal and the exit code 4; clients are answered as before, and what they had is recovered."""
    lines: list[str] = []

    def killed(recorder: Recorder) -> None:
        with recorder, client() as agent:
            agent.get(f"{recorder.url}{ME}/before", timeout=PATIENCE)
            (writer,) = children(recorder.pid)
            os.kill(writer, signal.SIGKILL)
            wait_until(lambda: any("was killed" in line for line in lines), "the sentence")
            assert 200 == agent.get(f"{recorder.url}{ME}/after", timeout=PATIENCE).status_code
            assert [] == children(recorder.pid)

    with upstream(lambda _: answered()) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url)
        with pytest.raises(GwsReplayError, match=r"gws-replay recover .*c\.yaml\.journal") as caught:
            killed(Recorder(settings, say=lines.append))
    assert (4, str(caught.value)) == (caught.value.exit_code, lines[-1])
    assert "c.yaml.journal was killed (SIGKILL); recording stopped, the traffic goes on. Save" in lines[-1]
    assert 0 == run(*GWS, "recover", str(tmp_path / "c.yaml.journal")).returncode
    assert [f"GET {ME}/before"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_writer_on_sigterm_waits_for_its_proxy(tmp_path: Path) -> None:
    """As when a service manager, or a terminal, tells all processes at once: the proxy has more to say."""
    with upstream(lambda _: answered()) as server:
        with Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url)) as recorder, client() as agent:
            (writer,) = children(recorder.pid)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(writer, number)
            agent.get(f"{recorder.url}{ME}", timeout=PATIENCE)
        assert not alive(writer)
    assert [f"GET {ME}"] == operations(load_cassette(tmp_path / "c.yaml"))
