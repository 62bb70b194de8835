"""What the sandbox does wrong on purpose: a table of faults, each a pure function on one userData operation.

Each fault breaks one rule only, so that a check which misses it is known to miss that rule. Nothing here knows HTTP,
CometD or time. The file must stay cheap to import: the command line lists the table in its help.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from gws_replay.sandbox import conversions as to
from gws_replay.sandbox.conversions import Convert, altered, everywhere
from gws_replay.sandbox.userdata import Operation, Outcome, UserData, kept, userdata_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of the table: its group and one line for --help, and the function that goes wrong."""

    group: str
    description: str
    apply: Callable[[Operation], Outcome]


def _extra_key(operation: Operation) -> Outcome:
    return kept({**operation.after, **_one_altered(operation.untouched)})


def _added_key(operation: Operation) -> Outcome:
    return kept({**operation.after, "SandboxAddedKey": "added"})


def _dropped_key(operation: Operation) -> Outcome:
    dropped = next(reversed(operation.untouched), None)
    return kept({key: value for key, value in operation.after.items() if key != dropped})


def _replaced(operation: Operation) -> Outcome:
    return kept(operation.applied_to({}))


def _wrong_value(operation: Operation) -> Outcome:
    return kept(operation.writing({**operation.written, **_one_altered(operation.written)}))


def _not_written(operation: Operation) -> Outcome:
    return kept(operation.before)


def _partly_written(operation: Operation) -> Outcome:
    return kept(operation.writing(dict(list(operation.written.items())[1:])))


def _null_dropped(operation: Operation) -> Outcome:
    return kept(operation.writing({key: value for key, value in operation.written.items() if value is not None}))


def _deleted_to_null(operation: Operation) -> Outcome:
    there = [name for name in operation.removed if name in operation.before]
    return kept({**operation.after, **dict.fromkeys(there)})


def _key_case(operation: Operation) -> Outcome:
    return kept(operation.writing({key.swapcase(): value for key, value in operation.written.items()}))


def _key_twice(operation: Operation) -> Outcome:
    name = next(iter({**operation.written, **operation.after}), "SandboxKey")
    return kept(userdata_of([*operation.after.items(), (name, "old")]))


def _overwritten(operation: Operation) -> Outcome:
    return kept(operation.applied_to(operation.earlier))


def _lost_update(operation: Operation) -> Outcome:
    return Outcome(stored=operation.before, notified=())


def _not_stored(operation: Operation) -> Outcome:
    return Outcome(stored=operation.before, notified=(operation.after,))


def _stored_otherwise(operation: Operation) -> Outcome:
    stored = {**operation.after, **_one_altered(operation.untouched)}
    return Outcome(stored=stored, notified=(operation.after,))


def _other_session(operation: Operation) -> Outcome:
    touched = operation.applied_to(operation.other)
    if touched == operation.other:  # it had these values, or nothing to remove: the fault has to show all the same
        touched = {**operation.other, **_one_altered(operation.other)}
    return Outcome(stored=operation.after, notified=(operation.after,), other=touched)


def _other_attribute(operation: Operation) -> Outcome:
    after = operation.after
    return Outcome(stored=after, notified=(after,), attributes={"state": "Revoked"})


def _refused(operation: Operation) -> Outcome:
    return Outcome(stored=operation.after, notified=(), status_code=2)


def _failed(operation: Operation) -> Outcome:
    return Outcome(stored=operation.after, notified=(None,), kind="Error")


def _unnotified(operation: Operation) -> Outcome:
    return Outcome(stored=operation.after, notified=())


def _shown(*shown: Callable[[Operation], UserData | None]) -> Callable[[Operation], Outcome]:
    """Return the fault that stores what it should, and notifies something else."""
    return lambda operation: Outcome(stored=operation.after, notified=tuple(show(operation) for show in shown))


def _misdirected(operation: Operation) -> Outcome:
    return Outcome(stored=operation.after, notified=(operation.after,), misdirected=True)


def _after(operation: Operation) -> UserData:
    return operation.after


def _before(operation: Operation) -> UserData:
    return operation.before


def _delta(operation: Operation) -> UserData:
    return operation.applied_to({})


def _nothing(_operation: Operation) -> None:
    return None


def _altered_after(operation: Operation) -> UserData:
    return {**operation.after, **_one_altered(operation.untouched)}


def _another_write(operation: Operation) -> UserData:
    return {**operation.before, "SandboxOtherKey": "written"}


