"""No planted secret and no person is in anything that is written, printed or logged, from recording to replay."""

import json
import logging
import warnings
from pathlib import Path

import pytest
from mitmproxy import http

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Exchange
from gws_replay.reports.formats.registry import FORMATS
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support import canaries
from tests.support.canaries import EVERY, planted_in
from tests.support.commands import command_line
from tests.support.redactors import redactor
from tests.test_addon import recording

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that mitmproxy's addons import
    from mitmproxy.test import tflow


def flow_of(exchange: Exchange) -> http.HTTPFlow:
    """The flow of an exchange, as mitmproxy shows it to its addons."""

    def fields(pairs: tuple[tuple[str, str], ...]) -> http.Headers:
        return http.Headers([(name.encode(), value.encode()) for name, value in pairs])

    sent, answered = exchange.request, exchange.response
    request = http.Request.make(sent.method, "http://gws.canary.invalid/", sent.body, fields(sent.headers.pairs))
    request.path = "/" + sent.uri.split("/", 3)[3]
    request.timestamp_start = 100 + exchange.began
    flow = tflow.tflow(req=request)
    flow.response = http.Response.make(answered.status, answered.body, fields(answered.headers.pairs))
    flow.response.timestamp_start = flow.response.timestamp_end = 100 + exchange.ended
    return flow


def cassette(folder: Path) -> Path:
    """The cassette of the recording with the canaries, redacted."""
    path = folder / "cassettes" / "canaries.yaml"
    using = redactor()
    recorded = using.recording(canaries.recording())
    save_cassette(compile_recording(recorded, using.header).cassette, path)
    return path


def test_every_canary_is_in_the_raw_recording() -> None:
    """The search finds each of them in the unredacted recording, so it would find a leak."""
    assert [] == sorted(EVERY.keys() - set(planted_in(str(canaries.recording()))))
    assert 40 <= len(EVERY)


