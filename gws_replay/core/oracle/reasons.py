"""What speaks against an operation, or leaves it in doubt, while it is judged; and what a caller does not count."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.json_compare import Change, same
from gws_replay.core.oracle.timeline import Timeline, Write


@dataclass(slots=True)
class Reasons:
    """Sentences: what is certainly wrong, and what cannot be told.

    `keys` are the userData keys that one of them is about. `ignored` and `coerced` are the names that did not count.
    """

    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    coerced: set[str] = field(default_factory=set)

    def add(self, text: str, *, certain: bool, key: str | None = None) -> None:
        """Add a failure, or a doubt when it is not certain."""
        (self.failures if certain else self.doubts).append(text)
        if key is not None:
            self.keys.add(key)


class Patterns:
    """Names that match one of several patterns (`LCA_*`), each matched once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        expressions = [translate(pattern) for pattern in patterns]
        self._expression = re.compile("|".join(expressions)) if expressions else None
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if self._expression is None:
            return False
        if name not in self._known:
            self._known[name] = self._expression.match(name) is not None
        return self._known[name]


class Tolerance:
    """What a caller lets the server do: move the keys of `ignore`, keep those of `coerce` as strings."""

    def __init__(self, ignore: Iterable[str] = (), coerce: Iterable[str] = ()) -> None:
        self.ignored = Patterns(ignore)
        self._coerced = Patterns(coerce)

    def coerces(self, key: str, one: Any, other: Any) -> bool:
        """Tell whether two values of a key are the same but that one is a string, and the key may be kept so."""
        return key in self._coerced and (_spells(one, other) or _spells(other, one))

    def counting(self, changes: Iterable[Change], reasons: Reasons) -> Iterator[Change]:
        """Yield the changes that count; the names of the others are reported."""
        for change in changes:
            if change.kind in ("changed", "type") and self.coerces(change.key, change.before, change.after):
                reasons.coerced.add(change.key)
            elif change.key in self.ignored:
                reasons.ignored.add(change.key)
            else:
                yield change


def _spells(text: Any, value: Any) -> bool:
    """Tell whether a string is the JSON text of a value that is no string."""
    if not isinstance(text, str) or isinstance(value, str):
        return False
    try:
        return same(lossless_json.loads(text), value)
    except ValueError:
        return False


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
        """Tell whether notifications of a resource's channel were recorded."""
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
