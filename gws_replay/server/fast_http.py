"""Edge: HTTP/1.1 for plain requests, which nearly all are: aiohttp takes far longer.

A request is plain if it has a length or no body, asks for nothing special of the connection, and is not CometD. At the
first request that is not plain, its connection, with all that was read of it, goes over to aiohttp and stays there.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from gws_replay.core.bayeux.over_http import is_cometd
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.miss import Miss
from gws_replay.playback.sessions import LiveUser
from gws_replay.server import control
from gws_replay.server.idle_connections import OpenConnections
from gws_replay.server.played import Played
from gws_replay.server.rest import BODILESS, RestResponse, failed, missed
from gws_replay.server.unread_bytes import until_read

HOST: Final = re.compile(r"[\w.:\[\]-]+")
# How long the notifications after a response wait for a client that does not read it.
READ_PATIENCE: Final = 1.0
LONGEST_HEAD: Final = 2**16
_LONGEST_KEPT_HEAD: Final = 2**13
_LONGEST_BODY: Final = 2**20
_READ_AT_ONCE: Final = 2**16
# Clients may write methods in lower case. What OPTIONS and CONNECT ask for is left to aiohttp.
_LINE: Final = re.compile(rb"(?!(?i:OPTIONS|CONNECT) )([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (/[!-~]*) HTTP/1\.1")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
# A request with one of these is left to aiohttp.
_SPECIAL: Final = frozenset({"content-encoding", "expect", "origin", "te", "trailer", "transfer-encoding", "upgrade"})
_MOST_KEPT: Final = 1000


class Fallback(Protocol):
    """What a connection goes over to. It takes long to load, so that happens in a thread, when it is first needed."""

    is_loaded: bool

    def load(self) -> None:
        """Load it, in a thread."""

    def protocol(self) -> asyncio.Protocol:
        """Return the protocol of one connection."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a plain request, and how long its body is."""

    method: str
    uri: str
    headers: Headers
    host: str
    cookie: str
    length: int
    may_be_cometd: bool


class FastHttp:
    """What the connections of one server share: what is played, and the heads that were parsed, as most come again."""

    def __init__(self, played: Played, scheme: str, idle: float) -> None:
        self.played = played
        self.scheme = scheme
        self.open = OpenConnections(idle)
        # What a connection reads into, and takes out at once: memory for each read would cost more than all else.
        self.read_buffer: Final = memoryview(bytearray(_READ_AT_ONCE))
        self._kept: Final = lru_cache(_MOST_KEPT)(_parsed)

    def head(self, lines: bytes) -> Head | None:
        """Return the head of a plain request, by its lines; None for any other."""
        return self._kept(lines) if len(lines) <= _LONGEST_KEPT_HEAD else _parsed(lines)


def _parsed(lines: bytes) -> Head | None:
    first, *rest = lines.split(b"\r\n")
    line = _LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(field) for field in rest]
    if not line or not all(fields):
        return None
    pairs = [(one[1].decode(), one[2].rstrip().decode("utf-8", "surrogateescape")) for one in fields if one]
    found = {name.lower(): value for name, value in pairs}
    length, host = found.get("content-length", "0"), found.get("host", "")
    is_plain = (
        _SPECIAL.isdisjoint(found)
        and found.get("connection", "keep-alive").lower() == "keep-alive"
        and len(found) == len(pairs)
        and (length.isascii() and length.isdigit() and int(length) <= _LONGEST_BODY)
        and HOST.fullmatch(host)
        and not line[2].startswith(control.PATH.encode())
    )
    if not is_plain:
        return None
    headers = Headers(tuple(pairs))
    method, target = line[1].decode().upper(), line[2].decode()
    uri = f"http://{host}{target}"
    is_form = "x-www-form-urlencoded" in found.get("content-type", "")
    return Head(
        method, uri, headers, host, found.get("cookie", ""), int(length), may_be_cometd=is_form or "jsonp=" in target
    )


