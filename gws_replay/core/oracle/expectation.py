"""What a test expects of a change of userData, checked against what happened: exactly this, and nothing besides."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gws_replay.core.json_compare import (
    Change,
    Changes,
    compare_userdata,
    printable,
    same,
    show,
    show_both,
    type_name,
)
from gws_replay.core.oracle.reasons import Reasons
from gws_replay.core.oracle.tolerance import Coerce, Tolerance, coerced_keys
from gws_replay.errors import UserDataMismatch

_ANY = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must happen to userData, and what does not count.

    `changed` keys must change to a value, `added` ones be new (with any or a given value), `removed` ones go, `written`
    ones have a value, whether or not they were there before. Other keys that match a pattern of `ignore` may change;
    values of keys that match one of `coerce` may be kept as strings.
    """

    changed: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    coerce: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        changed: Mapping[str, Any],
        added: Mapping[str, Any] | Iterable[str],
        removed: Iterable[str],
        ignore: Iterable[str],
        *,
        coerce: Coerce = (),
        written: Mapping[str, Any] | None = None,
    ) -> "Expectation":
        """Build one from a caller's arguments.

        Raises TypeError for a single string where names belong, ValueError if `coerce` names another type than string.
        """
        for name, value in (("added", added), ("removed", removed), ("ignore", ignore)):
            if isinstance(value, str):
                raise TypeError(f"{name} takes several names: write {name}=[{value!r}]")
        return cls(
            changed=dict(changed),
            added=dict(added) if isinstance(added, Mapping) else dict.fromkeys(added, _ANY),
            removed=tuple(removed),
            ignore=tuple(ignore),
            coerce=coerced_keys(coerce),
            written=dict(written or {}),
        )

    def check(self, before: Mapping[str, Any], after: Mapping[str, Any], *, of: str = "", where: str = "") -> Changes:
        """Return the changes. Raises UserDataMismatch, which lists every deviation, when they are not as expected."""
        named = {*self.changed, *self.added, *self.removed, *self.written}
        changes = compare_userdata(before, after)
        tolerance, reasons = Tolerance(self.ignore, self.coerce), Reasons()
        besides = list(tolerance.counting((each for each in changes.entries if each.key not in named), reasons))
        changes = changes.without({*reasons.ignored, *reasons.coerced})
        deviations = list(self._deviations(changes, before, after, tolerance))
        if deviations or besides:
            report = map(printable, self._report(deviations, besides, reasons, of=of))
            raise UserDataMismatch("\n".join([*report, *([where] if where else [])]))
        return changes

    def holds(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Tell whether the changes are as expected."""
        try:
            self.check(before, after)
        except UserDataMismatch:
            return False
        return True

    def _deviations(
        self, changes: Changes, before: Mapping[str, Any], after: Mapping[str, Any], tolerance: Tolerance
    ) -> Iterator[str]:
        found: Mapping[str, Iterable[str]] = {
            "changed": changes.changed,
            "added": changes.added,
            "removed": changes.removed,
        }
        wanted = {"changed": self.changed, "added": self.added, "removed": dict.fromkeys(self.removed, _ANY)}
        for verb, values in wanted.items():
            for key, value in values.items():
                if key not in found[verb]:
                    yield f"{key} should have been {verb}, {_happened(key, found, before)}"
                elif value is not _ANY:
                    yield from _other_value(key, value, after[key], tolerance)
        for key, value in self.written.items():
            if key in after:
                yield from _other_value(key, value, after[key], tolerance)
            else:
                yield f"{key} should be {show(value)}, is absent"

    def _report(self, deviations: list[str], besides: list[Change], reasons: Reasons, *, of: str) -> Iterator[str]:
        wanted = [
            *(f"{key} = {show(value)}" for key, value in {**self.changed, **self.written}.items()),
            *(f"{key} added" for key in self.added),
            *(f"{key} removed" for key in self.removed),
        ]
        yield f"userData{of} did not change exactly as expected"
        yield f"  expected: {', '.join(wanted) or 'nothing changed'}"
        yield from (f"  but:      {line}" for line in deviations)
        yield from (f"  besides:  {change}" for change in besides)
        for name, keys in (("ignored: ", reasons.ignored), ("coerced: ", reasons.coerced)):
            if keys:
                yield f"  {name} {', '.join(sorted(keys))}"


def assert_only_changed(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    expected: Mapping[str, Any],
    *,
    added: Mapping[str, Any] | Iterable[str] = (),
    removed: Iterable[str] = (),
    ignore: Iterable[str] = (),
    coerce: Coerce = (),
) -> Changes:
    """Assert that exactly the named keys of userData changed, and return the changes.

    `expected` maps each key that must have changed to the value it must have now; `added` names (or maps to values)
    the keys that must be new, `removed` those that must be gone. Other keys that match a pattern of `ignore`
    (`LCA_*`) may change; nothing else may differ in value or type. Keys that match a pattern of `coerce`, or all if
    it is `"string"`, may have their value as a string (5 as "5").
    Raises UserDataMismatch, which lists every deviation.
    """
    return Expectation.of(expected, added, removed, ignore, coerce=coerce).check(before, after)


def _other_value(key: str, wanted: Any, found: Any, tolerance: Tolerance) -> Iterator[str]:
    """Yield that a key has another value than it should have."""
    if not same(found, wanted) and not tolerance.coerces(key, wanted, found):
        texts = show_both(wanted, found)
        yield f"{key} should be {texts[0]} ({type_name(wanted)}), is {texts[1]} ({type_name(found)})"


def _happened(key: str, found: Mapping[str, Iterable[str]], before: Mapping[str, Any]) -> str:
    for verb, keys in found.items():
        if key in keys:
            return f"was {verb}"
    return f"stayed {show(before[key])}" if key in before else "was absent before and after"
