"""When two requests are the same: the key of a request, and the rules that decide what counts in it.

Neither the host that a request goes to nor its headers count: a cassette recorded from staging replays to a client that
talks to localhost.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.model import Request
from gws_replay.core.replay.form_bodies import form_fields, is_form, parts_of
from gws_replay.core.replay.rehost import json_without_own, text_without_own
from gws_replay.core.replay.request_fields import NOTHING_IGNORED, IgnoredFields

MATCH_ON = frozenset({"method", "path", "query", "body"})
Key = tuple[str, str, tuple[tuple[str, str], ...], str | bytes]
_NO_HOSTS: frozenset[str] = frozenset()


def key_of(
    request: Request,
    match_on: frozenset[str] = MATCH_ON,
    keys_of_bodies: Mapping[bytes, str] = MappingProxyType({}),
    hosts: frozenset[str] = _NO_HOSTS,
) -> Key:
    """Return what must be equal for two requests to match: method, path, query in any order, and body.

    JSON bodies are compared by value, forms by field, others byte by byte. The client's own addresses do not count:
    those at one of `hosts`, at the host of the request, or at loopback. What is not to be matched on is blank.
    `keys_of_bodies` has what `json_key` returns for bodies of JSON that are known.
    """
    host, path, query = _parts(request.uri)
    body: str | bytes | None = keys_of_bodies.get(request.body)
    if body is None or query:
        if host and host not in hosts:
            hosts = hosts | {host}
        if any(":" in value for _, value in query):
            query = tuple(sorted((name, text_without_own(value, hosts)) for name, value in query))
        if body is None:
            body = json_key(request.body, hosts) or _other_body(request, hosts)
    if match_on is not MATCH_ON:
        return (
            request.method.upper() if "method" in match_on else "",
            path if "path" in match_on else "",
            query if "query" in match_on else (),
            body if "body" in match_on else "",
        )
    return request.method.upper(), path, query, body


@lru_cache(maxsize=1024)
def _parts(uri: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return the host, the path and the sorted parameters of an address; clients use most of them again and again."""
    parts = urlsplit(uri)
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True))) if parts.query else ()
    return parts.hostname or "", parts.path or "/", query


def json_key(body: bytes, hosts: Collection[str] = _NO_HOSTS) -> str | None:
    """Return the key of a JSON body, the same for every spelling of one value; None for any other body."""
    parsed = lossless_json.loads_or_none(body) if body else None
    return None if parsed is None else json_without_own(lossless_json.canonical(parsed), hosts)


def _other_body(request: Request, hosts: Collection[str]) -> str | bytes:
    """Return the key of a body that is not JSON."""
    if not request.body:
        return b""
    if is_form(request):
        return f"form {sorted((name, text_without_own(value, hosts)) for name, value in form_fields(request))}"
    fields = [(name, text_without_own(text, hosts)) for name, text in parts_of(request)]
    return f"parts {fields}" if fields else request.body


@dataclass(frozen=True, slots=True)
class Matching:
    """How requests are compared: the parts that count, the fields in them that do not, and what is done before.

    `filter_live` returns None for a request that does not belong to the cassette.
    """

    match_on: frozenset[str] = MATCH_ON
    filter_live: Callable[[Request], Request | None] = lambda request: request
    filter_recorded: Callable[[Request], Request] = lambda request: request
    ignored: IgnoredFields = NOTHING_IGNORED

    def ignoring(self, fields: IgnoredFields) -> "Matching":
        """Return the same rules with some fields ignored; itself if there are none."""
        return replace(self, ignored=fields) if fields else self

    def live(self, request: Request) -> Request | None:
        """Return a live request as it is compared; None for one that does not belong to the cassette."""
        filtered = self.filter_live(request)
        return None if filtered is None else self.ignored.removed_from(filtered)

    def recorded(self, request: Request) -> Request:
        """Return a recorded request as live ones are compared with it."""
        return self.ignored.removed_from(self.filter_recorded(request))


WHOLE = Matching()
