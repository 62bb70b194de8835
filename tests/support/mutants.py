"""Mutants of correct recordings: one key of one resource is wrong, in one view, in several, or in all.

A mutant is killed if not every operation of it passes. A mutant may be right `by_chance` if the key has that value, or
is missing, at another time of the recording: when operations overlap, an earlier or a later state may show it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Absent, Another, Wild
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.causes import attribute
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.history import Sighting, Snapshot, sightings
from gws_replay.core.oracle.judge import Update

Json = dict[str, Any]
_NEW = "\u2620 mutant"


def _other_type(value: Any) -> Any:
    """A value of another type, as near as possible."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(value)
    if isinstance(value, str):
        return [value]
    return _plain(value)


def _changed(data: Json, key: str) -> None:
    data[key] = _NEW


def _retyped(data: Json, key: str) -> None:
    data[key] = _other_type(data[key])


def _dropped(data: Json, key: str) -> None:
    del data[key]


def _renamed(data: Json, key: str) -> None:
    data[f"{key}{_NEW}"] = data.pop(key)


def _added(data: Json, key: str) -> None:
    data[f"{key}{_NEW}"] = data[key]


# What is done to a key of userData.
KINDS: Mapping[str, Callable[[Json, str], None]] = {
    "value changed": _changed,
    "type changed": _retyped,
    "key dropped": _dropped,
    "key renamed": _renamed,
    "key added": _added,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong recording: what was done, in which views, to a key that was written or not, of which session."""

    cassette: Cassette
    kind: str
    view: str
    written: bool
    of: str
    by_chance: bool
    place: str
    survives_because: str

    def verdicts(self) -> tuple[Update, ...]:
        """Judge it."""
        return self.cassette.updates()


def mutants(cassette: Cassette, seed: int, count: int) -> Iterator[Mutant]:
    """Yield so many mutants of a recording, or none of one without operations that can be judged."""
    updates = [update for update in cassette.updates() if update.before and update.after and update.verdict == "passed"]
    shown = [each for each in sightings(cassette) if isinstance(each, Snapshot)]
    random, tries = Random(seed), 0
    while updates and count and tries < 20 * count:
        tries += 1
        found = _mutant(cassette, random.choice(updates), shown, random)
        if found is not None:
            count -= 1
            yield found


def _mutant(cassette: Cassette, update: Update, shown: Sequence[Snapshot], random: Random) -> Mutant | None:
    began = cassette.interactions[update.interaction].began
    of = random.choice(("same", "same", "other"))
    later = [
        each for each in shown if each.began >= began and (each.resource_id == update.resource_id) == (of == "same")
    ]
    if of == "other":
        later = [each for each in later if each.resource_id == later[0].resource_id]
    views = _views(update, later)
    if not views:
        return None
    view = random.choice(list(views))
    chosen = views[view]
    keys = [key for key in chosen[0].data if all(key in each.data for each in chosen)]
    if view == "all":  # until the key is written again
        keys = [key for key in keys if all(_plain(each.data[key]) == _plain(chosen[0].data[key]) for each in chosen)]
    if not keys:
        return None
    own = [key for key in keys if key in update.changes.keys] if of == "same" and random.random() < 0.5 else []
    key, kind = random.choice(own or keys), random.choice(list(KINDS))
    written = of == "same" and key in update.changes.keys
    mutated = _applied(cassette, chosen, key, KINDS[kind])
    data = dict(chosen[0].data)
    KINDS[kind](data, key)
    of_it = [each for each in shown if each.resource_id == chosen[0].resource_id and each not in chosen]
    by_chance = kind in ("type changed", "key dropped") and (
        any(_at(each.data, key) == _at(data, key) for each in of_it) or _is_written(cassette, key, _at(data, key))
    )
    if mutated is None:
        return None
    place, why = f"{chosen[0].place} {key!r}", _excuse(mutated, chosen, key)
    return Mutant(mutated, kind, view, written, of, by_chance, place, why)


def _excuse(cassette: Cassette, chosen: Sequence[Snapshot], key: str) -> str:
    """Return why the mutant may look correct to every observer; empty if the oracle must find it."""
    if any(
        each.notification is not None and cassette.notifications[each.notification].cause is None for each in chosen
    ):
        return "an unsolicited notification may show a change of another agent"
    calls = (api.call_of(each.request, each.request_json) for each in cassette.interactions)
    on_it = [call for call in calls if call.resource_id == chosen[0].resource_id]
    if any(Wild.ANY in (call.writes or {}) for call in on_it):
        return "a disposition without a key may be written to any key"
    if any(call.channel and call.channel.repeats and key in (call.writes or {}) for call in on_it):
        return "how a key that stands twice is written and deleted is documented nowhere"
    return ""


def _at(data: Mapping[str, Any], key: str) -> str:
    """Return the value of userData at a key as text; empty if the key is missing."""
    return _plain(data[key]) if key in data else ""


def _is_written(cassette: Cassette, key: str, value: str) -> bool:
    """Whether an operation of the recording writes that to a key, or deletes it."""
    calls = (api.call_of(each.request, each.request_json) for each in cassette.interactions)
    writes = [each for call in calls for each in (call.writes or {}).items()]
    return any(isinstance(name, Wild) or (name == key and _value(written) == value) for name, written in writes)


def _value(written: Any) -> str:
    if isinstance(written, Absent):
        return ""
    return _plain(written.value if isinstance(written, Another) else written)


def _views(update: Update, later: Sequence[Snapshot]) -> Mapping[str, list[Snapshot]]:
    """The views of an operation, by name: what shows its resource, or another one, from its beginning on."""
    own = [each for each in later if each.cause == update.interaction]
    gets = [each for each in later if each.interaction is not None]
    pushed = [each for each in later if each.interaction is None and each.cause != update.interaction]
    found = {
        "its notification": own,
        "next GET": gets[:1],
        "later GET": gets[1:2],
        "another notification": pushed[:1],
        "notification and next GET": [*own, *gets[:1]] if own and gets else [],
        "all": list(later),
    }
    return {name: views for name, views in found.items() if views}


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _applied(
    cassette: Cassette, chosen: Sequence[Snapshot], key: str, change: Callable[[Json, str], None]
) -> Cassette | None:
    interactions, notifications = list(cassette.interactions), list(cassette.notifications)
    for view in chosen:
        if view.interaction is not None:
            exchange = interactions[view.interaction]
            body = json.loads(exchange.response.body)
            if not _change_in(body, view, key, change):
                return None
            interactions[view.interaction] = _with_body(exchange, body)
        else:
            notification = notifications[view.notification or 0]
            data = json.loads(notification.data)
            if not _change_in(data, view, key, change):
                return None
            notifications[view.notification or 0] = replace(notification, data=json.dumps(data))
    mutated = replace(cassette, interactions=tuple(interactions), notifications=tuple(notifications))
    return mutated if cassette.header.get("users") else _attributed(mutated)


def _attributed(cassette: Cassette) -> Cassette:
    """The same recording with the causes that compiling it finds."""
    unattributed: list[Notification] = [replace(each, cause=None) for each in cassette.notifications]
    return replace(cassette, notifications=tuple(attribute(cassette.interactions, unattributed)))


def _with_body(exchange: Exchange, body: Any) -> Exchange:
    return replace(exchange, response=replace(exchange.response, body=json.dumps(body).encode()))


def _change_in(message: Any, view: Sighting, key: str, change: Callable[[Json, str], None]) -> bool:
    """Change the userData of a resource wherever a message shows it; false where it does not stand as an object."""
    found = False
    for resource in _resources(message, view.resource_id):
        data = resource["userData"]
        values = {pair["key"]: pair["value"] for pair in data} if isinstance(data, list) else data
        if not isinstance(values, dict) or key not in values or len(values) != len(data):
            return False
        change(values, key)
        resource["userData"] = [_pair(*each) for each in values.items()] if isinstance(data, list) else values
        found = True
    return found


def _pair(key: str, value: Any) -> Json:
    is_list = (
        isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "key" in each for each in value)
    )
    return {"key": key, "type": "kvlist" if is_list else "str", "value": value}


def _resources(message: Any, resource_id: str) -> Iterator[Json]:
    if isinstance(message, dict):
        if message.get("id") == resource_id and "userData" in message:
            yield message
        for value in message.values():
            yield from _resources(value, resource_id)
    elif isinstance(message, list):
        for value in message:
            yield from _resources(value, resource_id)
