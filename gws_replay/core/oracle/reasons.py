"""The reasons why an operation fails, or is in doubt, while it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gws_replay.core.api import dialects as api
from gws_replay.core.oracle.timeline import Timeline, Write


@dataclass(slots=True)
class Reasons:
    """Sentences: what is certainly wrong, and what is in doubt.

    `keys` are the userData keys that one of them is about, and whether it is certain. `ignored` and `coerced` are the
    names that did not count.
    """

    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    keys: dict[str, bool] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    coerced: set[str] = field(default_factory=set)

    def add(self, text: str, *, certain: bool, key: str | None = None) -> None:
        """Add a failure, or a doubt when it is not certain."""
        (self.failures if certain else self.doubts).append(text)
        if key is not None:
            self.keys[key] = certain or self.keys.get(key, False)

    def covers(self, key: str, *, certain: bool) -> bool:
        """Return whether an equally certain reason about a key was already added."""
        return key in self.keys and (self.keys[key] or not certain)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationLog:
    """Which channels (by key) had notifications: the topic, and when the last operation began that one answered.

    `last` is the same for each resource (by id). `errors` are those that name no resource: when each was seen, its
    messageType, and its place.
    """

    topics: Mapping[str, str]
    answered: Mapping[str, float]
    last: Mapping[str, float]
    errors: Sequence[tuple[float, str, str]]

    def covers(self, timeline: Timeline) -> bool:
        """Return whether notifications of a resource's channel were recorded."""
        return timeline.channel is not None and timeline.channel.key in self.topics

    def is_lost(self, write: Write) -> bool:
        """Tell whether a notification will not come, since that of an operation that was carried out later has.

        On the same resource, one that was sent after the response; on another, one that was sent after a GET had
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