def _converted(convert: Convert) -> Callable[[Operation], Outcome]:
    """Return the fault that converts each value which an operation writes."""
    return lambda operation: kept(operation.writing({key: convert(value) for key, value in operation.written.items()}))


def _one_altered(userdata: UserData) -> dict[str, Any]:
    return {key: altered(value) for key, value in list(userdata.items())[:1]}


# Group -> name -> what --help says, and the function.
_GROUPS: Final[Mapping[str, Mapping[str, tuple[str, Callable[[Operation], Outcome]]]]] = {
    "Keys": {
        "extra-key": ("one key that was not sent changes too", _extra_key),
        "added-key": ("a key that was not sent appears", _added_key),
        "dropped-key": ("a key that was not sent disappears", _dropped_key),
        "replaced": ("all keys that were not sent disappear", _replaced),
        "not-written": ("confirmed and notified, but nothing is written", _not_written),
        "partly-written": ("the first key sent is not written", _partly_written),
        "null-dropped": ("keys sent as null are left out", _null_dropped),
        "deleted-to-null": ("keys deleted become null", _deleted_to_null),
        "key-case": ("keys are written in the other case", _key_case),
        "key-twice": ("a key stands twice in the JSON", _key_twice),
        "overwritten": ("what the operation before wrote is undone", _overwritten),
    },
    "Values": {
        "wrong-value": ("the first key sent gets another value", _wrong_value),
        "nested-value": ("something inside a list or object is changed", _converted(to.altered_inside)),
        "number-to-string": ("numbers sent are kept as strings", _converted(to.number_to_string)),
        "string-to-number": ("digits sent as strings are kept as numbers", _converted(to.string_to_number)),
        "int-to-float": ("integers are kept as 1.0", _converted(everywhere(to.int_to_float))),
        "float-to-int": ("1.5 is kept as 1", _converted(everywhere(to.float_to_int))),
        "bool-to-int": ("true is kept as 1", _converted(everywhere(to.bool_to_int))),
        "one-to-true": ("[1] is kept as [true]", _converted(to.one_to_true)),
        "big-int-rounded": ("integers beyond 2**53 are rounded", _converted(everywhere(to.rounded))),
        "float-rounded": ("numbers are kept with six digits", _converted(everywhere(to.imprecise))),
        "null-to-string": ('null is kept as "null"', _converted(to.named)),
        "empty-to-null": ('"" is kept as null', _converted(to.emptied)),
        "truncated": ("text is cut after 32 characters", _converted(to.truncated)),
        "mis-decoded": ("UTF-8 text is read as Latin-1", _converted(to.mis_decoded)),
        "decomposed": ("text is normalised to NFD", _converted(to.decomposed)),
        "composed": ("text is normalised to NFC", _converted(to.composed)),
        "stripped": ("space around text is lost", _converted(to.stripped)),
        "escaped": ("<, > and & in text become entities", _converted(to.escaped)),
        "reordered": ("lists are sorted", _converted(to.reordered)),
        "appended": ("written twice: text and lists are doubled", _converted(to.doubled)),
    },
    "Storage": {
        "lost-update": ("returns 0, but stores nothing and notifies nobody", _lost_update),
        "not-stored": ("the notification shows the change, GET never does", _not_stored),
        "stored-otherwise": ("GET shows one more change than the notification", _stored_otherwise),
        "other-session": ("another session changes too and is notified", _other_session),
        "other-attribute": ("the state changes too", _other_attribute),
        "refused-written": ("returns 2 (not valid), but writes", _refused),
        "error-written": ("notified as an Error, but written", _failed),
    },
    "Notifications": {
        "not-notified": ("stored, but never notified", _unnotified),
        "stale-notification": ("the notification shows the data before the change", _shown(_before)),
        "other-write": ("the notification shows another change than the one sent", _shown(_another_write)),
        "delta-only": ("the notification shows only the keys sent", _shown(_delta)),
        "without-userdata": ("the notification leaves userData out", _shown(_nothing)),
        "doubled": ("notified twice, the second time one key differs", _shown(_after, _altered_after)),
        "misdirected": ("the notification carries another session's id", _misdirected),
    },
}


def _rows() -> Iterator[tuple[str, Fault]]:
    for group, rows in _GROUPS.items():
        for name, (description, apply) in rows.items():
            yield name, Fault(group=group, description=description, apply=apply)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(dict(_rows()))
