"""Which exchanges belong to one user: identities linked by the messages that use or give them.

Two identities in one exchange belong to one user: that links a renewed token, a session cookie or a CometD clientId to
the name that logged in (union-find). Two users never share a name, so a cookie that contradicts a name links nothing.
Requests without any identity belong to the user of their connection, else to that of the request before.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gws_replay.core.compile.identity import ACCOUNT, APPLICATION_KEY, LOGIN, NAMES, OF_A_CLIENT, SUBJECT
from gws_replay.core.model import Evidence, Identity, User

_NOBODY = -1
_EVER = float("inf")


@dataclass(slots=True)
class _Person:
    """A set of linked identities: its names, when it was active, and whether the server ever accepted it.

    A CometD client that showed no credentials is not a user of its own.
    """

    names: dict[str, str] = field(default_factory=dict)
    first: float = _EVER
    last: float = -_EVER
    is_accepted: bool = False
    is_client_only: bool = True
    connections: set[int] = field(default_factory=set)

    def contradicts(self, other: "_Person") -> bool:
        """Return whether both have a name of one kind, and not the same."""
        return any(other.names.get(kind, name) != name for kind, name in self.names.items())

    def absorb(self, other: "_Person") -> None:
        """Take over what is known of another person who is the same."""
        self.names = {**other.names, **self.names}
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.is_accepted |= other.is_accepted
        self.is_client_only &= other.is_client_only
        self.connections |= other.connections

    @property
    def is_user(self) -> bool:
        """Whether it is a user of its own."""
        return self.is_accepted and not self.is_client_only and self.first < _EVER

    @property
    def display_name(self) -> str | None:
        """The name that people know: that of the login, else that of the account."""
        return self.names.get(LOGIN) or self.names.get(ACCOUNT)


class Users:
    """The users of a recording. Everything observed is added first, in any order; `resolved` assigns it to users."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._people: list[_Person] = []
        self._nodes: dict[Identity, int] = {}
        self._connections: dict[str, int] = {}
        # Of each thing observed: when, a node of its person, its connection, and its application's key.
        self._began = array("d")
        self._node = array("l")
        self._connection = array("l")
        self._key = array("l")
        self._keys: dict[Identity, int] = {}
        self._seeds: list[int] = []

    def know(self, seeds: Iterable[Mapping[str, Any]]) -> None:
        """Take over the users of the parts before this one, as `seeds` returned them: they keep their places."""
        self._seeds = [self._seeded(each) for each in seeds]

    def add(self, evidence: Evidence, began: float, *, is_accepted: bool = True, is_rest: bool = True) -> int:
        """Add something observed, and return its number.

        `is_accepted` is whether the server took the credentials, `is_rest` whether it is not CometD.
        """
        own = [self._node_of(each) for each in evidence.sent if each.kind != APPLICATION_KEY]
        given = [self._node_of(each) for each in evidence.received if each.kind != APPLICATION_KEY]
        node = next(iter((*own, *given)), _NOBODY)
        for other in (*own, *given):
            self._link(node, other)
        connection = self._numbered(evidence.connection)
        if node != _NOBODY:
            person = self._person(node)
            person.first, person.last = min(person.first, began), max(person.last, began)
            person.is_accepted |= is_accepted
            if is_rest or any(each.kind not in OF_A_CLIENT for each in evidence.sent):
                person.is_client_only = False
            person.connections.add(connection)
        key = next((each for each in evidence.sent if each.kind == APPLICATION_KEY), None)
        self._began.append(began)
        self._node.append(node)
        self._connection.append(connection)
        self._key.append(_NOBODY if key is None else self._keys.setdefault(key, len(self._keys)))
        return len(self._node) - 1

    def resolved(self) -> "Resolved":
        """Return the user of everything that was added."""
        self._adopt_keys()
        user_of, users = self._merged()
        found = array("l", (user_of.get(self._root(node), _NOBODY) if node >= 0 else _NOBODY for node in self._node))
        self._adopt_clients(found)
        self._fill(found)
        return Resolved(users=tuple(users), _users=found)

    def seeds(self) -> list[dict[str, Any]]:
        """Return the users, in order, with all their identities: for the next part of a recording."""
        user_of, users = self._merged()
        seeds: list[dict[str, Any]] = [{"identities": [], "first": _EVER, "last": -_EVER} for _ in users]
        for identity, node in self._nodes.items():
            if (user := user_of.get(self._root(node))) is not None:
                seeds[user]["identities"].append(list(identity))
        for root, user in user_of.items():
            person = self._people[root]
            seeds[user]["first"] = min(seeds[user]["first"], person.first)
            seeds[user]["last"] = max(seeds[user]["last"], person.last)
        return seeds

    # --- linking

    def _node_of(self, identity: Identity) -> int:
        node = self._nodes.get(identity)
        if node is None:
            node = self._nodes[identity] = len(self._parents)
            self._parents.append(node)
            self._people.append(_Person(names={identity.kind: identity.value} if identity.kind in NAMES else {}))
        return node

    def _root(self, node: int) -> int:
        while self._parents[node] != node:
            self._parents[node] = self._parents[self._parents[node]]
            node = self._parents[node]
        return node

    def _person(self, node: int) -> _Person:
        return self._people[self._root(node)]

    def _link(self, one: int, other: int) -> None:
        """Let two identities be one person's, unless their names contradict each other."""
        one, other = self._root(one), self._root(other)
        if one != other and not self._people[one].contradicts(self._people[other]):
            self._parents[other] = one
            self._people[one].absorb(self._people[other])

    def _numbered(self, connection: str) -> int:
        return self._connections.setdefault(connection, len(self._connections)) if connection else _NOBODY

    def _seeded(self, seed: Mapping[str, Any]) -> int:
        nodes = [self._node_of(Identity(*each)) for each in seed["identities"]]
        for node in nodes:
            self._link(nodes[0], node)
        person = self._person(nodes[0])
        person.first, person.last, person.is_accepted = float(seed["first"]), float(seed["last"]), True
        person.is_client_only = False
        return nodes[0]

    def _adopt_keys(self) -> None:
        """Let an application's key stand for a user, unless several used it."""
        owners: dict[int, set[int]] = {}
        for node, key in zip(self._node, self._key, strict=True):
            if key >= 0:
                owners.setdefault(key, set()).update({self._root(node)} if node >= 0 else ())
        nodes = {}
        for identity, key in self._keys.items():
            if len(owners[key]) <= 1:
                nodes[key] = self._node_of(identity)
                for owner in owners[key]:
                    self._link(owner, nodes[key])
        for index, (node, key) in enumerate(zip(self._node, self._key, strict=True)):
            if node < 0 and key in nodes:
                self._node[index] = nodes[key]
                person = self._person(nodes[key])
                person.first, person.last = min(person.first, self._began[index]), max(person.last, self._began[index])
                person.is_accepted, person.is_client_only = True, False

    # --- people to users

    def _merged(self) -> tuple[dict[int, int], list[User]]:
        """Return the user of each person, and the users in order of their first request.

        People who were never active at the same time, and have no names that contradict each other, are one user:
        somebody who logged in again, or renewed a token where the recorder could not see it.
        """
        seeded = [self._root(node) for node in self._seeds]
        roots = dict.fromkeys((*seeded, *map(self._root, range(len(self._parents)))))
        active = [root for root in roots if self._people[root].is_user]
        active.sort(key=lambda root: (seeded.index(root) if root in seeded else len(seeded), self._people[root].first))
        people: list[_Person] = []
        user_of: dict[int, int] = {}
        for root in active:
            person = self._people[root]
            user = None if root in seeded else _same(person, people)
            if user is None:
                user = len(people)
                people.append(_Person())
            people[user].absorb(person)
            user_of[root] = user
        return user_of, _named(people)

    def _adopt_clients(self, found: "array[int]") -> None:
        """Give each CometD client without credentials, as a whole, to the user whose request came before it."""
        order = sorted(range(len(found)), key=self._began.__getitem__)
        numbered = [(self._began[index], found[index]) for index in order if found[index] >= 0]
        users: dict[int, int] = {}
        for index in order:
            if found[index] < 0 and self._node[index] >= 0:
                root = self._root(self._node[index])
                if root not in users and self._people[root].is_client_only and numbered:
                    users[root] = numbered[max(0, bisect_left(numbered, (self._began[index],)) - 1)][1]
                found[index] = users.get(root, _NOBODY)

    def _fill(self, found: "array[int]") -> None:
        """Give what has no identity the user of its connection, of its application's key, or of the request before."""
        order = sorted(range(len(found)), key=self._began.__getitem__)
        latest, by_connection, by_key = _NOBODY, _Latest(), _Latest()
        for index in order:
            if found[index] >= 0:
                by_connection.learn(self._connection[index], self._began[index], found[index])
                by_key.learn(self._key[index], self._began[index], found[index])
        first = next((found[index] for index in order if found[index] >= 0), 0)
        for index in order:
            if found[index] < 0:
                at = self._began[index]
                user = by_connection.at(self._connection[index], at)
                user = by_key.at(self._key[index], at) if user is None else user
                found[index] = (first if latest < 0 else latest) if user is None else user
            latest = found[index]


