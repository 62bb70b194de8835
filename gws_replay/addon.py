"""Edge: the mitmproxy addon that records GWS traffic. Load it with `mitmdump -s "$(gws-replay addon)"`.

It reads, and never changes or holds, what passes: each finished message is redacted and written to the journal before
the client sees it. mitmproxy loads this file as a script, outside the package, so all imports are absolute.
"""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from mitmproxy import ctx, exceptions, flowfilter, http
from mitmproxy.addonmanager import Loader

from gws_replay.core.compile import Compiled
from gws_replay.core.model import Frame
from gws_replay.core.policy import LEVELS, Policy
from gws_replay.errors import GwsReplayError
from gws_replay.formats import flow as flows
from gws_replay.redaction import policy_of, redactor
from gws_replay.reports import live
from gws_replay.split import Split
from gws_replay.steady import SteadyTimes
from gws_replay.taking import Taking

DEFAULT_FILTER = "~u /api/v2/"
_OF_THE_RESPONSE = re.compile(r"~(s|c|b|bs|h|hs|t|ts|a|e)\b")
_STREAMED = "its body was streamed past the recorder"
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
    """Records matching flows into a journal, and compiles it into the cassette at the end."""

    def __init__(self) -> None:
        self._taking: Taking | None = None
        self._filter: flowfilter.TFilter = flowfilter.parse(DEFAULT_FILTER)
        self._steady = SteadyTimes()
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
            if self._running or self._taking:
                raise exceptions.OptionsError(str(error)) from None  # type: ignore[no-untyped-call]
            self._fail(error)  # an error that is logged while mitmproxy starts ends it, without a traceback

    def running(self) -> None:
        """Tell `gws-replay record` the address, and stop when it goes away."""
        self._running = True
        if ctx.options.gws_events:
            proxyserver = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
            self._tell("ready", address=proxyserver.listen_addrs()[0][:2])
            self._stopping = asyncio.get_running_loop().create_task(self._stop_at_end_of_stdin())

    def request(self, flow: http.HTTPFlow) -> None:
        """Write down that a request began; a filter that speaks of the response is asked when that is there."""
        if self._taking and not self._late and self._filter(flow):
            with self._kept():
                self._begin(self._taking, flow)

    def response(self, flow: http.HTTPFlow) -> None:
        """Write down a complete response."""
        if not self._taking or flow.response is None:
            return
        with self._kept():
            if self._late and self._filter(flow):
                self._begin(self._taking, flow)
            if flow.response.raw_content is None:
                if request := self._taking.forget(flow.id):
                    self._say(live.failure_line(request, _STREAMED))
                return
            ended = self._steady(flow.response.timestamp_end or flow.response.timestamp_start)
            if found := self._taking.answered(flow.id, ended, flows.response_of(flow.response)):
                asked, response = found
                if live.is_bayeux(asked.request):
                    self._say(*live.notification_lines(response.body))
                else:
                    self._say(live.exchange_line(asked.request, response, ended - asked.began))

    def error(self, flow: http.HTTPFlow) -> None:
        """Write down that a request will get no answer."""
        if not self._taking or not flow.error:
            return
        with self._kept():
            request = self._taking.broken(flow.id, self._steady(flow.error.timestamp), flow.error.msg)
            if request and not live.is_bayeux(request):
                self._say(live.failure_line(request, flow.error.msg))

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Write down a WebSocket message."""
        if not self._taking or flow.websocket is None or not self._filter(flow):
            return
        message = flow.websocket.messages[-1]
        if not message.is_text:
            return
        with self._kept():
            frame = self._taking.framed(
                Frame(
                    uri=flow.request.url,
                    seen=self._steady(message.timestamp),
                    from_client=message.from_client,
                    text=message.content.decode(),
                )
            )
            if not frame.from_client:
                self._say(*live.notification_lines(frame.text))

    def done(self) -> None:
        """Save the cassette."""
        self._finish()

    def _configure(self, updated: set[str]) -> None:
        if "gws_filter" in updated:
            try:
                self._filter = flowfilter.parse(ctx.options.gws_filter)
            except ValueError as error:
                raise GwsReplayError(f"{ctx.options.gws_filter!r} is no mitmproxy filter: {error}") from None
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
        if self._taking and self._taking.cassette == cassette:
            return  # mitmproxy takes back an option that was refused; the recording goes on
        chosen = redactor(self._policy())
        split, force = Split.parse(ctx.options.gws_split), ctx.options.gws_force
        claimed = (
            Taking(cassette, chosen, _RECORDER, force=force, split=split, saved=self._saved, failed=self._fail)
            if cassette
            else None
        )
        self._finish()
        self._taking = claimed
        if cassette and chosen.policy.level == "none":
            _log.warning("gws_redact=none: passwords and personal data are written to %s", cassette)

    def _begin(self, taking: Taking, flow: http.HTTPFlow) -> None:
        request = flows.request_of(flow)
        if flow.request.raw_content is None:
            self._say(live.failure_line(taking.redacted(request), _STREAMED))
        else:
            taking.begun(flow.id, self._steady(flow.request.timestamp_start), request)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Stop recording when the disk refuses; the traffic goes on."""
        try:
            yield
        except GwsReplayError as error:
            if self._taking:
                self._taking.close()
            self._taking = None
            self._fail(error)

    def _finish(self) -> None:
        self._show()
        if self._taking:
            recording, self._taking = self._taking, None
            recording.finish()

    def _saved(self, path: Path, compiled: Compiled) -> None:
        text = live.summary(compiled, str(path))
        if not ctx.options.gws_events:
            _log.info(text)
            return
        cassette = compiled.cassette
        self._tell(
            "saved",
            text=text,
            path=str(path),
            interactions=len(cassette.interactions),
            notifications=len(cassette.notifications),
            notes=list(compiled.notes),
        )

    async def _stop_at_end_of_stdin(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()
        ctx.master.shutdown()  # type: ignore[no-untyped-call]

    def _say(self, *lines: str) -> None:
        """Show live lines soon: a log call for each would cost more than all the recording does."""
        if lines and not self._lines:
            asyncio.get_running_loop().call_later(_SHOW_EVERY, self._show)
        self._lines += lines

    def _show(self) -> None:
        lines, self._lines = self._lines, []
        if lines and ctx.options.gws_events:
            self._tell("live", lines=lines)
        elif lines:
            _log.info("\n".join(lines))

    def _fail(self, error: GwsReplayError) -> None:
        if ctx.options.gws_events:
            self._tell("failed", text=str(error), exit_code=error.exit_code)
        _log.error("%s", error)

    def _tell(self, kind: str, **fields: object) -> None:
        with suppress(BrokenPipeError):  # `gws-replay record` was killed; what it started is finished all the same
            event = f"{EVENT_PREFIX}{json.dumps({'kind': kind, **fields})}\n"  # in one piece: threads tell as well
            print(event, end="", flush=True)  # noqa: T201 (the recorder reads it)


addons = [GwsRecorder()]
