"""One name for what two recordings of a scenario call by different ids: the k-th session of one is that of the other.

An id that both recordings know is itself. The others are paired by kind (the channel, or the name of the field) in the
order of their first appearance. Stand-ins for personal data, which are other ones in each recording, likewise.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.api.ids import LONG
from gws_replay.core.api.ids import is_id as _is_id
from gws_replay.core.cassette import Cassette
from gws_replay.core.lossless_json import ExactNumber, Repeated
from gws_replay.core.model import Exchange
from gws_replay.core.word_index import Lexicon

_INERT = frozenset({int, float, bool, type(None), ExactNumber})
_MOST_TEXTS = 100_000  # that are kept: what differs in every message would fill the memory
_STAND_IN = "stand-in"


class Naming:
    """The names of one recording in a comparison of two: of its `resources`, and of all `things` that have an id."""

    def __init__(self, names: Mapping[str, str], ids: "_Ids", users: Sequence[int] = ()) -> None:
        self.names = dict(names)
        self._users = users
        lexicon = Lexicon()
        for value, name in names.items():
            if len(value) >= LONG or name.startswith(_STAND_IN):
                lexicon.add(value, name)
        self._texts = _Texts(lexicon)
        self.resources = frozenset(names.get(each, each) for each in ids.resources)
        long = (each for listed in ids.by_kind.values() for each in listed if len(each) >= LONG or each in names)
        self.things = self.resources | {names.get(each, each) for each in long}

    def user(self, index: int) -> int:
        """Return the number that a user has in both recordings; 0 where one of them has one user only."""
        return self._users[index] if index < len(self._users) else 0

    def of_id(self, value: str) -> str:
        """Return the common name of an id."""
        return self.names.get(value, value)

    def path(self, path: str) -> str:
        """Return the path of a request with common names for ids, without the prefix of old deployments."""
        home = path.removeprefix(api.prefix_of(path) or "")
        if not self.names:
            return home
        return "/".join(self.names.get(step) or self._texts[step] for step in home.split("/"))

    def value(self, value: Any) -> Any:
        """Return a JSON value with common names for ids, and lists whose items have an id as objects of these.

        What is nested so deeply that Python cannot walk it is compared as it is.
        """
        try:
            return self._named(value)
        except RecursionError:
            return value

    def _named(self, value: Any, field: str = "", *, free: bool = False) -> Any:
        """Name what is inside: `field` is where it stands; in userData (`free`) names and lists mean what they like.

        What stays as it is is the same object: two namings of a large recording are then held once.
        """
        is_text = isinstance(value, str)
        if not self.names and (is_text or free or (field in api.USER_DATA and isinstance(value, dict))):
            return value
        if is_text:
            return self.of_id(value) if _is_id(field) and not free else self._texts[value]
        if isinstance(value, dict):
            return self._members(value, free=free or field in api.USER_DATA)
        if isinstance(value, Repeated):
            return Repeated(tuple(self._named(item, field, free=free) for item in value.values))
        if isinstance(value, list):
            pairs = field in api.USER_DATA and not free
            items = [self._named(item, free=free or pairs) for item in value]
            return items if free else _by_name(items, api.PAIR_KEYS if pairs else api.IDENTITIES) or items
        return value

    def _members(self, value: dict[str, Any], *, free: bool) -> dict[str, Any]:
        texts, named = self._texts, {}
        is_plain = texts.is_full and texts.are_plain(value)
        for key, item in value.items():
            kind = type(item)
            if kind is str and (free or not _is_id(key)):  # nearly every one: it must cost next to nothing
                if not is_plain and (text := texts[item]) != item:
                    named[key] = text
            elif kind not in _INERT and (new := self._named(item, key, free=free)) is not item:
                named[key] = new
        return {**value, **named} if named else value


def namings(one: Cassette, other: Cassette) -> tuple[Naming, Naming]:
    """Return the namings of two recordings, so that what is the same thing has the same name in both."""
    ids = _Ids(one), _Ids(other)
    names: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for kind in ids[0].by_kind.keys() & ids[1].by_kind.keys():
        mine, theirs = _unshared(list(ids[0].by_kind[kind]), list(ids[1].by_kind[kind]))
        for number, pair in enumerate(zip(mine, theirs, strict=False), 1):
            for side in (0, 1):
                names[side][pair[side]] = f"{kind}#{number}"
    mine, theirs = (_stand_ins(each) for each in (one, other))
    # Some in common: both were redacted with one key, so that different ones stand for different values.
    are_of_one_key = any(len(each) >= LONG for each in {*mine} & {*theirs})
    if len(mine) == len(theirs) and not are_of_one_key:
        for number, pair in enumerate(zip(mine, theirs, strict=True), 1):
            if pair[0] != pair[1]:
                for side in (0, 1):
                    names[side].setdefault(pair[side], f"{_STAND_IN}#{number}")
    users = _paired_users(one, other, names)
    return Naming(names[0], ids[0], users[0]), Naming(names[1], ids[1], users[1])


def _paired_users(
    one: Cassette, other: Cassette, names: tuple[Mapping[str, str], Mapping[str, str]]
) -> tuple[Sequence[int], Sequence[int]]:
    """Return a number for each user of both recordings: those of one name have the same, the others by their order."""
    mine, theirs = (
        [
            side.get(str(name), str(name)) if (name := user.get("name")) else None
            for user in each.header.get("users", ())
        ]
        for each, side in ((one, names[0]), (other, names[1]))
    )
    if len(mine) < 2 or len(theirs) < 2:
        return (), ()
    found = [theirs.index(name) if name is not None and name in theirs else None for name in mine]
    rest = iter(sorted(set(range(len(theirs))) - {each for each in found if each is not None}))
    new = iter(range(len(theirs), len(mine) + len(theirs)))
    numbers = [next(rest, next(new)) if each is None else each for each in found]
    return numbers, range(len(theirs))


def translation(mine: Naming, theirs: Naming) -> dict[str, str]:
    """Return what of their recording is called otherwise in mine, with what it is called there."""
    values = {name: value for value, name in mine.names.items()}
    return {value: values[name] for value, name in theirs.names.items() if name in values}


class _Texts(dict[str, str]):
    """Texts with common names: each is looked through once, though most stand in many messages."""

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, text: str) -> str:
        named = self._lexicon.replaced(text)
        if not self.is_full:
            self[text] = named
        return named

    @property
    def is_full(self) -> bool:
        """Whether so many texts are kept that they seem to be others in every message."""
        return len(self) >= _MOST_TEXTS

    def are_plain(self, value: dict[str, Any]) -> bool:
        """Tell, for all at once, whether no text of an object has anything to be named."""
        return not self._lexicon.may_stand_in("\n".join(each for each in value.values() if type(each) is str))


class _Ids:
    """The ids of one recording by kind, in the order in which they appear."""

    def __init__(self, cassette: Cassette) -> None:
        self.by_kind: dict[str, dict[str, None]] = {}
        self.resources: dict[str, None] = {}
        self._kind: dict[str, str] = {}
        for exchange in cassette.interactions:
            self._exchange(exchange)
        for notification in cassette.notifications:
            subject = api.subject_of(notification.value)
            if subject:
                self._take(subject.resource_id, subject.channel.key, is_resource=True)
            self._others(notification.value)

    def _exchange(self, exchange: Exchange) -> None:
        call = api.call_of(exchange.request, exchange.request_json)
        if call.channel and call.resource_id:
            self._take(call.resource_id, call.channel.key, is_resource=True)
        for subject in api.resources_in(exchange.response_json):
            self._take(subject.resource_id, subject.channel.key, is_resource=True)
        self._others(exchange.request_json)
        self._others(exchange.response_json)

    def _take(self, value: str, kind: str, *, is_resource: bool = False) -> None:
        if value and self._kind.setdefault(value, kind) == kind:
            self.by_kind.setdefault(kind, {})[value] = None
        if value and is_resource:
            self.resources[value] = None

    def _others(self, value: Any) -> None:
        """Take the ids of people, devices, participants. The keys of userData belong to applications."""
        with suppress(RecursionError):  # as in `Naming.value`
            self._inside(value, "")

    def _inside(self, value: Any, name: str) -> None:
        for key, item in _items(value):
            if isinstance(item, str) and key and _is_id(key):
                self._take(item, name or key if key in api.IDENTITIES else key)
            elif isinstance(item, dict | list) and key not in api.USER_DATA:
                self._inside(item, key or name)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from (("", item) for item in value)


def _unshared(mine: Sequence[str], theirs: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Leave out the ids that both recordings know; counters that both happen to have may be of different things."""
    shared = set(mine) & set(theirs)
    if len(shared) < min(len(mine), len(theirs)):
        shared = {each for each in shared if len(each) >= LONG}
    return [each for each in mine if each not in shared], [each for each in theirs if each not in shared]


def _stand_ins(cassette: Cassette) -> Sequence[str]:
    listed = cassette.header.get("stand_ins")
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list | tuple) else ()


def _by_name(items: Sequence[Any], names: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the items of a list by the id of each, or None where not every one has an id of its own."""
    for name in names:
        named = {item[name]: item for item in items if isinstance(item, dict) and isinstance(item.get(name), str)}
        if items and len(named) == len(items):
            return named
    return None