def test_recording_writes_no_canary(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the journal, from the first message on, nor the cassette, a recovered recording, or a log line."""
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "c.yaml"
    with recording(path, gws_filter="~all") as hooks:
        for exchange in canaries.recording().exchanges:
            hooks.passed(flow_of(exchange))
        journal = (tmp_path / "c.yaml.journal").read_text("utf-8")
        crashed = tmp_path / "crashed.yaml.journal"
        crashed.write_text(journal, "utf-8")
    assert [] == planted_in(journal)
    assert [] == planted_in(path.read_text("utf-8"))
    ended = command_line("recover", crashed)
    assert [] == planted_in(ended.out + ended.err + (tmp_path / "crashed.yaml").read_text("utf-8"))
    assert [] == planted_in(caplog.text)
    assert load_cassette(path).header["stand_ins"] == load_cassette(tmp_path / "crashed.yaml").header["stand_ins"]


@pytest.mark.parametrize("command", [["show", "-v"], ["verify", "-v"], ["verify", "--json"], ["scrub", "--check"]])
def test_no_command_prints_a_canary(command: list[str], tmp_path: Path) -> None:
    """Each command that prints a part of the cassette."""
    path = cassette(tmp_path)
    ended = command_line(*command, path)
    assert [] == planted_in(ended.out + ended.err)
    assert command[0] == "scrub" or "UpdateUserData" in ended.out


@pytest.mark.parametrize("form", FORMATS)
def test_no_report_of_a_comparison_or_verdict_shows_a_canary(form: str, tmp_path: Path) -> None:
    """In every report format."""
    path, other = cassette(tmp_path), tmp_path / "other.yaml"
    text = path.read_text("utf-8")
    other.write_text(
        text.replace("PropertiesUpdated", "StatusChange").replace('"statusCode": 0', '"statusCode": 2'), "utf-8"
    )
    compared = command_line("diff", "-v", "--format", form, path, other)
    judged = command_line("verify", "-v", "--format", form, path, other)
    assert (1, []) == (compared.code, planted_in(compared.out + compared.err + judged.out + judged.err))


@pytest.mark.parametrize("command", ["show", "verify", "diff"])
def test_unredacted_cassette_is_printed_redacted(command: str, tmp_path: Path) -> None:
    """A raw cassette is printed with placeholders and stand-ins, and that is reported; the file does not change."""
    path, other = tmp_path / "raw.yaml", tmp_path / "other.yaml"
    save_cassette(compile_recording(canaries.recording()).cassette, path)
    raw = path.read_text("utf-8")
    other.write_text(raw.replace("PropertiesUpdated", "StatusChange").replace("Kanarie", "KANARIE"), "utf-8")
    paths = [path, other] if command == "diff" else [path]
    ended = command_line(command, "-v", *paths)
    assert [] == planted_in(ended.out + ended.err)
    assert 1 == (ended.out + ended.err).count("not redacted, shown with stand-ins")
    for form in ("json", "html"):
        written = command_line(command, "--format", form, *paths)
        assert [] == planted_in(written.out + written.err)
    assert raw == path.read_text("utf-8")


def test_scrub_check_finds_canaries_and_prints_none(tmp_path: Path) -> None:
    """In a cassette that was recorded raw."""
    path = tmp_path / "raw.yaml"
    save_cassette(compile_recording(canaries.recording()).cassette, path)
    ended = command_line("scrub", "--check", path)
    assert (3, []) == (ended.code, planted_in(ended.out + ended.err))
    assert 0 == command_line("scrub", path, "-q").code
    assert [] == planted_in(path.read_text("utf-8"))
    assert 0 == command_line("scrub", "--check", path).code


AGENT = """
import json, os, pathlib
import requests

def live(part):
    return json.loads(pathlib.Path(os.environ["LIVE"]).read_text())[part]

def update(path="0002DaAVKJ0V0095", **more):
    body = lambda: json.dumps({**live("body"), **more})
    return requests.post(live("url") + path, data=body(), headers=live("headers"), timeout=60).json()
"""
TESTS = """
import pytest
from agent import live, update

@pytest.mark.gws_cassette("canaries", allow_unplayed=True)
def test_passes(gws):
    assert update() == {"statusCode": 0}

@pytest.mark.gws_cassette("canaries", allow_unplayed=True)
def test_misses(gws):
    update(extra=1)

@pytest.mark.gws_cassette("canaries", allow_unplayed=True)
def test_misses_at_a_server(gws_server):
    import requests
    url = gws_server.url + "/api/v2/me/facebooksessions/0002DaAVKJ0V0095"
    requests.post(url, json={**live("body"), "extra": 1}, headers=live("headers"))

@pytest.mark.gws_cassette("canaries")
def test_leaves_something(gws):
    update()
"""


def test_failing_replay_shows_no_canary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With -vv, locals, all logs, JUnit and the page, though the client sends all of them live."""
    cassette(pytester.path)
    request = canaries.update()
    given = {"url": request.uri.rpartition("/")[0] + "/", "headers": dict(request.headers.pairs)}
    live = pytester.path.parent / "live.json"
    live.write_text(json.dumps({**given, "body": json.loads(request.body)}), "utf-8")
    monkeypatch.setenv("LIVE", str(live))
    pytester.makepyfile(agent=AGENT, test_agent=TESTS)
    pytester.syspathinsert()
    result = pytester.runpytest_inprocess(
        *(
            "-vv",
            "--showlocals",
            "--log-level=DEBUG",
            "--log-cli-level=DEBUG",
            "--junitxml=j.xml",
            "--gws-report=r.html",
        )
    )
    result.assert_outcomes(passed=2, failed=2, errors=1)
    assert [] == planted_in(result.stdout.str() + result.stderr.str())
    for name in ("j.xml", "r.html"):
        assert [] == planted_in((pytester.path / name).read_text("utf-8"))
