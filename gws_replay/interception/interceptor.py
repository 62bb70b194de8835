"""What all stubs of HTTP libraries need: whom to ask; bodies and header fields, whichever way they are handed over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gws_replay.core.model import Request, Response


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a request: its answer, or None for one that goes live; and when it was asked."""

    request: Request
    answer: Response | None
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom a stub asks, in a thread or a task, and tells of what came back for a request that went live."""

    decide: Callable[[Request], Decision]
    decide_async: Callable[[Request], Awaitable[Decision]]
    take: Callable[[Decision, Response], None]


def text_of(value: Any) -> str:
    """Return a header field's name or value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def bytes_of(body: Any) -> bytes:
    """Materialise a body: bytes, text, a file, chunks, or None for an empty one."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return bytes_of(body.read())
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in body)
