"""Content codings of HTTP (gzip, deflate), undone: RFC 9110, section 8.4."""

import zlib

from gws_replay.core.model import Headers

_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_MAX_BODY = 256 * 1024 * 1024
_SLICE = 8192  # zlib copies what follows a member: all of it at once, and many small members take for ever
_GZIP_MAGIC = b"\x1f\x8b"


class _TooLongError(ValueError):
    """A body unpacks to more bytes than are allowed."""


def decoded(headers: Headers, body: bytes, limit: int = _MAX_BODY) -> tuple[Headers, bytes]:
    """Undo gzip and deflate. A coding that is unknown or damaged, or hides more than `limit` bytes, stays as it is."""
    window = _CODINGS.get((headers.get("content-encoding") or "").strip().lower())
    if window is None or not body:
        return headers, body
    try:
        return headers.without("content-encoding"), _unpacked(body, window, limit)
    except (zlib.error, _TooLongError):
        return headers, body


def hides_more(headers: Headers, body: bytes, limit: int) -> bool:
    """Return whether a body unpacks to more than `limit` bytes."""
    window = _CODINGS.get((headers.get("content-encoding") or "").strip().lower())
    try:
        _ = _unpacked(body, window, limit) if window is not None and body else b""
    except zlib.error:
        return False
    except _TooLongError:
        return True
    return False


def _unpacked(body: bytes, window: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    room = limit
    unpacker = zlib.decompressobj(window)
    for start in range(0, len(body), _SLICE):
        rest = body[start : start + _SLICE]
        while rest:
            if unpacker.eof:  # gzip may have several members
                unpacker = zlib.decompressobj(window)
            pieces.append(unpacker.decompress(rest, room + 1))
            room -= len(pieces[-1])
            if room < 0:
                raise _TooLongError
            rest = unpacker.unused_data
    if not unpacker.eof:
        raise zlib.error("incomplete")
    return b"".join(pieces)


def unpacked(headers: Headers, body: bytes) -> Headers:
    """Return the headers of a body as an HTTP library handed it over: vcrpy keeps the coding that urllib3 has undone.

    Packed bytes are not text, and what gzip has packed begins with its two bytes.
    """
    coding = (headers.get("content-encoding") or "").strip().lower()
    if not coding or not body or decoded(headers, body)[0] is not headers:
        return headers
    is_packed = body[:2] == _GZIP_MAGIC if "gzip" in coding else not _is_text(body)
    return headers if is_packed else headers.without("content-encoding")


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def undone(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Undo a coding; the length header follows, unless there was nothing to undo, as in a response to HEAD."""
    plain_headers, plain = decoded(headers, body)
    return (headers if plain_headers is headers else plain_headers.replacing("content-length", str(len(plain)))), plain
