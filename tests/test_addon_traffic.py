"""Which traffic the addon records without a filter, what it reports of the rest, and what reverse mode changes."""

import warnings
from pathlib import Path

import pytest
from mitmproxy import http, websocket
from mitmproxy.proxy import mode_specs

from tests.test_addon import bodies, flow_of, lines, recording, written

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that mitmproxy's addons import
    from mitmproxy.test import tflow


@pytest.mark.parametrize(
    ("upstream_url", "url", "records"),
    [
        ("https://gws.example", "https://gws.example/api/v2/me", True),
        ("https://gws.example/", "https://gws.example/api/v2/me", True),
        ("https://GWS.example:443", "https://gws.example/api/v2/me", True),
        ("http://gws.example", "http://gws.example:8080/api/v2/me", False),
        ("http://localhost:808", "http://localhost:8080/api/v2/me", False),
        ("https://gws.example", "https://gws.example.org/api/v2/me", False),
        ("https://gws.example", "https://gws-example/api/v2/me", False),
        ("https://gws.example", "https://other.example/api/v2/?u=https://gws.example", False),
    ],
)
def test_only_the_upstream_is_recorded(tmp_path: Path, upstream_url: str, url: str, records: bool) -> None:
    """In every spelling of its address, but not a server whose address only begins alike."""
    flow = flow_of()
    flow.request.headers.pop("host", None)
    flow.request.url = url
    with recording(tmp_path / "a.yaml", gws_upstream=upstream_url) as hooks:
        hooks.passed(flow)
        assert records == (len(bodies(tmp_path / "a.yaml")) == 1)


def flow_to(method: str, path: str, body: str = "", content_type: str = "application/json") -> http.HTTPFlow:
    """A finished flow to any path."""
    fields = ((b"Content-Type", content_type.encode()),)
    flow = tflow.tflow(req=http.Request.make(method, f"http://gws.example{path}", body, fields))
    flow.response = http.Response.make(200, b"[]", fields)
    return flow


BATCH = '[{"channel":"/meta/connect","clientId":"c1","id":"3"}]'


@pytest.mark.parametrize(
    ("flow", "records"),
    [
        (flow_to("GET", "/api/v2/me?fields=*"), True),
        (flow_to("POST", "/cloud-web/api/v2/me/calls/1"), True),
        (flow_to("POST", "/workspace/v3/initialize-workspace"), True),
        (flow_to("POST", "/auth/v3/oauth/token"), True),
        (flow_to("POST", "/genesys/cometd", BATCH), True),
        (flow_to("POST", "/push/connect", BATCH.strip("[]")), True),
        (flow_to("GET", "/push?jsonp=cb&message=%5B%7B%22channel%22%3A%22%2Fmeta%2Fconnect%22%7D%5D"), True),
        (flow_to("GET", "/index.html"), False),
        (flow_to("POST", "/telemetry", '{"channel":"web","event":"click"}'), False),
        (flow_to("POST", "/telemetry", '[{"channel":"/meta/connect"'), False),
    ],
    ids=lambda each: each.request.path if isinstance(each, http.HTTPFlow) else str(each),
)
def test_apis_and_cometd_are_recorded_by_default(tmp_path: Path, flow: http.HTTPFlow, records: bool) -> None:
    """APIs by their paths, CometD by its content, at any path."""
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        assert records == (len(bodies(tmp_path / "a.yaml")) == 1)


def test_cometd_over_a_websocket_at_any_path_is_recorded(tmp_path: Path) -> None:
    """Other messages of a WebSocket at an unknown path are not."""
    flow = tflow.twebsocketflow()
    flow.request.path = "/push"
    flow.websocket = websocket.WebSocketData()
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        for content in (b'{"reload":true}', b'[{"channel":"/v2/me/calls","data":{"n":1}}]'):
            flow.websocket.messages.append(websocket.WebSocketMessage(1, False, content))
            hooks.call("websocket_message", flow)
        assert ['[{"channel":"/v2/me/calls","data":{"n":1}}]'] == [
            m.content for m in written(tmp_path / "a.yaml").messages
        ]


