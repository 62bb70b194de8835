"""Edge: the mitmproxy addon that records GWS traffic. Load it with `mitmdump -s "$(gws-replay addon)"`.

It takes what passes, and changes nothing: the client sees a message when the writer, a process of its own, has written
it to the journal. mitmproxy loads this file as a script, outside the package, so all imports are absolute.
"""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, flowfilter, http
from mitmproxy.addonmanager import Loader

from gws_replay.core.redaction.policy import LEVELS, Policy
from gws_replay.errors import GwsReplayError
from gws_replay.formats import flow as flows
from gws_replay.recording.clock import SteadyTimes
from gws_replay.recording.default_filter import DEFAULT_FILTER, is_recorded
from gws_replay.recording.split import Split
from gws_replay.recording.writer_client import WriterProcess
from gws_replay.settings.redaction import policy_of

_OF_THE_RESPONSE = re.compile(r"~(s|c|b|bs|h|hs|t|ts|a|e)\b")
_SHOW_EVERY = 0.1
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
    """Records matching flows into a cassette, by way of its writer."""

    def __init__(self) -> None:
        self._writer: WriterProcess | None = None
        self._asked: set[str] = set()  # the ids of the requests that wait for their answers
        self._filter: flowfilter.TFilter = flowfilter.parse(DEFAULT_FILTER)
        self._steady = SteadyTimes()
        self._is_default = True
        self._late = False
        self._running = False
        self._stopping: asyncio.Task[None] | None = None
        self._lines: list[str] = []

    def load(self, loader: Loader) -> None:
        """Declare the options."""
        loader.add_option("gws_cassette", str, "", "Record GWS traffic to this cassette (.yaml or .json).")
        loader.add_option("gws_filter", str, DEFAULT_FILTER, "Record only flows that match this mitmproxy filter.")
        loader.add_option("gws_redact", str, "all", "What to redact before anything is written.", choices=LEVELS)
        for name, what in _RULES.items():
            loader.add_option(f"gws_{name}", Sequence[str], [], what)
        loader.add_option("gws_split", str, "", "Go on in NAME.2.yaml, NAME.3.yaml ... after 100MB, or 1h.")
        loader.add_option("gws_force", bool, False, "Replace the cassette if it exists.")
        loader.add_option("gws_events", bool, False, "Speak to `gws-replay record` over stdin and stdout.")

    def configure(self, updated: set[str]) -> None:
        """Take over changed options; a new cassette ends the recording before it."""
        try:
            self._configure(updated)
        except GwsReplayError as error:
            if self._running or self._writer:
                raise exceptions.OptionsError(str(error)) from None  # type: ignore[no-untyped-call]
            self._fail(
                str(error), error.exit_code
            )  # an error that is logged while mitmproxy starts ends it, without a traceback

    def running(self) -> None:
        """Tell `gws-replay record` the address, and stop when it goes away."""
        self._running = True
        if ctx.options.gws_events:
            proxyserver = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
            self._tell("ready", address=proxyserver.listen_addrs()[0][:2])
            self._stopping = asyncio.get_running_loop().create_task(self._stop_at_end_of_stdin())

    def request(self, flow: http.HTTPFlow) -> None:
        """Take a request; a filter that speaks of the response is asked when that is there."""
        if self._writer and not self._late and self._matches(flow):
            self._begin(self._writer, flow)

    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Take a complete response, and hold it until it is written."""
        if not self._writer or flow.response is None:
            return None
        if self._late and self._matches(flow):
            self._begin(self._writer, flow)
        if flow.id not in self._asked:
            return None
        self._asked.remove(flow.id)
        if flow.response.raw_content is None:
            return self._writer.held("streamed", flow.id)
        ended = self._steady(flow.response.timestamp_end or flow.response.timestamp_start)
        return self._writer.held("answered", flow.id, ended, *flows.raw_response(flow.response))

    def error(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Take that a request will get no answer."""
        if not self._writer or not flow.error or flow.id not in self._asked:
            return None
        self._asked.remove(flow.id)
        return self._writer.held("broken", flow.id, self._steady(flow.error.timestamp), flow.error.msg)

    def websocket_message(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Take a WebSocket message, and hold it until it is written."""
        if not self._writer or flow.websocket is None or not self._matches(flow):
            return None
        message = flow.websocket.messages[-1]
        if not message.is_text:
            return None
        seen = self._steady(message.timestamp)
        return self._writer.held("message", flow.request.url, seen, message.from_client, message.content.decode())

    def done(self) -> None:
        """Save the cassette."""
        self._finish()

    def _matches(self, flow: http.HTTPFlow) -> bool:
        # What the default looks for in the URL is nearly always in the path; to spell the whole URL takes longer.
        return (self._is_default and is_recorded(flow.request.data.path)) or bool(self._filter(flow))

    def _configure(self, updated: set[str]) -> None:
        if "gws_filter" in updated:
            try:
                self._filter = flowfilter.parse(ctx.options.gws_filter)
            except ValueError as error:
                raise GwsReplayError(f"{ctx.options.gws_filter!r} is no mitmproxy filter: {error}") from None
            self._is_default = ctx.options.gws_filter == DEFAULT_FILTER
            self._late = bool(_OF_THE_RESPONSE.search(ctx.options.gws_filter))
        if "gws_redact" in updated and ctx.options.gws_redact not in LEVELS:
            raise GwsReplayError(f"gws_redact is {' or '.join(LEVELS)}, not {ctx.options.gws_redact!r}")
        if updated & {f"gws_{name}" for name in _RULES}:
            self._policy()
        if "gws_cassette" in updated:
            self._change_cassette(Path(ctx.options.gws_cassette) if ctx.options.gws_cassette else None)

    @staticmethod
    def _policy() -> Policy:
        """Return what the options ask for, with the rules of pyproject.toml; a change counts from the next cassette."""
        rules = {name: getattr(ctx.options, f"gws_{name}") for name in _RULES}
        return policy_of(ctx.options.gws_redact, rules, "an option gws_*")

    def _change_cassette(self, cassette: Path | None) -> None:
        if self._writer and self._writer.cassette == cassette:
            return  # mitmproxy takes back an option that was refused; the recording goes on
        policy = self._policy()
        split, force = ctx.options.gws_split, ctx.options.gws_force
        Split.parse(split)
        claimed = WriterProcess(self._hear, cassette, _RECORDER, policy, split=split, force=force) if cassette else None
        self._finish()
        self._writer = claimed
        if cassette and policy.level == "none":
            _log.warning("gws_redact=none: passwords and personal data are written to %s", cassette)

    def _begin(self, writer: WriterProcess, flow: http.HTTPFlow) -> None:
        request = flows.raw_request(flow)
        if flow.request.raw_content is None:
            writer.begun("unread", *request)
        else:
            self._asked.add(flow.id)
            writer.begun("begun", flow.id, self._steady(flow.request.timestamp_start), *request)

    def _finish(self) -> None:
        if self._writer:
            recording, self._writer = self._writer, None
            recording.finish()
        self._asked.clear()
        self._show()

    def _hear(self, kind: str, *told: Any) -> None:
        """Pass on what the writer says."""
        if kind == "lines":
            self._say(*told)
            return
        self._show()  # what was seen before
        if kind == "saved":
            self._saved(*told)
            return
        if kind == "ended":
            self._writer = None
        self._fail(*told)

    def _saved(self, fields: Mapping[str, Any]) -> None:
        if ctx.options.gws_events:
            self._tell("saved", **fields)
        else:
            _log.info(fields["text"])

    async def _stop_at_end_of_stdin(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()
        ctx.master.shutdown()  # type: ignore[no-untyped-call]

    def _say(self, lines: Sequence[str]) -> None:
        """Show live lines soon: a log call for each would cost more than all the recording does."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_SHOW_EVERY, self._show)
        self._lines += lines

    def _show(self) -> None:
        lines, self._lines = self._lines, []
        if lines and ctx.options.gws_events:
            self._tell("live", lines=lines)
        elif lines:
            _log.info("\n".join(lines))

    def _fail(self, text: str, exit_code: int) -> None:
        if ctx.options.gws_events:
            self._tell("failed", text=text, exit_code=exit_code)
        _log.error("%s", text)

    def _tell(self, kind: str, **fields: object) -> None:
        with suppress(BrokenPipeError):  # `gws-replay record` was killed; what it started is finished all the same
            event = f"{EVENT_PREFIX}{json.dumps({'kind': kind, **fields})}\n"  # in one piece: threads tell as well
            print(event, end="", flush=True)  # noqa: T201 (the recorder reads it)


addons = [GwsRecorder()]
