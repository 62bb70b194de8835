"""The hooks of the mitmproxy addon, one by one."""

import asyncio
import gzip
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions, http, websocket
from mitmproxy.net import encoding

from gws_replay.addon import GwsRecorder
from gws_replay.core.model import Recording
from gws_replay.formats import journal_reader
from gws_replay.storage.files import load_cassette
from tests.support.proxies import (
    SESSION,
    UPDATE,
    operations,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that mitmproxy's addons import
    from mitmproxy.test import taddons, tflow

PATH = f"/api/v2/me/facebooksessions/{SESSION}"


class Hooks:
    """The addon in mitmproxy's own test context; its hooks are called in the order of mitmproxy."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.addon = GwsRecorder()
        self._runner = runner

        async def context() -> Any:
            return taddons.context(self.addon)  # type: ignore[no-untyped-call]

        self._context = runner.run(context())

    def configure(self, **options: Any) -> None:
        """Set options, as mitmproxy's console does."""

        async def configure() -> None:
            self._context.configure(self.addon, **options)

        self._runner.run(configure())

    def call(self, name: str, flow: http.HTTPFlow) -> None:
        """Call one hook inside the event loop."""

        async def hook() -> None:
            if (held := getattr(self.addon, name)(flow)) is not None:
                await held

        self._runner.run(hook())

    def done(self) -> None:
        """Shut the proxy down."""

        async def hook() -> None:
            self.addon.done()

        self._runner.run(hook())

    def passed(self, flow: http.HTTPFlow) -> None:
        """Pass a flow through the hooks; each hook sees only the part of the flow that has arrived."""
        response, flow.response = flow.response, None
        self.call("request", flow)
        flow.response = response
        self.call("response", flow)


@contextmanager
def recording(cassette: Path, **options: Any) -> Iterator[Hooks]:
    """A recording to a cassette, which is saved at the end."""
    with asyncio.Runner() as runner:
        hooks = Hooks(runner)
        hooks.configure(gws_cassette=str(cassette), **options)
        yield hooks
        hooks.done()


def flow_of(path: str = PATH, reply: bytes = b'{"statusCode":0}', status: int = 200, **headers: str) -> http.HTTPFlow:
    """A finished flow of an UpdateUserData; the body of its response is as it was sent."""
    flow = tflow.tflow(req=http.Request.make("POST", f"http://gws.example{path}", json.dumps(UPDATE)))
    fields = {key.replace("_", "-"): value for key, value in headers.items()}
    flow.response = http.Response.make(status, b"", {**fields, "Content-Length": str(len(reply))})
    flow.response.raw_content = reply
    flow.response.timestamp_start, flow.response.timestamp_end = flow.request.timestamp_start + 1, None
    return flow


def written(cassette: Path) -> Recording:
    """The content of the journal of a running recording."""
    with (cassette.parent / f"{cassette.name}.journal").open("rb") as lines:
        return journal_reader.read(lines, "journal").recording


def bodies(cassette: Path) -> list[bytes]:
    """The bodies of the responses in the journal of a running recording."""
    return [exchange.response.body for exchange in written(cassette).exchanges]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that the user sees."""
    return "\n".join(caplog.messages).splitlines()


def test_an_exchange_is_in_the_journal_when_the_hook_returns(tmp_path: Path) -> None:
    """The client receives a response only after the hook, so nothing that it received can be lost."""
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow_of())

        assert [b'{"statusCode":0}'] == bodies(tmp_path / "a.yaml")
    assert ["UpdateUserData"] == operations(load_cassette(tmp_path / "a.yaml"))
    assert ["a.yaml"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("path", [PATH, "/elsewhere"])
def test_no_hook_changes_a_flow(tmp_path: Path, path: str) -> None:
    """A flow leaves the addon as it came, whether it matches the filter or not."""
    flow = flow_of(path, gzip.compress(b"{}"), Content_Encoding="gzip", Set_Cookie="JSESSIONID=12345678")
    before = flow.get_state()
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        hooks.passed(flow_of())

    assert before == flow.get_state()


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("~u /api/v2/", [PATH, f"{PATH}?refused"]),
        ("~c 200", [PATH, "/elsewhere"]),
        ("~u /api/v2/ & ~c 200", [PATH]),
        ("~u /api/v2/ & !~c 404", [PATH]),
        ("~bs refused-by-server", [f"{PATH}?refused"]),
        ("!~bs refused-by-server", [PATH, "/elsewhere"]),
    ],
)
def test_filter_can_match_the_response(tmp_path: Path, expression: str, paths: list[str]) -> None:
    """A flow is recorded if the complete flow matches, even if the request alone did not."""
    cassette = tmp_path / "a.yaml"
    with recording(cassette, gws_filter=expression) as hooks:
        hooks.passed(flow_of())
        hooks.passed(flow_of(f"{PATH}?refused", b"refused-by-server", 404))
        hooks.passed(flow_of("/elsewhere"))

        assert paths == [
            each.request.uri.removeprefix("http://gws.example") for each in written(tmp_path / "a.yaml").exchanges
        ]
    assert paths == [
        each.request.uri.removeprefix("http://gws.example") for each in load_cassette(tmp_path / "a.yaml").interactions
    ]


def test_coded_bodies_are_recorded_decoded(tmp_path: Path) -> None:
    """gzip, deflate, br and zstd are decoded, and the header removed.

    The length is that of the text, so that it replays.
    """
    text = b"plain text, no JSON"
    packed = {coding: encoding.encode(text, coding) for coding in ("gzip", "deflate", "br", "zstd")}
    with recording(tmp_path / "a.yaml") as hooks:
        for coding, body in packed.items():
            assert isinstance(body, bytes)
            hooks.passed(flow_of(PATH, body, Content_Encoding=coding))

    exchanges = load_cassette(tmp_path / "a.yaml").interactions
    assert [text] * 4 == [each.response.body for each in exchanges]
    assert [None] * 4 == [each.response.headers.get("content-encoding") for each in exchanges]
    assert [str(len(text))] * 4 == [each.response.headers.get("content-length") for each in exchanges]


def test_undecodable_body_is_recorded_unchanged(tmp_path: Path) -> None:
    """The coding stays in its header, so that a client meets the same error again."""
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow_of(PATH, b"\x1f\x8b no gzip", Content_Encoding="gzip"))

    response = load_cassette(tmp_path / "a.yaml").interactions[0].response
    assert (b"\x1f\x8b no gzip", "gzip") == (response.body, response.headers.get("content-encoding"))


@pytest.mark.parametrize("streamed", ["request", "response"])
def test_exchange_with_a_streamed_body_is_reported_and_not_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, streamed: str
) -> None:
    """mitmproxy does not keep a streamed body.

    An exchange with an empty body would be wrong.
    """
    caplog.set_level("INFO")
    flow = flow_of()
    (flow.request if streamed == "request" else flow.response).raw_content = None  # type: ignore[union-attr]
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        hooks.passed(flow_of(reply=b"{}"))

        assert [b"{}"] == bodies(tmp_path / "a.yaml")
    assert (
        f"!!! POST {PATH}  no response: its body was streamed past the recorder"
        in "\n".join(caplog.messages).splitlines()
    )


def test_request_without_response_is_recorded_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It gets a line, a note at the end, and its outcome in the cassette."""
    caplog.set_level("INFO")
    lost = flow_of("/api/v2/me")
    lost.response, lost.error = None, tflow.terr("connection reset")
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.call("request", lost)
        hooks.call("error", lost)
        hooks.passed(flow_of())

    assert "!!! POST /api/v2/me  no response: connection reset" == lines(caplog)[0]
    assert "note: interaction 0, POST /api/v2/me, got no response" in caplog.messages[-1]
    assert ["broken", "response"] == [each.outcome for each in load_cassette(tmp_path / "a.yaml").interactions]


def test_websocket_messages_become_notifications(tmp_path: Path) -> None:
    """All messages of a matching WebSocket are written, without the client id; binary ones are not Bayeux."""
    flow = tflow.twebsocketflow()
    flow.request.path = "/api/v2/notifications"
    flow.websocket = websocket.WebSocketData()
    frames = [
        (True, 1, b'[{"channel":"/meta/connect","clientId":"client-id-77aa"}]'),
        (False, 1, b'[{"channel":"/v2/me/facebooksession","data":{"referenceId":3.0}}]'),
        (False, 2, b'[{"channel":"/v2/me/facebooksession","data":{"referenceId":4}}]'),
    ]
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        for from_client, kind, content in frames:
            flow.websocket.messages.append(websocket.WebSocketMessage(kind, from_client, content))
            hooks.call("websocket_message", flow)

        assert [True, False, False] == [message.from_client for message in written(tmp_path / "a.yaml").messages]
        assert "client-id-77aa" not in (tmp_path / "a.yaml.journal").read_text()
    notifications = load_cassette(tmp_path / "a.yaml").notifications
    assert [("/v2/me/facebooksession", '{"referenceId":3.0}')] == [
        (n.channel, "".join(n.data.split())) for n in notifications
    ]


def test_new_cassette_option_at_run_time_saves_the_previous_cassette(tmp_path: Path) -> None:
    """`set gws_cassette=...` in mitmproxy's console saves the first and continues with the second.

    Empty stops recording.
    """
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow_of("/api/v2/me"))
        hooks.configure(gws_cassette=str(tmp_path / "b.yaml"))
        hooks.passed(flow_of())
        hooks.configure(gws_cassette="")
        hooks.passed(flow_of())

        assert ["a.yaml", "b.yaml"] == sorted(path.name for path in tmp_path.iterdir())
    assert [1, 1] == [len(load_cassette(tmp_path / name).interactions) for name in ("a.yaml", "b.yaml")]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("gws_cassette", "old.yaml", "old.yaml exists"),
        ("gws_filter", "~~(", "is not a mitmproxy filter"),
        ("gws_redact", "nonsense", "gws_redact"),
        ("gws_secret", ["pattern:("], r"gws_\*: secret: 'pattern:\(': cannot be read as a regular expression"),
    ],
)
def test_refused_option_at_run_time_changes_nothing(tmp_path: Path, option: str, value: str, sentence: str) -> None:
    """mitmproxy restores the old value, and the recording continues."""
    (tmp_path / "old.yaml").write_text("")
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow_of("/api/v2/me"))
        with pytest.raises(exceptions.OptionsError, match=sentence):
            hooks.configure(**{option: str(tmp_path / value) if option == "gws_cassette" else value})
        hooks.passed(flow_of())

    assert 2 == len(load_cassette(tmp_path / "a.yaml").interactions)


def test_own_redaction_rules_are_applied(tmp_path: Path) -> None:
    """The options gws_keep, gws_secret and gws_personal; the header lists that there were rules."""
    path = tmp_path / "c.yaml"
    options = {"gws_keep": ["firstName"], "gws_secret": ["Pin"], "gws_personal": ["$.a.b"]}
    with recording(path, **options) as hooks:
        reply = {"firstName": "Vitaliy", "lastName": "Onv", "Pin": "0815", "a": {"b": "KD 4711"}}
        hooks.passed(flow_of(reply=json.dumps(reply).encode()))
    cassette = load_cassette(path)
    shown = cassette.interactions[0].response_json
    assert ("Vitaliy", "<redacted:Pin>") == (shown["firstName"], shown["Pin"])
    assert {shown["lastName"], shown["a"]["b"]} == set(cassette.header["stand_ins"])
    assert cassette.header["policy"].startswith("own ")
