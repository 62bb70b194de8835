"""`gws-replay convert`: every recording becomes a redacted cassette; every other input is one sentence."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import vcr.serialize
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
from vcr.request import Request as VcrRequest
from vcr.serializers import yamlserializer

from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Recording
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.policy import Policy
from gws_replay.settings.redaction import redactor
from gws_replay.storage.files import load_cassette
from tests.support.builders import CAPTURES, DATA
from tests.support.commands import captured, command_line, refused, saved
from tests.support.readers import read_flow, read_har

FILES = [DATA / "captures" / f"{name}{suffix}" for name in CAPTURES for suffix in (".flow", ".har")]


def raw(name: str) -> Recording:
    """A capture as it was seen, with all its secrets."""
    path = DATA / "captures" / f"{name}.flow"
    return read_flow(path.read_bytes(), str(path))


def secrets_of(recording: Recording) -> set[str]:
    """The credentials, cookies, tokens and client ids of a recording, found without the redactor."""
    found: set[str] = {"secret1", "YWdlbnQxQGNvcnA6c2VjcmV0MQ"}
    for exchange in recording.exchanges:
        for message in (exchange.request, exchange.response):
            for name, value in message.headers.pairs:
                if name.lower() in sensitive.SECRET_HEADERS:
                    found.update(part.partition("=")[2] or part for part in value.split(";")[0].split())
            for each in bayeux_text.messages_in(message.body) or ():
                found.add(json.loads(each.fields.get("clientId", '""')))
    return {secret for secret in found if len(secret) > 6 and secret not in ("Basic", "Path=/")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_streaming_and_whole_reading_give_the_same_cassette(path: Path, tmp_path: Path) -> None:
    """Interactions, notifications, causes and stand-ins."""
    assert 0 == command_line("convert", path, tmp_path / "out.yaml", environment={"GWS_REPLAY_KEY": "k"}).code
    read = read_flow(path.read_bytes(), "") if path.suffix == ".flow" else read_har(path.read_text(), "")
    using = redactor(Policy(), key="k")
    expected = compile_recording(using.recording(read), using.header).cassette
    got = load_cassette(tmp_path / "out.yaml")
    assert (expected.interactions, expected.notifications) == (tuple(got.interactions), tuple(got.notifications))
    assert expected.header.items() <= got.header.items()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_capture_converts(path: Path, tmp_path: Path) -> None:
    """The summary counts what is in the file; that loads, holds no CometD traffic, and has a cause for each push."""
    out = tmp_path / "new folder" / "out.yaml"
    ended = command_line("convert", path, out)
    cassette = load_cassette(out)
    counts = f"{len(cassette.interactions)} exchanges, {len(cassette.notifications)} notifications ("
    assert (0, "") == (ended.code, ended.err)
    assert ended.out.startswith(f"saved {out}: {counts}")
    assert (True, True) == (len(cassette.interactions) >= 9, len(cassette.notifications) >= 3)
    assert [] == [each.request.path for each in cassette.interactions if "notifications" in each.request.path]
    caused = [notification for notification in cassette.notifications if notification.cause]
    assert (7 if "family" in path.stem else 3) == len(caused)
    assert "all" == cassette.header["redaction"]


@pytest.mark.parametrize("name", CAPTURES)
def test_flow_and_har_give_the_same_cassette(name: str) -> None:
    """The two files of a capture say the same: requests, answers, notifications, causes."""
    one, other = captured(name).cassette, captured(name, ".har").cassette
    for cassette in (one, other):
        assert [e.began for e in cassette.interactions] == sorted(e.began for e in cassette.interactions)
    assert [
        (e.request.method, e.request.uri, e.request_json, e.response.status, e.response_json) for e in one.interactions
    ] == [
        (e.request.method, e.request.uri, e.request_json, e.response.status, e.response_json)
        for e in other.interactions
    ]
    assert [(notification.channel, notification.data) for notification in one.notifications] == [
        (notification.channel, notification.data) for notification in other.notifications
    ]
    assert [notification.cause and notification.cause.interaction for notification in one.notifications] == [
        notification.cause and notification.cause.interaction for notification in other.notifications
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_of_a_capture_is_in_the_cassette(path: Path, tmp_path: Path) -> None:
    """Credentials, cookies, CSRF tokens and client ids are gone from the file; --redact none keeps them, and warns."""
    secrets = secrets_of(raw(path.stem))
    assert len(secrets) >= 4
    out = tmp_path / "out.yaml"
    command_line("convert", path, out)
    assert [] == [secret for secret in secrets if secret in out.read_text("utf-8")]
    ended = command_line("convert", path, out, "--force", "--redact", "none", "-q")
    assert "Warning: --redact none writes passwords, tokens and personal data as they are.\n" == ended.err
    assert "YWdlbnQxQGNvcnA6c2VjcmV0MQ" in out.read_text("utf-8")
    assert "none" == load_cassette(out).header["redaction"]


def test_yaml_to_json_to_yaml_loses_nothing(tmp_path: Path) -> None:
    """The same cassette comes back, byte for byte and value for value."""
    first = saved(captured("longpoll-js-family").cassette, tmp_path / "first.yaml")
    for source, target in (("first.yaml", "second.json"), ("second.json", "third.yaml"), ("third.yaml", "fourth.json")):
        assert 0 == command_line("convert", tmp_path / source, tmp_path / target, "--redact", "secrets").code
    third = tmp_path / "third.yaml"
    assert load_cassette(first).named("") == load_cassette(third).named("")
    assert first.read_bytes() == third.read_bytes()
    assert (tmp_path / "second.json").read_bytes() == (tmp_path / "fourth.json").read_bytes()


def by_plain_vcrpy(recording: Recording) -> str:
    """A recording as vcrpy itself writes it."""
    requests, responses = [], []
    for exchange in sorted(recording.exchanges, key=lambda each: each.ended):
        request, response = exchange.request, exchange.response
        requests.append(VcrRequest(request.method, request.uri, request.body or None, dict(request.headers.pairs)))
        headers: dict[str, list[str]] = {}
        for name, value in response.headers.pairs:
            headers.setdefault(name, []).append(value)
        responses.append(
            {
                "status": {"code": response.status, "message": response.reason},
                "headers": headers,
                "body": {"string": response.body},
            }
        )
    text: str = vcr.serialize.serialize({"requests": requests, "responses": responses}, yamlserializer)
    return text


@pytest.mark.parametrize("name", ["longpoll-js-update", "longpoll-aiocometd-update", "longpoll-js-family"])
def test_a_cassette_of_plain_vcrpy_converts_and_is_redacted(name: str, tmp_path: Path) -> None:
    """Notifications are found in the recorded polls, secrets are replaced, and every operation can be judged."""
    recording = raw(name)
    source, out = tmp_path / "plain.yaml", tmp_path / "out.yaml"
    source.write_text(by_plain_vcrpy(recording), "utf-8")
    ended = command_line("convert", source, out, "-v", "--redact", "secrets")
    assert (0, f"{source} is a cassette\n") == (ended.code, ended.err)
    cassette, expected = load_cassette(out), captured(name).cassette
    assert len(expected.interactions) == len(cassette.interactions)
    assert [notification.data for notification in expected.notifications] == [
        notification.data for notification in cassette.notifications
    ]
    assert [] == [secret for secret in secrets_of(recording) if secret in out.read_text("utf-8")]
    assert 0 == command_line("verify", out).code


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_the_result_can_be_json(suffix: str, tmp_path: Path) -> None:
    """--json gives path, counts and notes; -q gives nothing; -v says what the input was taken for."""
    out = tmp_path / f"out{suffix}"
    source = DATA / "captures" / "longpoll-js-update.har"
    ended = command_line("convert", source, out, "--json", "-v")
    assert {"path": str(out), "interactions": 9, "notifications": 3, "notes": []} == json.loads(ended.out)
    assert f"{source} is a HAR\n" == ended.err
    quiet = command_line("convert", source, out, "-q", "--force")
    assert (0, "", "") == (quiet.code, quiet.out, quiet.err)


def test_a_har_may_be_called_json(tmp_path: Path) -> None:
    """What a browser exports as .json is known by what is in it."""
    source = tmp_path / "export.json"
    source.write_bytes((DATA / "captures" / "longpoll-js-update.har").read_bytes())
    assert 0 == command_line("convert", source, tmp_path / "out.yaml").code
    assert 3 == len(load_cassette(tmp_path / "out.yaml").notifications)


def har_entry(**entry: Any) -> dict[str, Any]:
    """An entry whose response body is missing."""
    return {
        "startedDateTime": "2026-01-02T03:04:05Z",
        "time": 1,
        "request": {"method": "GET", "url": "http://x/", "headers": []},
        "response": {"status": 200, "headers": [], "content": {"size": 3}},
        **entry,
    }


def har(**entry: Any) -> bytes:
    """A HAR of one entry."""
    return json.dumps({"log": {"entries": [har_entry(**entry)]}}).encode()


@pytest.mark.parametrize(
    ("name", "content", "output"),
    [
        ("missing.flow", None, "cannot read {path}: No such file"),
        ("missing.har", None, "cannot read {path}: No such file"),
        ("missing.yaml", None, "cannot read {path}: No such file"),
        ("folder.flow", "folder", "cannot read {path}: Is a directory"),
        ("folder.yaml", "folder", "cannot read {path}: Is a directory"),
        ("old.flow", "newer", "{path} cannot be read as a mitmproxy flow file"),
        ("other.flow", b"hello, I am no flow", "{path} cannot be read as a mitmproxy flow file"),
        ("torn.flow", "torn", "{path} cannot be read as a mitmproxy flow file"),
        ("text.har", b"{", "{path} is not JSON"),
        ("other.har", b'{"version": 1}', "{path} is not a HAR: log.entries is missing"),
        ("latin.har", b"\xff\xfe", "{path} is not UTF-8 text, so it cannot be a HAR"),
        ("empty.yaml", b"", "{path} is empty"),
        ("other.txt", b"hello", "{path} is no cassette"),
        ("torn.yaml", b"# gws-replay cassette, format 1\nversion: 1\n", "{path} is torn"),
    ],
)
def test_bad_input_is_a_sentence_and_2(name: str, content: bytes | str | None, output: str, tmp_path: Path) -> None:
    """The file and what is wrong with it, on stderr; no traceback, and nothing is written."""
    path, out = tmp_path / name, tmp_path / "out.yaml"
    if content == "folder":
        path.mkdir()
    elif content in ("torn", "newer"):
        good = (DATA / "captures" / "longpoll-js-update.flow").read_bytes()
        path.write_bytes(good[:30_000] if content == "torn" else re.sub(rb"(version;2:)\d\d#", rb"\g<1>99#", good))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert output.format(path=path) in refused(command_line("convert", path, out))
    assert not out.exists()


def test_skipped_entries_are_counted_by_reason(tmp_path: Path) -> None:
    """One line; -v lists each with its number, and never its address, which may show a person."""
    source, out = tmp_path / "a.har", tmp_path / "out.yaml"
    good = {"response": {"status": 200, "headers": [], "content": {"size": 2, "text": "{}"}}}
    urls = ("http://x/api/v2/me", "data:text/plain,kunigunde", "blob:http://x/1")
    entries = [har_entry(**good, request={"method": "GET", "url": url, "headers": []}) for url in urls]
    source.write_text(json.dumps({"log": {"entries": [*entries, har_entry()]}}))
    ended = command_line("convert", source, out, "-v")
    note = (
        "note: 3 entries were skipped: 1 because its address is not HTTP (data:); 1 because its address is not HTTP "
        "(blob:); 1 because its response body is missing (export the HAR with content) (-v lists them)"
    )
    assert [f"saved {out}: 1 exchange, 0 notifications", note] == ended.out.splitlines()
    assert "skipped entry 2: its address is not HTTP (blob:)" in ended.err.splitlines()
    assert "kunigunde" not in ended.err


def test_a_har_of_which_nothing_can_be_used_is_5(tmp_path: Path) -> None:
    """With the reasons."""
    (tmp_path / "a.har").write_bytes(har())
    output = refused(command_line("convert", tmp_path / "a.har", tmp_path / "out.yaml"), 5)
    assert "holds no exchange; 1 entry was skipped: 1 because its response body is missing" in output


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ([], ["/api/v2/me", "/api/v2/me/calls", "/app.js"]),
        (["--host", "gws.example"], ["/api/v2/me", "/api/v2/me/calls"]),
        (["--host", "gws.example:8443"], ["/api/v2/me/calls"]),
        (["--host", "GWS.example", "--host", "cdn.example"], ["/api/v2/me", "/api/v2/me/calls", "/app.js"]),
        (["--upstream", "https://gws.example/"], ["/api/v2/me"]),
        (
            ["--upstream", "https://gws.example", "--upstream", "https://gws.example:8443"],
            ["/api/v2/me", "/api/v2/me/calls"],
        ),
        (["--filter", "~u calls$"], ["/api/v2/me/calls"]),
        (["--filter", "~s & !~m GET"], ["/api/v2/me/calls"]),
        (["--filter", "~c 200", "--host", "cdn.example"], ["/app.js"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("suffix", [".har", ".flow"])
def test_filters_select_what_is_kept(tmp_path: Path, options: list[str], kept: list[str], suffix: str) -> None:
    """By host, by server, by any mitmproxy filter."""
    source = tmp_path / f"a{suffix}"
    requests = (
        ("GET", "https://gws.example/api/v2/me"),
        ("PUT", "https://gws.example:8443/api/v2/me/calls"),
        ("GET", "http://cdn.example/app.js"),
    )
    response = {"status": 200, "headers": [], "content": {"size": 2, "text": "{}"}}
    entries = [
        har_entry(response=response, request={"method": method, "url": url, "headers": []}) for method, url in requests
    ]
    if suffix == ".har":
        source.write_text(json.dumps({"log": {"entries": entries}}))
    else:
        source.write_bytes(flow_file(*requests))
    assert 0 == command_line("convert", source, tmp_path / "out.yaml", *options).code
    assert kept == [each.request.path for each in load_cassette(tmp_path / "out.yaml").interactions]


@pytest.mark.parametrize(
    ("options", "output"),
    [
        (["--filter", "~~("], "'~~(' is not a mitmproxy filter"),
        (["--upstream", "gws.example"], "is not an address: write https://HOST[:PORT]"),
        (["--host", "other.example"], "holds no exchange that is kept"),
    ],
)
def test_unusable_filter_is_one_sentence(tmp_path: Path, options: list[str], output: str) -> None:
    """Or one that keeps nothing."""
    source = DATA / "captures" / "longpoll-js-update.har"
    ended = command_line("convert", source, tmp_path / "out.yaml", *options)
    assert ended.code in (2, 5)
    assert output in ended.err


def flow_file(*requests: tuple[str, str]) -> bytes:
    """A flow file of such requests, each with a response."""
    packed = io.BytesIO()
    writer = FlowWriter(packed)  # type: ignore[no-untyped-call]
    for method, url in requests:
        flow = tflow.tflow(req=http.Request.make(method, url), resp=http.Response.make(200, b"{}"))
        writer.add(flow)
    return packed.getvalue()


@pytest.mark.parametrize(("name", "content"), [("a.flow", b""), ("a.har", b'{"log": {"entries": []}}')])
def test_nothing_recorded_is_5(name: str, content: bytes, tmp_path: Path) -> None:
    """An input that is whole but empty makes no cassette."""
    (tmp_path / name).write_bytes(content)
    assert "holds no exchange" in refused(command_line("convert", tmp_path / name, tmp_path / "out.yaml"), 5)
    assert not (tmp_path / "out.yaml").exists()


def test_an_output_that_exists_is_kept(tmp_path: Path) -> None:
    """Without --force the file stays as it is, and the sentence names the option."""
    out, source = tmp_path / "out.yaml", DATA / "captures" / "longpoll-js-update.flow"
    out.write_text("mine")
    assert f"{out} exists: choose another name, or replace it with --force" == refused(
        command_line("convert", source, out)
    )
    assert "mine" == out.read_text()
    assert 0 == command_line("convert", source, out, "--force").code
    assert 9 == len(load_cassette(out).interactions)


@pytest.mark.parametrize("name", ["out.txt", "out", "out.har"])
def test_the_output_is_yaml_or_json(name: str, tmp_path: Path) -> None:
    """Another suffix would not be loaded again."""
    source = DATA / "captures" / "longpoll-js-update.flow"
    assert "must end in .yaml, .yml or .json" in refused(command_line("convert", source, tmp_path / name))


def test_an_output_that_cannot_be_written_is_4(tmp_path: Path) -> None:
    """A file stands where a folder is needed."""
    (tmp_path / "file").write_text("mine")
    source = DATA / "captures" / "longpoll-js-update.flow"
    assert "cannot write" in refused(command_line("convert", source, tmp_path / "file" / "out.yaml"), 4)


def test_without_mitmproxy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A flow file needs the extra: the pip line is in the sentence. A HAR does not."""
    monkeypatch.setitem(sys.modules, "mitmproxy", None)
    monkeypatch.delitem(sys.modules, "gws_replay.formats.flow", raising=False)
    monkeypatch.delattr("gws_replay.formats.flow", raising=False)
    source = DATA / "captures" / "longpoll-js-update.flow"
    output = refused(command_line("convert", source, tmp_path / "out.yaml"))
    assert f"reading {source} needs mitmproxy, which is not installed: pip install 'gws-replay[record]'" == output
    assert 0 == command_line("convert", source.with_suffix(".har"), tmp_path / "out.yaml").code
