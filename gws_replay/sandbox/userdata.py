"""One userData operation of the sandbox as values: what was there, what is written, and what becomes of it.

It is our own reading of the documentation, kept apart from `gws_replay.core`. This file must never know a path, a
channel or a notification.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

UserData: TypeAlias = Mapping[str, Any]


class Again(str):
    """A repeated key of userData: equal to itself only, so that a dict holds both."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other


def userdata_of(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Build userData from pairs; a repeated key keeps each of its values, and is written again."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        name = str(key)
        found[Again(name) if name in found else name] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One userData operation: the data before it, what it writes and removes, and another resource's data.

    `earlier` is the data before the operation that came before this one. With `attaches`, a written key that exists
    comes to stand twice [VOA2]; with `detaches`, only the first of several equal keys is removed [SIM].
    """

    before: UserData
    written: UserData = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    other: UserData = field(default_factory=dict)
    earlier: UserData = field(default_factory=dict)
    attaches: bool = False
    detaches: bool = False

    @property
    def after(self) -> UserData:
        """The data as it has to be after the operation."""
        return self.applied_to(self.before)

    def applied_to(self, userdata: UserData) -> UserData:
        """Return the data with the operation's keys written and removed."""
        return self.writing(self.written, userdata)

    def writing(self, written: UserData, userdata: UserData | None = None) -> UserData:
        """Return the data as `applied_to` does, with other values written."""
        pairs: list[tuple[str, Any]] = []
        gone: set[str] = set()
        rest = dict(written)
        for key, value in (self.before if userdata is None else userdata).items():
            name = str(key)
            if name in self.removed and not (self.detaches and name in gone):
                gone.add(name)
            elif self.attaches or name not in written:
                pairs.append((name, value))
            elif name in rest:
                pairs.append((name, rest.pop(name)))
        return userdata_of([*pairs, *rest.items()])

    @property
    def untouched(self) -> dict[str, Any]:
        """The data before it that the operation leaves alone."""
        return {
            key: value
            for key, value in self.before.items()
            if str(key) not in self.written and str(key) not in self.removed
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an operation: the data kept, and the data of each notification in order.

    A notification of None shows the resource without userData. `kind` is the notificationType where it is not the
    usual one. `other` is None when the other resource is left alone; otherwise it is kept and pushed, after
    `notified`. `attributes` are other attributes that change too, `status_code` is the response's, and with
    `misdirected` the notifications carry the other resource's id.
    """

    stored: UserData
    notified: tuple[UserData | None, ...]
    kind: str | None = None
    other: UserData | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    status_code: int = 0
    misdirected: bool = False


def faithful(operation: Operation) -> Outcome:
    """Do what the documentation says."""
    return kept(operation.after)


def kept(userdata: UserData) -> Outcome:
    """Store the data and show it."""
    return Outcome(stored=userdata, notified=(userdata,))
