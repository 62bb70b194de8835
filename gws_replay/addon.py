"""Edge: the mitmproxy addon that records GWS traffic. Load it with `mitmdump -s "$(gws-replay addon)"`.

A response is held until the writer, a process of its own, has written it to the journal. Traffic is changed only in
reverse mode, so that a client can go on through the proxy (recording/reverse_links.py); what is recorded is what the
server sent and received. mitmproxy loads this file as a script, outside the package, so all imports are absolute.
"""

import asyncio
import json
import logging
import logging.handlers
import re
import sys
import threading
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mitmproxy import connection, ctx, exceptions, flowfilter, http
from mitmproxy.addonmanager import Loader
from mitmproxy.net.http.url import hostport
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.mode_specs import ReverseMode

from gws_replay.core.redaction.policy import LEVELS, Policy
from gws_replay.errors import GwsReplayError
from gws_replay.formats import flow as flows
from gws_replay.recording.clock import SteadyTimes
from gws_replay.recording.known_traffic import Kind, LeftOut, is_api, is_bayeux_text, is_cometd
from gws_replay.recording.reverse_links import ReverseLinks, links_between
from gws_replay.recording.split import Split
from gws_replay.recording.writer_client import WriterProcess
from gws_replay.settings.redaction import policy_of
from gws_replay.settings.upstream import proxy_for, server_of, tls_problem

_OF_THE_RESPONSE = re.compile(r"~(s|c|b|bs|h|hs|t|ts|a|e)\b")
_SHOW_EVERY = 0.1
_NAMED = "gws_replay_named"  # where a flow keeps the Host field of its client
# Added to the rules of pyproject.toml, which says what a rule may be.
_RULES = {
    "keep": "Never redact the values of this key (repeat it for more).",
    "secret": "A key, path, header: or pattern: whose values are secret (repeat it for more).",
    "personal": "A key, path, header: or pattern: whose values are personal (repeat it for more).",
}
_RECORDER = f"gws-replay {version('gws-replay')}, mitmproxy {version('mitmproxy')}"
EVENT_PREFIX = "gws-replay-event "

_log = logging.getLogger("gws_replay")


