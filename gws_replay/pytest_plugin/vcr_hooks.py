"""A request and a response as the hooks of vcrpy's users know them, so that such a hook works here as it is.

Pure, and without vcrpy: a request has the attributes of vcrpy's, a response is the same dict.
"""

import copy
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from gws_replay.core.model import Headers, Request, Response
from gws_replay.errors import GwsReplayError


class HookHeaders(MutableMapping[str, str]):
    """Header fields of a request: names compare without case, keep their spelling and order, and stand once."""

    def __init__(self, pairs: tuple[tuple[str, str], ...] = ()) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in pairs:
            self[name] = f"{self[name]}, {value}" if name in self else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        self._fields[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)


class HookRequest:
    """What a hook may read and change: `method`, `uri`, `headers`, `body` (bytes, or text that becomes bytes)."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.uri = request.uri
        self.headers: MutableMapping[str, str] = HookHeaders(request.headers.pairs)
        self.body: bytes | str | None = request.body
        self._first = request

    @property
    def url(self) -> str:
        """The same as `uri`."""
        return self.uri

    @property
    def scheme(self) -> str:
        """The part of `uri` before `://`."""
        return urlsplit(self.uri).scheme

    protocol = scheme

    @property
    def host(self) -> str | None:
        """The host's name."""
        return urlsplit(self.uri).hostname

    @property
    def port(self) -> int | None:
        """The port, also where `uri` leaves it to the scheme."""
        return urlsplit(self.uri).port or {"http": 80, "https": 443}.get(self.scheme)

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.uri).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's names and values, sorted."""
        return sorted(parse_qsl(urlsplit(self.uri).query))

    def request(self) -> Request:
        """Return the request as it is by now; header fields that nobody changed keep their repetitions."""
        pairs = tuple((str(name), str(value)) for name, value in self.headers.items())
        same = pairs == tuple(HookHeaders(self._first.headers.pairs).items())
        body = self.body.encode() if isinstance(self.body, str) else self.body or b""
        headers = self._first.headers if same else Headers(pairs)
        return Request(method=self.method, uri=self.uri, headers=headers, body=body)

    @classmethod
    def through(cls, hook: Callable[[Self], Any], asked: Self) -> Self | None:
        """Return what a hook makes of a request; None where it leaves it out."""
        made = hook(asked)
        if made is None or isinstance(made, cls):
            return made
        raise GwsReplayError(_wrong(hook, "before_record_request", "request", made))


def response_through(hook: Callable[[dict[str, Any]], Any], response: Response) -> Response | None:
    """Return what a hook makes of a response, which it gets as vcrpy's dict; None where it leaves it out."""
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.pairs:
        headers.setdefault(name, []).append(value)
    given = {
        "status": {"code": response.status, "message": response.reason},
        "headers": headers,
        "body": {"string": response.body},
    }
    made = hook(copy.deepcopy(given))
    if made is None or made == given:
        return None if made is None else response
    try:
        status, body = made["status"], made["body"]["string"]
        pairs = tuple((str(n), str(v)) for n, values in made["headers"].items() for v in _several(values))
        return Response(
            status=int(status["code"]),
            reason=str(status["message"] or ""),
            headers=response.headers if made["headers"] == headers else Headers(pairs),
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GwsReplayError(_wrong(hook, "before_record_response", "response", made)) from None


def _several(values: Any) -> list[Any]:
    return [values] if isinstance(values, str) else list(values)


def _wrong(hook: Callable[..., Any], key: str, what: str, made: object) -> str:
    """Say what is wrong with what a hook returned, but never what stands in it."""
    name = getattr(hook, "__name__", type(hook).__name__)
    kind = type(made).__name__
    return (
        f"gws_vcr_config: {key} {name} returned no {what} ({kind}): let it return the {what}, or None to leave it out"
    )
