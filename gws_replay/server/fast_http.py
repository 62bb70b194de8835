"""Edge: the short way through HTTP/1.1, for the plain requests that nearly all are: aiohttp takes far longer.

A request is plain when it has a length or no body, asks for nothing special of the connection, and is no Bayeux. At the
first that is not, its connection with all that was read of it is handed over to aiohttp, and stays there.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.model import Headers, Request
from gws_replay.core.replay.run import Miss, Send
from gws_replay.playback.sessions import LiveUser
from gws_replay.server import control as server_control
from gws_replay.server.idle_connections import OpenConnections
from gws_replay.server.rest import BODILESS, Answer, Rest, failed, missed
from gws_replay.server.unread_bytes import until_read

HOST: Final = re.compile(r"[\w.:\[\]-]+")
# How long the notifications after an answer wait for a client that does not read it.
READ_PATIENCE: Final = 1.0
_LONGEST_HEAD: Final = 8190
_LONGEST_BODY: Final = 2**20
_READ_AT_ONCE: Final = 2**16
_LINE: Final = re.compile(rb"(GET|POST|PUT|DELETE|PATCH) (/[!-~]*) HTTP/1\.1")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
# A request with one of these is left to aiohttp.
_SPECIAL: Final = frozenset({"content-encoding", "expect", "origin", "te", "trailer", "transfer-encoding", "upgrade"})
_MOST_KEPT: Final = 1000
Fallback = Callable[[], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a plain request, the user of its user, and how long its body is."""

    method: str
    uri: str
    headers: Headers
    host: str
    length: int
    user: LiveUser
    may_be_cometd: bool


class Short:
    """What the connections of one server share: what is answered, and the heads that were seen, as most come again."""

    def __init__(self, rest: Rest, scheme: str, idle: float) -> None:
        self.rest = rest
        self.scheme = scheme
        self.open = OpenConnections(idle)
        # What a connection reads into, and takes out at once: memory for each read would cost more than all else.
        self.lent: Final = memoryview(bytearray(_READ_AT_ONCE))
        # The head of a plain request, by its lines; None for any other.
        self.head: Final = lru_cache(_MOST_KEPT)(self._parsed)

    def _parsed(self, lines: bytes) -> Head | None:
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
            and not line[2].startswith(server_control.PATH.encode())
        )
        if not is_plain:
            return None
        headers = Headers(tuple(pairs))
        user = self.rest.sessions.user(headers)
        method, target = line[1].decode(), line[2].decode()
        uri = f"http://{host}{target}"
        empty = _is_cometd(Request(method=method, uri=uri, headers=headers))
        is_form = "x-www-form-urlencoded" in found.get("content-type", "")
        return Head(method, uri, headers, host, int(length), user, empty or is_form)


class Front(asyncio.BufferedProtocol):
    """One connection, until a request comes that is not plain."""

    def __init__(self, short: Short, fallback: Fallback) -> None:
        self._short = short
        self._fallback = fallback
        self._buffer = b""
        self.since = short.open.now()
        self._answering: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self._short.open.add(self)

    def abort(self) -> "asyncio.Task[None] | None":
        """Close the connection at once; return the answer that was waited for."""
        if self.transport:
            self.transport.abort()
        if self._answering:
            self._answering.cancel()
        return self._answering

    def connection_lost(self, _error: Exception | None) -> None:
        """End: an answer that is waited for is given up."""
        self._short.open.discard(self)
        self.transport = None
        if self._answering:
            self._answering.cancel()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Lend the memory that is read into."""
        return self._short.lent

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came, and answer all requests that are complete, one after the other."""
        if not self._buffer and self._answering is None:
            self.since = self._short.open.now()
        self._buffer += self._short.lent[:nbytes]
        if self._answering is None:
            self._go_on()
        elif self.transport and len(self._buffer) > _LONGEST_BODY:
            self.transport.pause_reading()

    def _go_on(self) -> None:
        try:
            self._answer_all()
        except Exception:  # noqa: BLE001 (a fault of our own: whoever answers in our place meets it, and says so)
            self._hand_over()

    def _answer_all(self) -> None:
        while self._buffer and self.transport and self._answering is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > _LONGEST_HEAD:
                    self._hand_over()
                return
            head = self._short.head(self._buffer[:end]) if end <= _LONGEST_HEAD else None
            if head is None:
                self._hand_over()
                return
            over = end + 4 + head.length
            if len(self._buffer) < over:
                return
            body = self._buffer[end + 4 : over]
            asked = Request(method=head.method, uri=head.uri, headers=head.headers, body=body)
            if (head.may_be_cometd or b'"channel"' in body) and _is_cometd(asked):
                self._hand_over()
                return
            self._buffer = self._buffer[over:]
            self._answer(head, asked)

    def _answer(self, head: Head, asked: Request) -> None:
        rest, user = self._short.rest, head.user
        try:
            send = rest.begin(user, asked)
            if isinstance(send, Miss):
                self._write(missed(send))
            elif send.after or send.led or rest.is_followed(send) or not self._writable.is_set():
                self._answering = asyncio.get_running_loop().create_task(self._answer_later(head, send))
                self.since = float("inf")
            else:
                try:
                    self._send(head, send)
                finally:
                    rest.sessions.finish(user, send)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to hear of it)
            self._fail(head, error)

    async def _answer_later(self, head: Head, send: Send) -> None:
        rest, user = self._short.rest, head.user
        try:
            try:
                await rest.sessions.wait_async(user, send)
                self._send(head, send)
                await self._writable.wait()
                if rest.is_followed(send):
                    await until_read(self.transport, READ_PATIENCE)
            finally:
                rest.sessions.finish(user, send)
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(head, error)
        self._answering = None
        self.since = self._short.open.now()
        if self.transport:
            self.transport.resume_reading()
        self._go_on()

    def _send(self, head: Head, send: Send) -> None:
        origin = f"{self._short.scheme}://{head.host}"
        self._write(self._short.rest.answer(head.user, send, origin=origin, asked=head.headers))

    def _fail(self, head: Head, error: Exception) -> None:
        self._write(failed(500, self._short.rest.fault(head.method, urlsplit(head.uri).path, error)))

    def _write(self, answer: Answer) -> None:
        if self.transport is None:
            return
        start = answer.shared.start(answer.status, answer.reason)
        own = "".join(f"{name}: {value}\r\n" for name, value in answer.own) if answer.own else ""
        body = b"" if answer.status in BODILESS else answer.body
        length = "" if answer.status in BODILESS else f"Content-Length: {len(body)}\r\n"
        rest = f"{own}{length}Date: {_date(int(time.time()))}\r\n\r\n"
        self.transport.write(b"".join((start, rest.encode(), body)))

    def _hand_over(self) -> None:
        """Let aiohttp have the connection, with what was read of it."""
        transport, self.transport = self.transport, None
        self._short.open.discard(self)
        if transport:
            handler = self._fallback()
            transport.set_protocol(handler)
            handler.connection_made(transport)
            handler.data_received(self._buffer)
            self._buffer = b""


def _is_cometd(asked: Request) -> bool:
    try:
        return bayeux_http.is_cometd(asked)
    except Exception:  # noqa: BLE001 (a fault of ours: the handler of all that is special tells of it)
        return True


@lru_cache(1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
