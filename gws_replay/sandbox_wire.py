"""The sandbox's bodies: bytes to JSON values and back, and a body's gist for the request log.

This file must never know what a body is for. Whatever a client sends, `decode` raises nothing but ValueError.
"""

import json
import math
import zlib
from typing import Any, Final

MAX_BODY: Final = 16 * 2**20


def encode(content: Any) -> bytes:
    """Write compact JSON."""
    return json.dumps(content, separators=(",", ":")).encode()


def decode(body: bytes, encoding: str = "") -> Any:
    """Read JSON as RFC 8259 has it, packed with gzip or deflate if there is an encoding.

    The web server's own unpacking is off, because a torn body would end in its traceback and not in our answer.
    Numbers beyond a float are refused: they could not be written out again.
    """
    plain = body if encoding.lower() in {"", "identity"} else _unpacked(body)
    try:
        return json.loads(plain, parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def gist(body: Any, encoding: str = "") -> str:
    """Name the operation, the channels or the statusCode of a body, and none of its values; else nothing."""
    try:
        content = decode(body, encoding) if isinstance(body, bytes) else None
    except ValueError:
        return ""
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


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # tells gzip and deflate apart by itself
    try:
        plain = unpacker.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise ValueError("not packed as its Content-Encoding says") from error
    if not unpacker.eof:
        raise ValueError("torn, or too long when unpacked")
    return plain


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a JSON number")
    return number
