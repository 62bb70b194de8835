"""What is to be redacted: the tables of `sensitive`, how much of them, and a user's own rules.

A rule is a key (`CustomerNo`, `*Number`), a JSON path (`$.user.phone`, `$..participants[*].name`), a header
(`header:X-Tenant`), a pattern (`pattern:KD-[0-9]{6}`) or a shape that is not looked for otherwise (`shape:ip-address`).
Names compare without case. A user's own rule is stronger than every exception of the tables.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Literal, get_args

from gws_replay.core.redaction import own_patterns
from gws_replay.core.redaction import tables as sensitive

Level = Literal["all", "secrets", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)
Kind = Literal["keep", "secret", "personal"]
# Called with the place and the rule of each value that is redacted.
Noticed = Callable[[str, str], None]

IP_ADDRESS = "ip-address"
_STEP = re.compile(r"(\.\.|\.)([^.\[\]]+)|\[\*\]")
_MOST_KEYS = 50_000  # of which it is remembered what their values are
_KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Policy:
    """How much is redacted, and the rules beside the tables: what is kept, and what is secret or personal too."""

    level: Level = "all"
    keep: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the cassette's header calls it: which rules there were, and a digest that tells them from others."""
        own = "own" if self.keep or self.secret or self.personal else "default"
        tables = [getattr(sensitive, name) for name in sorted(vars(sensitive)) if name.isupper()]
        spelled = [sorted(each) if isinstance(each, frozenset) else each for each in tables]
        return f"{own} {hashlib.sha256(repr((astuple(self), spelled)).encode()).hexdigest()[:8]}"

    @cached_property
    def rules(self) -> "Rules":
        """The rules, ready for use. Raises ValueError for one that cannot be read."""
        return Rules(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a user: what it looks at, and the pattern that a name, a path or a text is compared with."""

    where: Literal["key", "path", "header", "pattern", "shape"]
    pattern: str


def parsed(rule: str) -> Rule:
    """Read a rule. Raises ValueError, which says what is wrong with it."""
    if not rule.strip():
        raise ValueError("a rule is empty")
    if rule.startswith("$"):
        return Rule("path", _path_pattern(rule))
    if rule.startswith("header:"):
        return Rule("header", _name_pattern([rule.removeprefix("header:").strip()]))
    if rule.startswith("shape:"):
        if rule.removeprefix("shape:") != IP_ADDRESS:
            raise ValueError(f"{rule!r} is unknown: there is shape:{IP_ADDRESS}")
        return Rule("shape", IP_ADDRESS)
    if rule.startswith("pattern:"):
        pattern = rule.removeprefix("pattern:")
        try:
            own_patterns.compiled(pattern)
            if re.fullmatch(pattern, ""):
                raise ValueError("matches the empty text")  # noqa: TRY301 (named as the others are)
            own_patterns.check(pattern)
        except ValueError as error:
            raise ValueError(f"{rule!r}: {error}") from None
        return Rule("pattern", pattern)
    return Rule("key", _name_pattern([rule]))


class _Names:
    """Names of a table: whole names and ends of names are compared much faster than by a pattern."""

    def __init__(self, names: Iterable[str]) -> None:
        listed = [*names]
        self._whole = frozenset(name.removeprefix("*") for name in listed if "*" not in name[1:])
        self._ends = tuple(name[1:] for name in listed if name[0] == "*" and "*" not in name[1:])
        others = [name for name in listed if "*" in name[1:]]
        self._heads = tuple(name.partition("*")[0] for name in others)
        self._others = _any([], "key", *map(_glob, others))

    def has(self, name: str) -> bool:
        """Tell whether a name is in the table."""
        return (
            name in self._whole
            or name.endswith(self._ends)
            or (name.startswith(self._heads) and bool(self._others.fullmatch(name)))
        )


class Rules:
    """A policy, ready to classify names, paths and texts."""

    def __init__(self, policy: Policy) -> None:
        own = {kind: [parsed(rule) for rule in getattr(policy, kind)] for kind in _KINDS}
        if any(rule.where in ("pattern", "shape") for rule in own["keep"]):
            raise ValueError("keep takes keys, paths and headers, no patterns: narrow the rule that matches too much")
        self.personal = policy.level == "all"
        self._keys: dict[str, Kind | None] = {}
        self._own_keys = {kind: _any(own[kind], "key") for kind in _KINDS if any(r.where == "key" for r in own[kind])}
        self._by_path = tuple(
            (kind, _any(own[kind], "path")) for kind in _KINDS if any(rule.where == "path" for rule in own[kind])
        )
        self._own_headers = {kind: _any(own[kind], "header") for kind in _KINDS}
        self._secret_headers = _any([], "header", *map(_glob, sensitive.SECRET_HEADERS))
        self._secret_header_parts = _any([], "header", *map(_glob, sensitive.SECRET_HEADER_PARTS))
        self._harmless_headers = _any([], "header", *map(_glob, sensitive.HARMLESS_HEADERS))
        self._harmless_response_headers = _any([], "header", *map(_glob, sensitive.HARMLESS_RESPONSE_HEADERS))
        self.secret_patterns = _patterns(own["secret"])
        self.personal_patterns = _patterns(own["personal"]) if self.personal else ()
        self.ip_addresses = any(rule.where == "shape" for rule in (*own["secret"], *own["personal"]))

    @property
    def look_at_paths(self) -> bool:
        """Whether any rule needs to know where in a body a value stands."""
        return bool(self._by_path)

    def of_key(self, key: str) -> Kind | None:
        """Return what the values of a key are; None where only their shape tells."""
        if key in self._keys:
            return self._keys[key]
        if len(self._keys) > _MOST_KEYS:
            self._keys.clear()
        found = self.of_own_key(key) or self._of_tables(sensitive.normalised(key))
        return self._keys.setdefault(key, None if found == "personal" and not self.personal else found)

    def of_own_key(self, key: str) -> Kind | None:
        """Return what the values of a key are by a rule of the user's own."""
        if not self._own_keys:
            return None
        return next((kind for kind, names in self._own_keys.items() if names.fullmatch(key)), None)

    @staticmethod
    def _of_tables(name: str) -> Kind | None:
        if not _KEYS.has(name):
            return None
        return "secret" if _SECRET_KEYS.has(name) else "personal"

    def is_password(self, key: str) -> bool:
        """Tell whether the values of a key are chosen by people, and may be short."""
        return _PASSWORD_KEYS.has(sensitive.normalised(key)) or self.of_own_key(key) == "secret"

    def of_path(self, path: str) -> Kind | None:
        """Return what the value at a path (names with dots between) is by the rules for paths."""
        found = next((kind for kind, paths in self._by_path if paths.fullmatch(path)), None)
        return None if found == "personal" and not self.personal else found

    def of_own_header(self, name: str) -> Kind | None:
        """Return what the values of a header are by a rule of the user's own."""
        return next((kind for kind, names in self._own_headers.items() if names.fullmatch(name)), None)

    def of_header(self, name: str, *, in_request: bool) -> Kind | None:
        """Return what the values of a header are; what is unknown in a request is secret."""
        own = self.of_own_header(name)
        if own:
            return None if own == "personal" and not self.personal else own
        if self._secret_headers.fullmatch(name):
            return "secret"
        if in_request:
            return None if self._harmless_headers.fullmatch(name) else "secret"
        is_secret = self._secret_header_parts.fullmatch(name) and not self._harmless_response_headers.fullmatch(name)
        return "secret" if is_secret else None


def _patterns(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(rule.pattern for rule in rules if rule.where == "pattern")


def _any(rules: Iterable[Rule], where: str, *more: str) -> re.Pattern[str]:
    patterns = [*(rule.pattern for rule in rules if rule.where == where), *more]
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _name_pattern(names: Iterable[str]) -> str:
    return "|".join(map(_glob, names))


def _glob(name: str) -> str:
    return ".*".join(map(re.escape, name.split("*")))


def _path_pattern(rule: str) -> str:
    pattern, at = "", 1
    while at < len(rule):
        step = _STEP.match(rule, at)
        if step is None:
            raise ValueError(
                f"{rule!r} cannot be read as a path such as $.user.phone or $..participants[*].name (see {rule[at:]!r})"
            )
        if step[1] == "..":
            pattern += r"\.(?:.*\.)?"
        elif step[1]:
            pattern += r"\."
        pattern += _glob(step[2]).replace(".*", r"[^.]*") if step[2] else ""
        at = step.end()
    if not pattern:
        raise ValueError(f"{rule!r} names the whole body: name a key in it")
    return pattern


_SECRET_KEYS = _Names(sensitive.SECRET_KEYS)
_PASSWORD_KEYS = _Names(sensitive.PASSWORD_KEYS)
_KEYS = _Names((*sensitive.SECRET_KEYS, *sensitive.PERSONAL_KEYS))
