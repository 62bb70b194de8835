"""What the sandbox does wrong on purpose: a table of faults, each a pure function on one userData operation.

A fault is wrong in its own way only, so that a check which misses it is known to miss just that. This file must never
know of HTTP, of CometD or of time, and must stay cheap to import: the command line lists the table in its help.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

UserData: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One userData operation: the data before it, what it writes and removes, and another session's data."""

    before: UserData
    written: UserData = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    other: UserData = field(default_factory=dict)

    @property
    def after(self) -> UserData:
        """The data as it has to be after the operation."""
        return self.applied_to(self.before)

    def applied_to(self, userdata: UserData) -> UserData:
        """Return the data with the operation's keys written and removed."""
        return {key: value for key, value in {**userdata, **self.written}.items() if key not in self.removed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What becomes of an operation: the data kept, the data of each notification in order, and the other session's.

    `other` is None when the other session is left alone; otherwise it is kept and pushed, after `notified`.
    """

    stored: UserData
    notified: tuple[UserData, ...]
    other: UserData | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table: one line for --help, and the function that goes wrong."""

    description: str
    apply: Callable[[Operation], Outcome]


def faithful(operation: Operation) -> Outcome:
    """Do what the documentation says."""
    return _kept(operation.after)


def _kept(userdata: UserData) -> Outcome:
    return Outcome(stored=userdata, notified=(userdata,))


def _extra_key(operation: Operation) -> Outcome:
    return _kept({**operation.after, **_one_altered(_untouched(operation))})


def _added_key(operation: Operation) -> Outcome:
    return _kept({**operation.after, "SandboxAddedKey": "added"})


def _dropped_key(operation: Operation) -> Outcome:
    dropped = next(reversed(_untouched(operation)), None)
    return _kept({key: value for key, value in operation.after.items() if key != dropped})


def _wrong_value(operation: Operation) -> Outcome:
    return _kept({**operation.after, **_one_altered(operation.written)})


def _number_to_string(operation: Operation) -> Outcome:
    numbers = {
        key: str(value)
        for key, value in operation.written.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return _kept({**operation.after, **numbers})


def _lost_update(operation: Operation) -> Outcome:
    return Outcome(stored=operation.before, notified=())


def _not_stored(operation: Operation) -> Outcome:
    return Outcome(stored=operation.before, notified=(operation.after,))


def _other_session(operation: Operation) -> Outcome:
    touched = operation.applied_to(operation.other)
    if touched == operation.other:  # it had these values, or nothing to remove: the fault has to show all the same
        touched = {**operation.other, **_one_altered(operation.other)}
    return Outcome(stored=operation.after, notified=(operation.after,), other=touched)


def _stale_notification(operation: Operation) -> Outcome:
    return Outcome(stored=operation.after, notified=(operation.before,))


def _untouched(operation: Operation) -> dict[str, Any]:
    """Return the data that the operation leaves alone."""
    return {
        key: value
        for key, value in operation.before.items()
        if key not in operation.written and key not in operation.removed
    }


def _one_altered(userdata: UserData) -> UserData:
    """Return the first key with another value of the same JSON type (null becomes a number)."""
    for key, value in userdata.items():
        if isinstance(value, str):
            return {key: f"{value}*"}
        if isinstance(value, list):
            return {key: [*value, "*"]}
        if isinstance(value, dict):
            return {key: {**value, "*": "*"}}
        return {key: not value if isinstance(value, bool) else (value or 0) + 1}
    return {}


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "extra-key": Fault(description="one key that was not sent changes too", apply=_extra_key),
        "added-key": Fault(description="a key that was not sent appears", apply=_added_key),
        "dropped-key": Fault(description="a key that was not sent disappears", apply=_dropped_key),
        "wrong-value": Fault(description="the first key sent gets another value", apply=_wrong_value),
        "number-to-string": Fault(description="numbers sent are kept as strings", apply=_number_to_string),
        "lost-update": Fault(description="answered with 0, but not stored and not notified", apply=_lost_update),
        "not-stored": Fault(description="the notification shows the change, GET never does", apply=_not_stored),
        "other-session": Fault(description="another session changes too and is notified", apply=_other_session),
        "stale-notification": Fault(
            description="the notification shows the data before the change", apply=_stale_notification
        ),
    }
)
