"""What a test expects of a change of userData, checked against what happened: exactly this, and nothing besides."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
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
from gws_replay.errors import UserDataMismatch

_ANY = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The keys that must change to a value, be new (with any or a given value), be gone; patterns that do not count."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        changed: Mapping[str, Any],
        added: Mapping[str, Any] | Iterable[str],
        removed: Iterable[str],
        ignore: Iterable[str],
    ) -> "Expectation":
        """Build one from a caller's arguments. Raises TypeError for a single string where names belong."""
        for name, value in (("added", added), ("removed", removed), ("ignore", ignore)):
            if isinstance(value, str):
                raise TypeError(f"{name} takes several names: write {name}=[{value!r}]")
        return cls(
            changed=dict(changed),
            added=dict(added) if isinstance(added, Mapping) else dict.fromkeys(added, _ANY),
            removed=tuple(removed),
            ignore=tuple(ignore),
        )

    def check(self, before: Mapping[str, Any], after: Mapping[str, Any], *, of: str = "", where: str = "") -> Changes:
        """Return the changes. Raises UserDataMismatch, which lists every deviation, when they are not as expected."""
        named = {*self.changed, *self.added, *self.removed}
        everything = compare_userdata(before, after)
        ignored = [
            key for key in sorted(everything.keys - named) if any(fnmatchcase(key, pattern) for pattern in self.ignore)
        ]
        changes = everything.without(ignored)
        deviations = list(self._deviations(changes, before, after))
        besides = [change for change in changes.entries if change.key not in named]
        if deviations or besides:
            report = map(printable, self._report(deviations, besides, ignored, of=of))
            raise UserDataMismatch("\n".join([*report, *([where] if where else [])]))
        return changes

    def holds(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Tell whether the changes are as expected."""
        try:
            self.check(before, after)
        except UserDataMismatch:
            return False
        return True

    def _deviations(self, changes: Changes, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
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
                elif value is not _ANY and not same(after[key], value):
                    wanted_text, found_text = show_both(value, after[key])
                    yield (
                        f"{key} should be {wanted_text} ({type_name(value)}), is {found_text} ({type_name(after[key])})"
                    )

    def _report(self, deviations: list[str], besides: list[Change], ignored: list[str], *, of: str) -> Iterator[str]:
        wanted = [
            *(f"{key} = {show(value)}" for key, value in self.changed.items()),
            *(f"{key} added" for key in self.added),
            *(f"{key} removed" for key in self.removed),
        ]
        yield f"userData{of} did not change exactly as expected"
        yield f"  expected: {', '.join(wanted) or 'no change'}"
        yield from (f"  but:      {line}" for line in deviations)
        yield from (f"  besides:  {change}" for change in besides)
        if ignored:
            yield f"  ignored:  {', '.join(ignored)}"


def assert_only_changed(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    expected: Mapping[str, Any],
    *,
    added: Mapping[str, Any] | Iterable[str] = (),
    removed: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> Changes:
    """Assert that exactly the named keys of userData changed, and return the changes.

    `expected` maps each key that must have changed to the value it must have now; `added` names (or maps to values)
    the keys that must be new, `removed` those that must be gone. Other keys that match a pattern of `ignore`
    (`LCA_*`) may do as they like; nothing else may differ in value or type.
    Raises UserDataMismatch, which lists every deviation.
    """
    return Expectation.of(expected, added, removed, ignore).check(before, after)


def _happened(key: str, found: Mapping[str, Iterable[str]], before: Mapping[str, Any]) -> str:
    for verb, keys in found.items():
        if key in keys:
            return f"was {verb}"
    return f"stayed {show(before[key])}" if key in before else "was absent before and after"