class GwsRecorder:
    """Sends matching flows to the writer of a cassette."""

    def __init__(self) -> None:
        self._writer: WriterProcess | None = None
        self._pending: set[str] = set()  # the ids of the requests that wait for their responses
        self._filter: flowfilter.TFilter | None = None  # None: what belongs to a known API, and CometD
        self._server = ""  # record only what goes to this one
        self._left_out = LeftOut()
        self._steady = SteadyTimes()
        self._needs_response = False
        self._running = False
        self._replaces_host = False
        self._lines: list[str] = []

    def load(self, loader: Loader) -> None:
        """Declare the options."""
        loader.add_option("gws_cassette", str, "", "Record GWS traffic to this cassette (.yaml or .json).")
        loader.add_option(
            "gws_filter",
            str,
            "",
            "Record only flows that match this mitmproxy filter. Default: every known API, and CometD at any path.",
        )
        loader.add_option("gws_upstream", str, "", "Record only what goes to this server: https://HOST[:PORT].")
        loader.add_option("gws_redact", str, "all", "What to redact before anything is written.", choices=LEVELS)
        for name, what in _RULES.items():
            loader.add_option(f"gws_{name}", Sequence[str], [], what)
        loader.add_option("gws_split", str, "", "Go on in NAME.2.yaml, NAME.3.yaml ... after 100MB, or 1h.")
        loader.add_option("gws_force", bool, False, "Replace the cassette if it exists.")
        loader.add_option("gws_via_environment", bool, False, "Reach servers through HTTPS_PROXY, as NO_PROXY says.")
        loader.add_option("gws_events", bool, False, "Speak to `gws-replay record` over stdin and stdout.")

    def configure(self, updated: set[str]) -> None:
        """Apply changed options; a new cassette ends the recording before it."""
        try:
            self._configure(updated)
        except GwsReplayError as error:
            if self._running or self._writer:
                raise exceptions.OptionsError(str(error)) from None  # type: ignore[no-untyped-call]
            # An error that is logged while mitmproxy starts ends it, without a traceback.
            self._fail(str(error), error.exit_code)

    def running(self) -> None:
        """Send `gws-replay record` the address, and stop when it goes away. By hand: say what is recorded where."""
        self._running = True
        if not ctx.options.keep_host_header:
            # mitmproxy would replace the field before an addon sees how the client names the proxy.
            self._replaces_host = True
            ctx.options.update(keep_host_header=True)  # type: ignore[no-untyped-call]
        if ctx.options.gws_events:
            proxyserver = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
            self._send_event("ready", address=proxyserver.listen_addrs()[0][:2])
            # A thread, since not every system's event loop can wait for standard input.
            threading.Thread(target=self._stop_at_end_of_stdin, args=(ctx.master.shutdown,), daemon=True).start()
        else:
            if ctx.master.addons.get("termlog") is None:  # type: ignore[no-untyped-call]
                _repeat_at_the_end()
            self._say_what_is_recorded()

    def next_layer(self, nextlayer: NextLayer) -> None:
        """Name the server in TLS, as mitmproxy does where it replaces the Host field."""
        mode = nextlayer.context.client.proxy_mode
        if self._replaces_host and isinstance(mode, ReverseMode):
            nextlayer.context.server.sni = mode.address[0]

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Remember how the client names the proxy, and lead a request through the company's proxy."""
        mode = flow.client_conn.proxy_mode
        if isinstance(mode, ReverseMode) and ctx.options.keep_host_header:
            flow.metadata[_NAMED] = flow.request.host_header
            if self._replaces_host:
                flow.request.host_header = hostport(mode.scheme, *mode.address)
        if ctx.options.gws_via_environment and (proxy := proxy_for(server_of(flow.request.url))):
            flow.server_conn = connection.Server(address=flow.server_conn.address, tls=flow.server_conn.tls)
            parts = urlsplit(proxy)
            flow.server_conn.via = ("http", (parts.hostname or "", parts.port or 80))

    def http_connect_upstream(self, flow: http.HTTPFlow) -> None:
        """Authenticate to the company's proxy; its password stands in the environment alone."""
        proxy = proxy_for(f"https://{flow.request.host}:{flow.request.port}")
        user, password = (urlsplit(proxy).username, urlsplit(proxy).password) if proxy else (None, None)
        if ctx.options.gws_via_environment and user:
            credentials = f"{unquote(user)}:{unquote(password or '')}".encode()
            flow.request.headers["Proxy-Authorization"] = f"Basic {b64encode(credentials).decode()}"

    def request(self, flow: http.HTTPFlow) -> None:
        """Record a request; with a filter on responses that has to wait for the response."""
        if not self._writer:
            return
        if links := _links_of(flow):
            flow.request.data.headers.fields = links.request_fields(flow.request.data.headers.fields)
            _replace_body(flow.request, links.request_body)
        if self._needs_response:
            return
        if self._matches(flow):
            self._begin(self._writer, flow)
        else:
            self._leave_out(flow)

    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Record a complete response, and hold it until it is written."""
        if not self._writer or flow.response is None:
            return None
        if self._needs_response:
            if self._matches(flow):
                self._begin(self._writer, flow)
            else:
                self._leave_out(flow)
        written = self._record_response(self._writer, flow, flow.response) if flow.id in self._pending else None
        if links := _links_of(flow):
            is_browser = flow.request.headers.get("user-agent", "").startswith("Mozilla/")
            fields = links.response_fields(flow.response.data.headers.fields, is_browser=is_browser)
            flow.response.data.headers.fields = fields
            _replace_body(flow.response, links.response_body)
        return written

    def error(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Record that a request gets no response."""
        if not self._writer or not flow.error or flow.id not in self._pending:
            return None
        self._pending.remove(flow.id)
        problem = tls_problem(flow.error.msg, flow.request.pretty_host) or flow.error.msg
        return self._writer.held("broken", flow.id, self._steady(flow.error.timestamp), problem)

    def websocket_message(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Record a WebSocket message, and hold it until it is written."""
        if not self._writer or flow.websocket is None:
            return None
        message = flow.websocket.messages[-1]
        links = _links_of(flow) if message.is_text else None
        if links and message.from_client:
            message.content = links.message(message.content, from_client=True)
        written = None
        if self._matches_message(flow, message.content if message.is_text else b""):
            content = message.content.decode() if message.is_text else message.content
            seen = self._steady(message.timestamp)
            url, connection = flow.request.url, flow.client_conn.id
            written = self._writer.held("message", connection, url, seen, message.from_client, content)
        if links and not message.from_client:
            message.content = links.message(message.content, from_client=False)
        return written

    def done(self) -> None:
        """Save the cassette, and give back what was changed: a script that is loaded again looks at it."""
        self._finish()
        if self._replaces_host:
            ctx.options.update(keep_host_header=False)  # type: ignore[no-untyped-call]

    def _matches(self, flow: http.HTTPFlow) -> bool:
        if self._filter:
            return self._is_of_the_server(flow) and bool(self._filter(flow))
        return self._kind(flow) != "other" and self._is_of_the_server(flow)

    def _matches_message(self, flow: http.HTTPFlow, content: bytes) -> bool:
        return self._matches(flow) or (
            self._filter is None and is_bayeux_text(content) and self._is_of_the_server(flow)
        )

    def _is_of_the_server(self, flow: http.HTTPFlow) -> bool:
        return not self._server or server_of(flow.request.url) == self._server

    @staticmethod
    def _kind(flow: http.HTTPFlow) -> Kind:
        request = flow.request
        path = request.data.path
        if is_api(path):
            return "API"
        body, content_type = request.raw_content, request.headers.get("content-type", "")
        return "CometD" if is_cometd(request.method, path, body, content_type) else "other"

    def _leave_out(self, flow: http.HTTPFlow) -> None:
        self._left_out.add(self._kind(flow), flow.request.url)

    def _configure(self, updated: set[str]) -> None:
        options = ctx.options
        if "gws_filter" in updated:
            try:
                self._filter = flowfilter.parse(options.gws_filter) if options.gws_filter else None
            except ValueError as error:
                raise GwsReplayError(f"{options.gws_filter!r} is not a mitmproxy filter: {error}") from None
            self._needs_response = bool(_OF_THE_RESPONSE.search(options.gws_filter))
        if "gws_upstream" in updated:
            self._server = server_of(options.gws_upstream) if options.gws_upstream else ""
        if "gws_redact" in updated and options.gws_redact not in LEVELS:
            raise GwsReplayError(f"gws_redact must be {' or '.join(LEVELS)}, not {options.gws_redact!r}")
        if updated & {f"gws_{name}" for name in _RULES}:
            self._policy()
        if options.gws_cassette and "stream_large_bodies" in options and options.stream_large_bodies:
            raise GwsReplayError("stream_large_bodies lets bodies pass unrecorded: unset it to record into a cassette")
        if "gws_cassette" in updated:
            self._change_cassette(Path(options.gws_cassette) if options.gws_cassette else None)
            if not options.gws_cassette:
                self._fail("Nothing is recorded: name the cassette with --set gws_cassette=cassettes/NAME.yaml", 2)

    @staticmethod
    def _policy() -> Policy:
        """Return the options' rules with those of pyproject.toml; a change applies from the next cassette on."""
        rules = {name: getattr(ctx.options, f"gws_{name}") for name in _RULES}
        return policy_of(ctx.options.gws_redact, rules, "an option gws_*")

    def _change_cassette(self, cassette: Path | None) -> None:
        if self._writer and self._writer.cassette == cassette:
            return  # mitmproxy takes back an option that was refused; the recording goes on
        policy = self._policy()
        split, force = ctx.options.gws_split, ctx.options.gws_force
        Split.parse(split)
        mode = "regular" if ctx.options.mode == ["regular"] else "reverse"
        writer = None
        if cassette:
            writer = WriterProcess(self._receive, cassette, _RECORDER, policy, split=split, force=force, mode=mode)
        self._finish()
        self._writer = writer
        if self._running:
            self._say_what_is_recorded()

    def _say_what_is_recorded(self) -> None:
        """As warnings: the console and mitmweb show no others to a user who does not look for them."""
        if self._writer:
            what = ctx.options.gws_filter or "every known API, and CometD at any path"
            _log.warning("Recording %s into %s", what, self._writer.cassette)
            if ctx.options.gws_redact == "none":
                _log.warning("gws_redact=none: passwords and personal data are written to %s", self._writer.cassette)

    def _begin(self, writer: WriterProcess, flow: http.HTTPFlow) -> None:
        request = flows.raw_request(flow)
        if flow.request.raw_content is None:
            writer.begun("unread", *request)
        else:
            self._pending.add(flow.id)
            writer.begun("begun", flow.id, self._steady(flow.request.timestamp_start), flow.client_conn.id, *request)

    def _record_response(self, writer: WriterProcess, flow: http.HTTPFlow, response: http.Response) -> Awaitable[None]:
        self._pending.remove(flow.id)
        if response.raw_content is None:
            return writer.held("streamed", flow.id)
        ended = self._steady(response.timestamp_end or response.timestamp_start)
        return writer.held("answered", flow.id, ended, *flows.raw_response(response))

    def _finish(self) -> None:
        if self._writer:
            writer, self._writer = self._writer, None
            writer.begun("left_out", self._left_out.counts())
            writer.finish()
        self._left_out = LeftOut()
        self._pending.clear()
        self._show()

    def _receive(self, kind: str, *values: Any) -> None:
        """Pass on what the writer sends."""
        if kind == "lines":
            self._add_lines(*values)
            return
        if kind == "restarted":
            (sentence,) = values
            if ctx.options.gws_events:
                self._add_lines([sentence])
            else:
                _log.warning("%s", sentence)
            return
        self._show()  # what was seen before
        if kind == "saved":
            self._saved(*values)
            return
        if kind == "ended":
            self._writer = None
        self._fail(*values)

    def _saved(self, fields: Mapping[str, Any]) -> None:
        if ctx.options.gws_events:
            self._send_event("saved", **fields)
        else:
            _log.warning(fields["text"])

    @staticmethod
    def _stop_at_end_of_stdin(shutdown: Callable[[], None]) -> None:
        sys.stdin.buffer.read()
        shutdown()

    def _add_lines(self, lines: Sequence[str]) -> None:
        """Show live lines soon: a log call for each would cost more than all the recording does."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_SHOW_EVERY, self._show)
        self._lines += lines

    def _show(self) -> None:
        lines, self._lines = self._lines, []
        if lines and ctx.options.gws_events:
            self._send_event("live", lines=lines)
        elif lines:
            _log.info("\n".join(lines))

    def _fail(self, text: str, exit_code: int) -> None:
        if ctx.options.gws_events:
            self._send_event("failed", text=text, exit_code=exit_code)
        _log.error("%s", text)

    def _send_event(self, kind: str, **fields: object) -> None:
        with suppress(BrokenPipeError):  # `gws-replay record` was killed; what it started is finished all the same
            event = f"{EVENT_PREFIX}{json.dumps({'kind': kind, **fields})}\n"  # in one piece: threads write as well
            print(event, end="", flush=True)  # noqa: T201 (the recorder reads it)


def _repeat_at_the_end() -> None:
    """Print warnings and errors when the process ends: mitmproxy's console shows them for five seconds each."""
    if not any(isinstance(each, logging.handlers.MemoryHandler) for each in _log.handlers):  # not loaded again
        repeated = logging.handlers.MemoryHandler(sys.maxsize, sys.maxsize, logging.StreamHandler(sys.stderr))
        repeated.setLevel(logging.WARNING)
        _log.addHandler(repeated)


def _links_of(flow: http.HTTPFlow) -> ReverseLinks | None:
    """Return what a reverse proxy changes in a flow; None in other modes."""
    mode = flow.client_conn.proxy_mode
    if not isinstance(mode, ReverseMode):
        return None
    scheme = "https" if flow.client_conn.tls else "http"
    own = flow.client_conn.sockname[:2]
    return links_between(mode.scheme, mode.address, scheme, own, flow.metadata.get(_NAMED) or "")


def _replace_body(message: http.Message, change: Callable[[bytes, str], bytes]) -> None:
    """Change a body; one that cannot be decoded, or holds nothing to change, stays byte for byte."""
    if not message.raw_content:
        return
    with suppress(ValueError):
        body = message.get_content(strict=True) or b""
        changed = change(body, message.headers.get("content-type", ""))
        if changed != body:
            message.content = changed


addons = [GwsRecorder()]
