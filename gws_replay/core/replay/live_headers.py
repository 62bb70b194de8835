"""Header fields of a recorded response as a live client receives them: its own cookies and tokens, valid at its URL.

The replay server and the replay in the test process both use this.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Headers
from gws_replay.core.redaction.found import PLACEHOLDER, PLACEHOLDERS

# From the name of a cookie or a token header to the value that one user gets for it, always the same.
ValueOf: TypeAlias = Callable[[str], str]

SESSION_COOKIE: Final = api.SESSION_COOKIES[0]
# Cookies that a session is known by, in lower case.
SESSION_COOKIES: Final = frozenset(map(str.lower, api.SESSION_COOKIES))
_CSRF: Final = frozenset(map(str.lower, api.CSRF_HEADERS))
# No browser takes these without Secure.
_ONLY_SECURE: Final = frozenset({"secure", "partitioned", "samesite=none"})
# Cookies are deleted with a date in the past, and these years are past in every recording.
_LONG_AGO: Final = 2000


class Client(NamedTuple):
    """Where a client is: the URL that it sent its request to, and what it receives instead of a recorded secret.

    `replaced` are cookies, in lower case, whose value is always the user's own; others only if they were redacted.
    """

    uri: str
    value_of: ValueOf
    replaced: Collection[str] = ()


def sets_session_cookie(recorded: Headers) -> bool:
    """Return whether a recorded response sets a cookie that a session is known by."""
    return any(
        name.lower() == "set-cookie"
        and (PLACEHOLDER in value or value.partition("=")[0].strip().lower() in SESSION_COOKIES)
        for name, value in recorded.pairs
    )


def live_headers(recorded: Headers, client: Client) -> Headers:
    """Return the fields of a recorded response for a client; the same object if nothing has to change.

    Redacted values become the user's own. A cookie loses the attributes that would keep a client from storing it:
    Domain of another host, Secure at plain HTTP, and an Expires that was in the future when it was recorded.
    """
    if not _may_change(recorded):
        return recorded
    return Headers(tuple((name, _live(name, value, recorded, client)) for name, value in recorded.pairs))


@lru_cache(maxsize=1024)
def _may_change(recorded: Headers) -> bool:
    """Tell whether any of these fields differs from user to user. Many responses have the same fields."""
    tokens = _token_headers(recorded)
    return any(PLACEHOLDER in value or name.lower() in tokens for name, value in recorded.pairs)


def _token_headers(recorded: Headers) -> Collection[str]:
    """Return the names of the fields that may need a change. The server may choose the name of its CSRF header."""
    named = {name.lower() for name in map(recorded.get, api.CSRF_NAME_HEADERS) if name}
    return {*_CSRF, *named, "set-cookie"}


def _live(name: str, value: str, recorded: Headers, client: Client) -> str:
    lowered = name.lower()
    if lowered == "set-cookie":
        return _cookie(value, recorded.get("date"), client)
    if client.replaced and lowered in _token_headers(recorded):
        return client.value_of(lowered)
    return PLACEHOLDERS.sub(lambda found: client.value_of(found[0][len(PLACEHOLDER) : -1].lower()), value)


def _cookie(cookie: str, recorded_at: str | None, client: Client) -> str:
    pair, *attributes = cookie.split(";")
    name, equals, value = pair.strip().partition("=")
    if value and equals and (PLACEHOLDER in value or name.lower() in client.replaced):
        pair = f"{name}={client.value_of(name)}"
    return ";".join([pair, *_valid(attributes, client.uri, recorded_at, deletes=value in ("", '""'))])


def _valid(attributes: Sequence[str], uri: str, recorded_at: str | None, *, deletes: bool) -> Iterator[str]:
    """Yield the attributes of a cookie with which a client at `uri` stores it, or deletes it as recorded."""
    parts = urlsplit(uri)
    for attribute in attributes:
        name, _, value = attribute.strip().lower().partition("=")
        if name == "domain":
            domain, host = value.lstrip("."), parts.hostname or ""
            is_valid = host == domain or host.endswith(f".{domain}")
        elif name == "expires":
            is_valid = deletes or _is_past(attribute.partition("=")[2], recorded_at)
        else:
            is_valid = PLACEHOLDER not in attribute
            is_valid &= parts.scheme == "https" or attribute.strip().lower().replace(" ", "") not in _ONLY_SECURE
        if is_valid:
            yield attribute


def _is_past(expires: str, recorded_at: str | None) -> bool:
    """Return whether a cookie had expired when it was recorded, which is how a server deletes one."""
    at, recorded = parsedate_tz(expires), parsedate_tz(recorded_at or "")
    if at is None:
        return True  # clients ignore what they cannot parse
    return at[0] < _LONG_AGO if recorded is None else mktime_tz(at) <= mktime_tz(recorded)
