"""What a client really sent in a run, with live values: for assertions on texts that are redacted in the cassette."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.lossless_json import parse_body
from gws_replay.core.model import Request


@dataclass(frozen=True)
class SentRequest:
    """A request as the client sent it. `header(name)` ignores case; `json` is None for a body that is not JSON."""

    request: Request

    @property
    def method(self) -> str:
        """The method."""
        return self.request.method

    @property
    def uri(self) -> str:
        """The whole address."""
        return self.request.uri

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.request.path

    @property
    def body(self) -> bytes:
        """The body, with its content coding undone."""
        return self.request.body

    @cached_property
    def json(self) -> Any:
        """The parsed JSON body, or None."""
        return parse_body(self.request.body, self.request.headers.get("content-type"))

    @property
    def operation(self) -> str | None:
        """The name of the GWS operation, or None."""
        return api.call_of(self.request, self.json).operation

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields in their order."""
        return self.request.headers.pairs

    def header(self, name: str) -> str | None:
        """Return the first value of a header field, or None."""
        return self.request.headers.get(name)

    def __repr__(self) -> str:
        return f"<SentRequest {self.method} {self.path}{f' {self.operation}' if self.operation else ''}>"
