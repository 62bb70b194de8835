"""What speaks against an operation, or leaves it in doubt, while it is judged; and what a caller does not count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from gws_replay.core.api import dialects as api
from gws_replay.core.oracle.timeline import Write


@dataclass(slots=True)
class Reasons:
    """Sentences: what is wrong for certain, what cannot be told, and the keys that moved and were to be ignored."""

    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)


class Names:
    """Names that match one of several patterns (`LCA_*`), each looked at once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if not self._patterns:
            return False
        if name not in self._known:
            self._known[name] = any(fnmatchcase(name, pattern) for pattern in self._patterns)
        return self._known[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard of the channels (by key): the topic, and when the last operation began that was answered.

    `last` is the same of each resource (by id). `errors` are those that name no resource: when
    each was seen, its messageType, and its place.
    """

    topics: Mapping[str, str]
    answered: Mapping[str, float]
    last: Mapping[str, float]
    errors: Sequence[tuple[float, str, str]]

    def is_lost(self, write: Write) -> bool:
        """Tell whether a notification will not come, since that of an operation that was carried out later has.

        On the same resource, one that was asked after the answer; on another, one that was asked after a GET had
        shown the effect. Without a GET it may just have been quicker, and the recording at its end.
        """
        channel, after = write.call.channel, write.after
        on_others = self.answered.get(channel.key, -1.0) if channel and after else -1.0
        return self.last.get(write.call.resource_id or "", -1.0) >= write.ended or (
            after is not None and on_others >= after.at
        )

    def error_since(self, write: Write) -> str | None:
        """Return the place of an error that may be about an operation."""
        own = write.call.channel.message_type if write.call.channel else None
        others = {channel.message_type for channel in api.CHANNELS} - {own}
        return next((place for seen, kind, place in self.errors if seen >= write.began and kind not in others), None)
