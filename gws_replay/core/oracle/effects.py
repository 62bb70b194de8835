"""Whether a key shows what an operation wrote there, given what stood there before.

Most operations write a value, or delete. On channels where a key may stand several times (voice, Workspace v3) it
depends on what was there: AttachUserData adds one more, DeleteUserDataPair takes one away. How the API spells a key
that stands twice is documented nowhere: a repeated key, a list, and the new one alone are all taken for it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gws_replay.core.api.schema import ONE_LESS, Absent, Another, Key, shows_key, values_of
from gws_replay.core.json_compare import same
from gws_replay.core.lossless_json import Repeated, canonical


def settled(
    key: str, value: Any, before: Mapping[str, Any] | None, after: Mapping[str, Any], others: Iterable[Any] = ()
) -> bool | None:
    """Return whether userData shows a written key correctly; None if that cannot be known.

    `others` are what operations at the same time wrote to the key. Without `before` any earlier value may have been.
    """
    old = before[key] if before is not None and key in before else None
    if isinstance(value, Another):
        return _attached(key, value, before, after, others)
    if isinstance(old, Repeated) and key in after:
        if value is ONE_LESS:
            return len(values_of(after[key])) == len(old.values) - 1 and not _tally(after[key]) - _tally(old)
        shown = values_of(after[key])
        return 0 < len(shown) <= len(old.values) and any(same(each, value) for each in shown)
    return shows_key(after, key, value)


def alike(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two userData have the same value at a key, or none."""
    return (key in one) == (key in other) and same(one.get(key), other.get(key))


def shows_all(user_data: Mapping[str, Any], writes: Mapping[Key, Any]) -> bool:
    """Tell whether userData shows everything that an operation wrote."""
    return all(shows_key(user_data, key, value) for key, value in writes.items())


def _attached(
    key: str, value: Another, before: Mapping[str, Any] | None, after: Mapping[str, Any], others: Iterable[Any]
) -> bool | None:
    if before is None:
        return shows_key(after, key, value)
    if key not in after:
        return False
    beside = [each.value if isinstance(each, Another) else each for each in others if not isinstance(each, Absent)]
    if same(after[key], value.value):
        return True
    if key not in before and not beside:
        return False
    old = before.get(key, Repeated(()))
    pool = sum(map(_tally, beside), _tally(old) + _tally(value.value))
    shown = _tally(after[key], after[key] if isinstance(after[key], list) else None)
    if _tally(value.value) <= shown <= pool and (beside or shown == pool):
        return True
    return None if same(after[key], old) else False


def _tally(value: Any, items: Sequence[Any] | None = None) -> Counter[str]:
    return Counter(map(canonical, values_of(value) if items is None else items))
