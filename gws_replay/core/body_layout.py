"""How JSON bodies are laid out: on lines of their own in a cassette, so that people read them, and as they were sent.

A cassette says of a body only what is not usual: servers send JSON without white space.
"""

from typing import Final

from gws_replay.core import lossless_json
from gws_replay.core.byte_cache import ByteCache
from gws_replay.core.model import Layout

# Bodies as they were sent, by those of a cassette: a replay sends most of them again and again.
_KEPT: Final[ByteCache[tuple[bytes, Layout], bytes]] = ByteCache(most=2**24)


def layout_of(text: str) -> Layout:
    """Return how JSON text is laid out; `kept` if it cannot be made again from its tokens."""
    if text == lossless_json.compact(text):
        return "compact"
    return "spaced" if text == lossless_json.spaced(text) else "kept"


def is_laid_out(body: bytes) -> bool:
    """Return whether a body looks like JSON on lines of its own, as a cassette has it."""
    return body[:2] in (b"{\n", b"[\n")


def as_sent(body: bytes, layout: Layout) -> bytes:
    """Return a body of a cassette as the recorded server sent it."""
    if layout == "kept" or not is_laid_out(body):
        return body
    return _KEPT.get((body, layout)) or _KEPT.add((body, layout), _as_sent(body, layout), 2 * len(body))


def _as_sent(body: bytes, layout: Layout) -> bytes:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if not lossless_json.is_json(text):
        return body
    return (lossless_json.spaced(text) if layout == "spaced" else lossless_json.compact(text)).encode()