class FastConnection(asyncio.BufferedProtocol):
    """One connection, until a request comes that is not plain."""

    def __init__(self, shared: FastHttp, fallback: Fallback) -> None:
        self._shared = shared
        self._fallback = fallback
        self._buffer = b""
        self.since = shared.open.now()
        self._responding: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self._shared.open.add(self)

    def abort(self) -> "asyncio.Task[None] | None":
        """Close the connection at once; return the response that was waited for."""
        if self.transport:
            self.transport.abort()
        if self._responding:
            self._responding.cancel()
        return self._responding

    def connection_lost(self, _error: Exception | None) -> None:
        """End: a response that is waited for is given up."""
        self._shared.open.discard(self)
        self.transport = None
        if self._responding:
            self._responding.cancel()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return the memory to read into."""
        return self._shared.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read, and respond to all requests that are complete, one after the other."""
        if not self._buffer and self._responding is None:
            self.since = self._shared.open.now()
        self._buffer += self._shared.read_buffer[:nbytes]
        if self._responding is None:
            self._go_on()
        elif self.transport and len(self._buffer) > _LONGEST_BODY:
            self.transport.pause_reading()

    def _go_on(self) -> None:
        try:
            self._respond_to_all()
        except Exception:  # noqa: BLE001 (an error of the server itself: aiohttp's handler meets it too, and reports it)
            self._hand_over()

    def _respond_to_all(self) -> None:
        while self._buffer and self.transport and self._responding is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > LONGEST_HEAD:
                    self._hand_over()
                return
            head = self._shared.head(self._buffer[:end]) if end <= LONGEST_HEAD else None
            if head is None or not self._shared.played.is_open:
                self._hand_over()
                return
            over = end + 4 + head.length
            if len(self._buffer) < over:
                return
            body = self._buffer[end + 4 : over]
            request = Request(method=head.method, uri=head.uri, headers=head.headers, body=body)
            if (head.may_be_cometd or b'"channel"' in body) and is_cometd(request):
                self._hand_over()
                return
            self._buffer = self._buffer[over:]
            self._respond(head, request)

    def _respond(self, head: Head, request: Request) -> None:
        rest = self._shared.played.rest
        try:
            user = rest.user(request)
            send = rest.begin(user, request)
            if isinstance(send, Miss):
                self._write(missed(send), head)
            elif self._takes_time(send):
                self._responding = asyncio.get_running_loop().create_task(self._respond_later(head, user, send))
                self.since = float("inf")
            else:
                try:
                    self._write(rest.response(user, send, origin=self._origin(head), cookie=head.cookie), head)
                finally:
                    rest.sessions.finish(user, send)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to know)
            self._fail(head, error)

    def _takes_time(self, send: Send) -> bool:
        rest = self._shared.played.rest
        waits = send.after or send.led or send.outcome != "response" or rest.is_followed(send) or rest.is_heavy(send)
        return bool(waits) or not self._writable.is_set()

    async def _respond_later(self, head: Head, user: LiveUser, send: Send) -> None:
        rest = self._shared.played.rest
        try:
            try:
                await rest.sessions.wait_async(user, send)
                if send.outcome == "response":
                    self._write(
                        await rest.response_async(user, send, origin=self._origin(head), cookie=head.cookie), head
                    )
                    await self._writable.wait()
                    if rest.is_followed(send):
                        await until_read(self.transport, READ_PATIENCE)
                else:
                    await rest.until_given_up(send)
                    if self.transport:
                        self.transport.abort()
            finally:
                rest.sessions.finish(user, send)
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(head, error)
        self._responding = None
        self.since = self._shared.open.now()
        if self.transport:
            self.transport.resume_reading()
        self._go_on()

    def _origin(self, head: Head) -> str:
        return f"{self._shared.scheme}://{head.host}"

    def _fail(self, head: Head, error: Exception) -> None:
        path = urlsplit(head.uri).path
        self._write(failed(500, self._shared.played.rest.fault(head.method, path, error), path=path), head)

    def _write(self, response: RestResponse, head: Head) -> None:
        if self.transport is None:
            return
        start = response.shared.start(response.status, response.reason)
        length = response.content_length(head.method)
        stated = "" if length is None else f"Content-Length: {length}\r\n"
        body = b"" if response.status in BODILESS or head.method == "HEAD" else response.body
        rest = f"{stated}Date: {_date(int(time.time()))}\r\n\r\n"
        self.transport.write(b"".join((start, rest.encode(), body)))

    async def _load_and_hand_over(self) -> None:
        await asyncio.to_thread(self._fallback.load)
        self._responding = None
        self._hand_over()

    def _hand_over(self) -> None:
        """Let aiohttp have the connection, with what was read of it."""
        if not self._fallback.is_loaded:
            self._responding = asyncio.get_running_loop().create_task(self._load_and_hand_over())
            self.since = float("inf")
            return
        transport, self.transport = self.transport, None
        self._shared.open.discard(self)
        if transport:
            handler = self._fallback.protocol()
            transport.set_protocol(handler)
            handler.connection_made(transport)
            handler.data_received(self._buffer)
            self._buffer = b""


@lru_cache(1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
