"""Edge: values in an unnamed file, read again one by one: a recording may be larger than the memory.

In memory is only where each stands, and when it was.
"""

import marshal
import tempfile
import weakref
from array import array
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from gws_replay.core.model import Exchange, Headers, LazySequence, Notification, Request, Response, WebSocketMessage

_T = TypeVar("_T")
_Fields = tuple[Any, ...]
# How many values are kept once they were read: what is compared stands near together.
_KEPT = 64


class Spool(Generic[_T]):
    """Values in a file of the folder that nobody else sees, and that goes when this does; raises OSError."""

    def __init__(self, folder: Path, pack: Callable[[_T], _Fields], unpack: Callable[..., _T]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it is open as long as the spool is used)
        # Not __del__: where a cycle holds both, the file may be collected first, and complain that it is open.
        self._closing = weakref.finalize(self, _close, self._file)
        self._pack = pack
        self._unpack = unpack
        self._ends = array("Q", [0])
        self._times = array("d")
        self._besides = array("d")
        self._tags = array("l")

    def close(self) -> None:
        """Let go of the file; whoever looks at what is in it holds the spool."""
        self._closing()

    def add(self, value: _T, at: float, beside: float = 0.0, tag: int = 0) -> None:
        """Take up a value; of several with the same time, that with the lesser `beside` comes first."""
        packed = marshal.dumps(self._pack(value))
        self._file.write(packed)
        self._ends.append(self._ends[-1] + len(packed))
        self._times.append(at)
        self._besides.append(beside)
        self._tags.append(tag)

    def by_time(self, change: Callable[[_T, int], _T], without: AbstractSet[int] = frozenset()) -> Sequence[_T]:
        """Return the values in order of time, each changed when it is read; less those with a tag of `without`."""
        self._file.flush()
        found = (
            [each for each, tag in enumerate(self._tags) if tag not in without] if without else range(len(self._tags))
        )
        order = array("Q", sorted(found, key=lambda each: (self._times[each], self._besides[each])))
        return LazySequence(len(order), lru_cache(_KEPT)(self._changed(change, order)))

    def _changed(self, change: Callable[[_T, int], _T], order: "array[int]") -> Callable[[int], _T]:
        return lambda index: change(self._read(order[index]), self._tags[order[index]])

    def _read(self, number: int) -> _T:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return self._unpack(*marshal.loads(self._file.read(end - start)))  # noqa: S302 (our own)


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # a full disk refuses the rest, which is not needed any more
        file.close()


def of_exchanges(folder: Path) -> Spool[Exchange]:
    """Return a spool of exchanges."""
    return Spool(folder, _packed_exchange, _exchange)


def of_notifications(folder: Path) -> Spool[Notification]:
    """Return a spool of notifications without causes."""
    return Spool(folder, lambda each: (each.channel, each.data, each.seen), _notification)


def of_messages(folder: Path) -> Spool[WebSocketMessage]:
    """Return a spool of WebSocket messages."""
    return Spool(
        folder,
        lambda each: (each.uri, each.seen, each.from_client, each.content, each.connection),
        lambda uri, seen, from_client, content, connection: WebSocketMessage(
            uri=uri, seen=seen, from_client=from_client, content=content, connection=connection
        ),
    )


def _packed_exchange(exchange: Exchange) -> _Fields:
    request, response = exchange.request, exchange.response
    sent = (request.method, request.uri, request.headers.pairs, request.body)
    received = (response.status, response.reason, response.headers.pairs, response.body)
    return sent, received, exchange.began, exchange.ended, exchange.outcome, exchange.layout


def _exchange(*fields: Any) -> Exchange:
    sent, received, began, ended, outcome, layout = fields
    method, uri, fields, body = sent
    status, reason, response_fields, response_body = received
    return Exchange(
        request=Request(method=method, uri=uri, headers=Headers(fields), body=body),
        response=Response(status=status, reason=reason, headers=Headers(response_fields), body=response_body),
        began=began,
        ended=ended,
        outcome=outcome,
        layout=layout,
    )


def _notification(channel: str, data: str, seen: float) -> Notification:
    return Notification(channel=channel, data=data, seen=seen)