class _Latest:
    """Who used something (a connection, a key) last before a time; if nobody, who used it first after it."""

    def __init__(self) -> None:
        self._uses: dict[int, tuple[list[float], list[int]]] = {}

    def learn(self, thing: int, at: float, user: int) -> None:
        """Take up a use; uses come in order of time."""
        if thing >= 0:
            times, users = self._uses.setdefault(thing, ([], []))
            if not users or users[-1] != user:
                times.append(at)
                users.append(user)

    def at(self, thing: int, at: float) -> int | None:
        """Return the user of a thing at a time; None if nobody ever used it."""
        if thing not in self._uses:
            return None
        times, users = self._uses[thing]
        return users[max(0, bisect_left(times, at) - 1)]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The users of a recording, in order of their first request, and the user of everything observed."""

    users: tuple[User, ...]
    _users: Sequence[int]

    def __getitem__(self, number: int) -> int:
        return self._users[number]

    @property
    def header(self) -> dict[str, Any]:
        """What the cassette's header says of the users: nothing if there is only one."""
        return {"users": header_of(self.users)} if len(self.users) > 1 else {}


def header_of(users: Iterable[User]) -> list[dict[str, str]]:
    """Return users as a cassette's header lists them."""
    return [{} if user.name is None else {"name": user.name} for user in users]


def _same(person: _Person, people: Sequence[_Person]) -> int | None:
    """Return the user that a person is, whose time is over: on the same connection, else the latest; None for a new."""
    over = [
        index
        for index, other in enumerate(people)
        if other.last < person.first and not other.contradicts(person) and not _differ(person, other)
    ]
    return max(
        over,
        key=lambda index: (bool(people[index].connections & person.connections - {_NOBODY}), people[index].last),
        default=None,
    )


def _differ(one: _Person, other: _Person) -> bool:
    """Return whether two people are known by subjects of tokens and by names that cannot be compared."""
    return (
        bool(one.names and other.names)
        and not (one.names.keys() & other.names.keys())
        and SUBJECT
        in {
            *one.names,
            *other.names,
        }
    )


def _named(people: Iterable[_Person]) -> list[User]:
    """Return users with their names; of several with the same, only the first has it."""

    def named() -> Iterator[User]:
        taken: set[str] = set()
        for person in people:
            name = person.display_name
            yield User(name=None if name in taken else name)
            taken.update({name} if name else ())

    return list(named())
