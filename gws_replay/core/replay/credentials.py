"""Whose request it is: the part of a request's headers that tells one user of a replay from another.

Any credentials are accepted; they only serve to keep users apart.
"""

import base64
from collections.abc import Iterator

from gws_replay.core.api import dialects as api
from gws_replay.core.model import Headers

SESSION_COOKIE = api.SESSION_COOKIES[0]
# Cookies that a session is known by, in lower case.
SESSION_COOKIES = frozenset(map(str.lower, api.SESSION_COOKIES))
_CREDENTIALS = ("authorization", *api.CREDENTIAL_HEADERS, "x-api-key")


def basic_user(headers: Headers) -> str | None:
    """Return the user name of HTTP Basic credentials, or None."""
    scheme, _, encoded = (headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, _ = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return name if colon else None


def credentials(headers: Headers) -> str | None:
    """Return what stands for a user in other credentials, or None: it is a secret, and must not be shown."""
    return next((f"{name} {value}" for name in _CREDENTIALS if (value := headers.get(name))), None)


def cookies(headers: Headers) -> Iterator[str]:
    """Yield the values of the cookies of a request."""
    for pair in (headers.get("cookie") or "").split(";"):
        _, equals, value = pair.strip().partition("=")
        if equals:
            yield value.strip('"')
