"""Addresses in messages: which of them are the replay's own, and what an absolute address of the API becomes.

A recording holds addresses of the recorded server; a client that followed one would leave the replay. A request holds
addresses of the server that its client talks to, or of the client itself (a callback): those differ in each run.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.lossless_json import LEXEME
from gws_replay.core.model import Request

# The start of an absolute address of the API; some servers escape slashes in JSON. In JSON it begins a string.
_SLASH: Final = r"\\?/"
_ROOT: Final = api.ROOT.replace("/", _SLASH)
_API: Final = rf"https?:{_SLASH}{_SLASH}[^/\"\\\s]+(?=(?:{_SLASH}[^\"\s]*)?(?:{_ROOT}))"
_ADDRESS: Final = re.compile(_API)
# A sign-in redirects to itself, too.
_LANDING: Final = re.compile(
    rf"https?://[^/\s]+(?=(?:/\S*)?(?:{_ROOT}|{'|'.join(map(re.escape, api.RECORDED_PATHS))}))"
)
_JSON_ADDRESS: Final = re.compile(f'"{_API}')
_USER_DATA: Final = frozenset(f'"{name}"' for name in api.USER_DATA)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_COLON: Final = "(?::|%3A)"
OWN: Final = "<own address>"
# A longer text is worked on each time: keeping many of them would fill the memory.
_LONGEST_KEPT: Final = 2**15


def bare(url: str) -> str:
    """Return an address for a message: without user info, path parameters and query, which may hold credentials."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.partition(';')[0]}"


def at_home(text: str, origin: str) -> str:
    """Return JSON text in which absolute addresses of the API are the server's own, except in userData."""
    if not _JSON_ADDRESS.search(text):
        return text
    return _at_home(text, origin) if len(text) <= _LONGEST_KEPT else _at_home.__wrapped__(text, origin)


@lru_cache(maxsize=512)
def _at_home(text: str, origin: str) -> str:
    return "".join(_moved(text, f'"{origin}'))


def location_at_home(location: str, origin: str) -> str:
    """Return the value of a Location field; one of the API or its sign-in becomes the server's."""
    return _LANDING.sub(origin, location, count=1) if _LANDING.match(location) else location


def hosts_of(requests: Iterable[Request]) -> frozenset[str]:
    """Return the names of the hosts that requests were sent to."""
    addresses = {request.uri for request in requests}
    return frozenset(host for address in addresses if (host := urlsplit(address).hostname))


def text_without_own(text: str, hosts: Collection[str], *, of_api: bool = True) -> str:
    """Return a text in which each address of the replay's own is the same word.

    Such are the addresses at one of `hosts` or at loopback, at any port (`https://HOST`, `HOST:PORT`, also
    percent-encoded), and, if `of_api`, those of the API at any host.
    """
    text = _without_hosts(text, hosts)
    return _ADDRESS.sub(OWN, text) if of_api and "://" in text else text


def json_without_own(text: str, hosts: Collection[str]) -> str:
    """Return JSON text in the same way. An address of the API at another host that stands in userData is kept."""
    text = _without_hosts(text, hosts)
    return at_home(text, OWN) if _JSON_ADDRESS.search(text) else text


def _without_hosts(text: str, hosts: Collection[str]) -> str:
    for host in (*_LOOPBACK, *hosts):  # any() would take four times as long, for each body of a cassette
        if host in text:
            return _own_addresses(frozenset(hosts)).sub(OWN, text)
    return text


@lru_cache(maxsize=64)
def _own_addresses(hosts: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(f"[{host}]" if ":" in host else host) for host in sorted({*_LOOPBACK, *hosts}))
    return re.compile(
        rf"https?{_COLON}(?://|%2F%2F)(?:{names})(?:{_COLON}\d+)?(?![\w.-])|(?<![\w.@/-])(?:{names}):\d+(?!\w)",
        re.IGNORECASE,
    )


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
        yield _JSON_ADDRESS.sub(home, lexeme) if inside is None else lexeme
        key = lexeme if lexeme.startswith('"') else ""
    yield text[end:]
