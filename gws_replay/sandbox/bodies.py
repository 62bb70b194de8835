"""The sandbox's bodies: bytes to JSON values and back, and a body's gist for the request log.

Nothing here knows what a body is for. `decode` raises only ValueError, whatever a client sends.
"""

import json
import math
import zlib
from typing import Any

from gws_replay.web.bayeux_aiohttp import MAX_BODY


def encode(content: Any) -> bytes:
    """Write compact JSON."""
    return json.dumps(content, separators=(",", ":")).encode()


def unpacked(body: bytes, encoding: str) -> bytes:
    """Unpack gzip or deflate, if there is an encoding.

    The web server's own decompression is off: an incomplete body would end in its traceback instead of our response.
    """
    if encoding.lower() in {"", "identity"}:
        return body
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # detects gzip or deflate
    try:
        plain = unpacker.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise ValueError("the body does not match its Content-Encoding") from error
    if not unpacker.eof:
        raise ValueError("incomplete, or too large when decompressed")
    return plain


def decode(body: bytes, encoding: str = "") -> Any:
    """Read JSON as RFC 8259 has it, packed with gzip or deflate if there is an encoding.

    Numbers beyond a float are refused, because they cannot be written again.
    """
    try:
        return json.loads(unpacked(body, encoding), parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def gist(body: Any, encoding: str = "") -> str:
    """Name the operation, the channels or the statusCode of a body, without its values; empty if there is none."""
    try:
        return gist_of(decode(body, encoding)) if isinstance(body, bytes) else ""
    except ValueError:
        return ""


def gist_of(content: Any) -> str:
    """Return the same for a decoded body."""
    messages = content if isinstance(content, list) else [content]
    return ", ".join(filter(None, map(_gist_of_one, messages)))


def _gist_of_one(content: Any) -> str:
    match content:
        case {"operationName": str(name)}:
            return name if name.isidentifier() else "?"
        case {"channel": str(channel)}:
            return channel if channel.isprintable() else "?"
        case {"statusCode": int(code)}:
            return f"statusCode {code}"
    return ""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a JSON number")
    return number
