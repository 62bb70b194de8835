"""A request that has no response, and why."""

from dataclasses import dataclass
from typing import Literal

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Request

Reason = Literal["wrong_order", "already_played", "other_user", "no_match", "nothing_similar", "left_out"]
# The reason that says most comes first.
REASONS: tuple[Reason, ...] = ("wrong_order", "already_played", "other_user", "no_match", "nothing_similar", "left_out")
_SENTENCES: dict[Reason, str] = {
    "wrong_order": "it was recorded before another write of the same resource, which was sent already",
    "already_played": "every recording of it has been played",
    "other_user": "it was recorded for another user",
    "no_match": "no recorded request is equal to it",
    "nothing_similar": "nothing like it was recorded",
    "left_out": "before_record_request leaves it out; name its host in ignore_hosts to let it go live",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which a live request differs from a recorded one; a side that does not have it is None."""

    part: str
    sent: str | None
    recorded: str | None

    def __str__(self) -> str:
        sent = "not sent" if self.sent is None else f"sent {self.sent}"
        recorded = "not recorded" if self.recorded is None else f"recorded {self.recorded}"
        return f"{printable(self.part)}: {sent}, {recorded}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that the cassette has no response for: why, and the nearest recorded request with the difference.

    If a write came in another order than recorded, `nearest` is the recorded one and `later` the one after it.
    """

    request: Request
    reason: Reason
    cassette: str
    nearest: int | None = None
    later: int | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def what(self) -> str:
        """The request in a few words."""
        return described(self.request)

    @property
    def why(self) -> str:
        """The reason, in words."""
        return _SENTENCES[self.reason]

    def __str__(self) -> str:
        first = printable(f"{self.what} has no response in {self.cassette}: {self.why}")
        return "\n".join([first, *self._explanation()])

    def _explanation(self) -> list[str]:
        if self.nearest is None:
            return []
        if self.later is not None:
            return [
                f"  it is interaction {self.nearest}, which had its response before interaction {self.later} was sent"
            ]
        if not self.differences:
            return [f"  it was recorded as interaction {self.nearest}"]
        return [f"  nearest is interaction {self.nearest}:", *(f"    {each}" for each in self.differences)]


def described(request: Request) -> str:
    """Return a request in a few words: its method, path and operation."""
    call = api.call_of(request, lossless_json.loads_or_none(request.body))
    return f"{request.method} {request.path}" + (f" {call.operation}" if call.operation else "")
