"""What a caller lets a server do: change some keys as it likes, keep the values of others as strings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from typing import Any, Protocol, TypeAlias

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import Change, same


class Uncounted(Protocol):
    """The names of keys that changed and did not count."""

    ignored: set[str]
    coerced: set[str]


class Patterns:
    """Names that match one of several patterns (`LCA_*`), each matched once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        expressions = [translate(pattern) for pattern in patterns]
        self._expression = re.compile("|".join(expressions)) if expressions else None
        self._matches: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if self._expression is None:
            return False
        if name not in self._matches:
            self._matches[name] = self._expression.match(name) is not None
        return self._matches[name]


# "string" for all keys, or patterns of keys; a mapping names the type of each, which is "string".
Coerce: TypeAlias = str | Mapping[str, str] | Iterable[str]


def coerced_keys(coerce: Coerce) -> tuple[str, ...]:
    """Return the patterns of the keys that may be kept as strings. Raises ValueError for another type than string."""
    types = {coerce} if isinstance(coerce, str) else set(coerce.values()) if isinstance(coerce, Mapping) else set()
    if types - {"string"}:
        raise ValueError(f"values can be kept as string only, not as {', '.join(sorted(types - {'string'}))}")
    return ("*",) if isinstance(coerce, str) else tuple(coerce)


class Tolerance:
    """What a caller lets the server do: move the keys of `ignore`, keep those of `coerce` as strings."""

    def __init__(self, ignore: Iterable[str] = (), coerce: Iterable[str] = ()) -> None:
        self.ignored = Patterns(ignore)
        self._coerced = Patterns(coerce)

    def coerces(self, key: str, one: Any, other: Any) -> bool:
        """Tell whether two values of a key are the same but that one is a string, and the key may be kept so."""
        return key in self._coerced and (_spells(one, other) or _spells(other, one))

    def as_sent(self, key: str, shown: Any) -> tuple[Any, ...]:
        """Return the value that a string of a key may have been sent as."""
        if isinstance(shown, str) and key in self._coerced:
            try:
                return (lossless_json.loads(shown),)
            except ValueError:
                return ()
        return ()

    def counting(self, changes: Iterable[Change], reasons: Uncounted) -> Iterator[Change]:
        """Yield the changes that count; the names of the others are reported."""
        for change in changes:
            if change.kind in ("changed", "type") and self.coerces(change.key, change.before, change.after):
                reasons.coerced.add(change.key)
            elif change.key in self.ignored:
                reasons.ignored.add(change.key)
            else:
                yield change


def _spells(text: Any, value: Any) -> bool:
    """Tell whether a string is the JSON text of a value of another type."""
    if not isinstance(text, str) or isinstance(value, str):
        return False
    try:
        return same(lossless_json.loads(text), value)
    except ValueError:
        return False
