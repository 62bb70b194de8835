"""What is to be redacted: the tables of `sensitive`, how much of them, and a user's own rules.

A rule is a key (`CustomerNo`, `*Number`), a JSON path (`$.user.phone`, `$..participants[*].name`), a header
(`header:X-Tenant`) or a pattern (`pattern:KD-[0-9]{6}`). Names compare without case.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Literal, get_args

from gws_replay.core.redaction import tables as sensitive

Level = Literal["all", "secrets", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)
Kind = Literal["keep", "secret", "personal"]
# Called with the place and the rule of each value that is redacted.
Noticed = Callable[[str, str], None]

_STEP = re.compile(r"(\.\.|\.)([^.\[\]]+)|\[\*\]")
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
        """The rules, ready to be asked. Raises ValueError for one that cannot be read."""
        return Rules(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a user: what it looks at, and the pattern that a name, a path or a text is compared with."""

    where: Literal["key", "path", "header", "pattern"]
    pattern: str


def parsed(rule: str) -> Rule:
    """Read a rule. Raises ValueError, which says what is wrong with it."""
    if not rule.strip():
        raise ValueError("a rule is empty")
    if rule.startswith("$"):
        return Rule("path", _path_pattern(rule))
    if rule.startswith("header:"):
        return Rule("header", _name_pattern([rule.removeprefix("header:").strip()]))
    if rule.startswith("pattern:"):
        pattern = rule.removeprefix("pattern:")
        try:
            found = re.compile(f"(?P<whole>{pattern})")  # as it will stand among others
        except re.error as error:
            raise ValueError(f"{rule!r} is no regular expression: {error}") from None
        if found.fullmatch(""):
            raise ValueError(f"{rule!r} matches the empty text")
        return Rule("pattern", pattern)
    return Rule("key", _name_pattern([rule]))


class Rules:
    """A policy that can be asked about names, paths and texts."""

    def __init__(self, policy: Policy) -> None:
        own = {kind: [parsed(rule) for rule in getattr(policy, kind)] for kind in _KINDS}
        if any(rule.where == "pattern" for rule in own["keep"]):
            raise ValueError("keep takes keys, paths and headers, no patterns: narrow the rule that matches too much")
        self.personal = policy.level == "all"
        self._keys: dict[str, Kind | None] = {}
        self._by_key: tuple[tuple[Kind, re.Pattern[str]], ...] = (
            ("keep", _any(own["keep"], "key")),
            ("secret", _any(own["secret"], "key", *map(_glob, sensitive.SECRET_KEYS))),
            ("personal", _any(own["personal"], "key", *map(_glob, sensitive.PERSONAL_KEYS))),
        )
        self._by_path = tuple(
            (kind, _any(own[kind], "path")) for kind in _KINDS if any(rule.where == "path" for rule in own[kind])
        )
        self._kept_headers = _any(own["keep"], "header")
        self.secret_headers = _any(own["secret"], "header", *map(_glob, sensitive.SECRET_HEADERS))
        self.personal_headers = _any(own["personal"], "header")
        self._harmless_headers = _any([], "header", *map(_glob, sensitive.HARMLESS_HEADERS))
        self._own_secrets = own["secret"]
        self._secret_shapes: dict[tuple[bool, bool], re.Pattern[str]] = {}
        self.personal_shapes = _shapes(sensitive.PERSONAL_SHAPES, own["personal"]) if self.personal else None

    def secret_shapes_of(self, text: str) -> re.Pattern[str]:
        """Return a pattern for the secrets that a text can hold by its shape; trying all of them takes long."""
        which = sensitive.SECRET_HINTS.search(text.lower()) is not None, len(text) >= sensitive.LONG
        if which not in self._secret_shapes:
            tables = (sensitive.SECRET_SHAPES, sensitive.LONG_SECRET_SHAPES)
            chosen = {
                name: shape for table, has in zip(tables, which, strict=True) if has for name, shape in table.items()
            }
            self._secret_shapes[which] = _shapes(chosen, self._own_secrets)
        return self._secret_shapes[which]

    @property
    def look_at_paths(self) -> bool:
        """Whether any rule needs to know where in a body a value stands."""
        return bool(self._by_path)

    def of_key(self, key: str) -> Kind | None:
        """Return what the values of a key are; None where only their shape tells."""
        try:
            return self._keys[key]
        except KeyError:
            found = next((kind for kind, names in self._by_key if names.fullmatch(key)), None)
            return self._keys.setdefault(key, None if found == "personal" and not self.personal else found)

    def of_path(self, path: str) -> Kind | None:
        """Return what the value at a path (names with dots between) is by the rules for paths."""
        found = next((kind for kind, paths in self._by_path if paths.fullmatch(path)), None)
        return None if found == "personal" and not self.personal else found

    def of_header(self, name: str, *, asked: bool) -> Kind | None:
        """Return what the values of a header are; what is unknown in a request (`asked`) is secret."""
        if self._kept_headers.fullmatch(name):
            return "keep"
        if self.secret_headers.fullmatch(name):
            return "secret"
        if self.personal_headers.fullmatch(name):
            return "personal" if self.personal else None
        return "secret" if asked and not self._harmless_headers.fullmatch(name) else None


def _any(rules: Iterable[Rule], where: str, *more: str) -> re.Pattern[str]:
    patterns = [*(rule.pattern for rule in rules if rule.where == where), *more]
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _shapes(table: dict[str, str], rules: Iterable[Rule]) -> re.Pattern[str]:
    """Return one pattern for all shapes; `lastgroup` of a match is the shape, with `_` for what a group cannot hold."""
    own = {f"pattern{n}": rule.pattern for n, rule in enumerate(rules) if rule.where == "pattern"}
    return re.compile(
        "|".join(f"(?P<{name.replace('-', '_')}>{each})" for name, each in {**own, **table}.items()) or r"(?!)"
    )


def _name_pattern(names: Iterable[str]) -> str:
    return "|".join(map(_glob, names))


def _glob(name: str) -> str:
    return ".*".join(map(re.escape, name.split("*")))


def _path_pattern(rule: str) -> str:
    pattern, at = "", 1
    while at < len(rule):
        step = _STEP.match(rule, at)
        if step is None:
            raise ValueError(f"{rule!r} is no path such as $.user.phone or $..participants[*].name (see {rule[at:]!r})")
        if step[1] == "..":
            pattern += r"\.(?:.*\.)?"
        elif step[1]:
            pattern += r"\."
        pattern += _glob(step[2]).replace(".*", r"[^.]*") if step[2] else ""
        at = step.end()
    if not pattern:
        raise ValueError(f"{rule!r} names the whole body: name a key in it")
    return pattern
