"""Absolute addresses of the API in JSON text: a client that follows a recorded one would leave the replay."""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.lossless_json import LEXEME

# The start of an absolute address of the API, as the first characters of a JSON string; some servers escape slashes.
_SLASH = r"\\?/"
_ADDRESS = re.compile(
    rf'^"https?:{_SLASH}{_SLASH}[^/"\\\s]+(?=(?:{_SLASH}[^"\s]*)?(?:{api.ROOT.replace("/", _SLASH)}))'
)
_USER_DATA = frozenset(f'"{name}"' for name in api.USER_DATA)


def bare(url: str) -> str:
    """Return an address for a message: without user info, path parameters and query, which may hold credentials."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.partition(';')[0]}"


@lru_cache(maxsize=512)
def at_home(text: str, origin: str) -> str:
    """Return JSON text with absolute addresses of the API made the server's own; userData stays as it was sent."""
    if ":/" not in text and ":\\/" not in text:
        return text
    return "".join(_moved(text, f'"{origin}'))


def _moved(text: str, home: str) -> Iterator[str]:
    """Yield the text in pieces, each address outside userData moved."""
    depth, inside = 0, None
    end, key = 0, ""
    for match in LEXEME.finditer(text):
        lexeme = match[0]
        yield text[end : match.start()]
        end = match.end()
        if lexeme in "{[":
            depth += 1
            if key in _USER_DATA and inside is None:
                inside = depth
        elif lexeme in "}]":
            if inside == depth:
                inside = None
            depth -= 1
        if lexeme == ":":
            yield lexeme
            continue
        yield _ADDRESS.sub(home, lexeme) if inside is None else lexeme
        key = lexeme if lexeme.startswith('"') else ""
    yield text[end:]