def test_traffic_that_a_filter_leaves_out_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With its kind, its count, and the filter that would record it; traffic of no API is not reported."""
    caplog.set_level("INFO")
    with recording(tmp_path / "a.yaml", gws_filter="~u /me/calls") as hooks:
        for flow in (flow_of("/api/v2/me/calls/1"), flow_to("GET", "/api/v2/me"), flow_to("GET", "/index.html")):
            hooks.passed(flow)
        for _ in range(2):
            hooks.passed(flow_to("POST", "/genesys/cometd", BATCH))
    notes = [line for line in lines(caplog) if line.startswith("note:")]
    assert [
        f"note: {kind} traffic was not recorded: {count} to http://gws.example{path}; to record it: "
        f"--filter '~u {path}'"
        for kind, count, path in (("CometD", "2 requests", "/genesys/cometd"), ("API", "1 request", "/api/v2"))
    ] == notes


def test_empty_recording_names_the_traffic_that_passed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A user with an unknown API learns which filter to give."""
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow_to("GET", "/platform/users/4711/profile"))
    (text,) = [line for line in lines(caplog) if "nothing was recorded" in line]
    assert "1 request to http://gws.example/platform/users; to record it: --filter '~u /platform/users'" in text
    assert "4711" not in text


def reverse(flow: http.HTTPFlow, *, tls: bool = False) -> http.HTTPFlow:
    """A flow in reverse mode, with the proxy at localhost:8080."""
    flow.client_conn.proxy_mode = mode_specs.ProxyMode.parse("reverse:https://gws.example")
    flow.client_conn.sockname = ("127.0.0.1", 8080)
    flow.client_conn.tls = tls
    return flow


def test_reverse_mode_gives_the_client_the_proxy_and_records_the_server(tmp_path: Path) -> None:
    """Cookies, redirects and links lead back to the proxy; the journal has what the server sent and received."""
    flow = reverse(flow_to("POST", "/api/v2/me", '{"uri":"http://localhost:8080/x"}'))
    assert flow.response
    flow.response.headers["Set-Cookie"] = "SID=abcdefgh; Secure; Domain=gws.example"
    flow.response.headers["Location"] = "https://gws.example/api/v2/next"
    flow.response.content = b'{"uri":"https://gws.example/x"}'
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        (exchange,) = written(tmp_path / "a.yaml").exchanges
    assert b'{"uri":"https://gws.example/x"}' == flow.request.content == exchange.request.body == exchange.response.body
    assert "https://gws.example/api/v2/next" == exchange.response.headers.get("location")
    assert "Secure" in (exchange.response.headers.get("set-cookie") or "")
    assert b'{"uri":"http://localhost:8080/x"}' == flow.response.content
    assert ("SID=abcdefgh", "http://localhost:8080/api/v2/next") == (
        flow.response.headers["Set-Cookie"],
        flow.response.headers["Location"],
    )


def test_reverse_mode_changes_websocket_messages_like_bodies(tmp_path: Path) -> None:
    """In both directions; the journal has the server's side."""
    flow = reverse(tflow.twebsocketflow())
    flow.request.path = "/api/v2/notifications"
    flow.websocket = websocket.WebSocketData()
    pushed, passed_on = (
        b'[{"channel":"/v2/x","data":{"uri":"%s/a"}}]' % each
        for each in (b"https://gws.example", b"http://localhost:8080")
    )
    with recording(tmp_path / "a.yaml") as hooks:
        hooks.passed(flow)
        for from_client, content in ((False, pushed), (True, passed_on)):
            flow.websocket.messages.append(websocket.WebSocketMessage(1, from_client, content))
            hooks.call("websocket_message", flow)
        assert [pushed.decode()] * 2 == [message.content for message in written(tmp_path / "a.yaml").messages]
    assert [passed_on, pushed] == [message.content for message in flow.websocket.messages]
