"""Keys that no rule knows, and whose names sound as if their values were secret or personal."""

import re
from collections.abc import Iterable

from gws_replay.core.redaction.harmless_words import VOCABULARY

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PERSONAL = frozenset(
    {
        *("phone", "telephone", "tel", "mobile", "cell", "fax", "mail", "email", "address", "street", "city", "zip"),
        *("birth", "birthday", "dob", "born", "age", "gender", "sex", "ssn", "passport", "iban", "bic", "account"),
        *("customer", "client", "patient", "member", "caller", "surname", "lastname", "firstname", "nationality"),
        *("diagnosis", "salary", "income", "religion", "iban", "card", "plate", "licence", "license", "tax"),
    }
)
_NAMED = frozenset({"customer", "client", "patient", "member", "caller", "person", "contact", "owner", "holder", "own"})
_SECRET = frozenset({"pass", "pin", "puk", "tan", "secret", "token", "auth", "credential", "credentials", "signature"})
_HARMLESS = frozenset(
    {
        *("id", "ids", "type", "types", "count", "state", "status", "uri", "url", "path", "date", "time", "timestamp"),
        *("index", "enabled", "required", "valid", "allowed", "format", "size", "length", "version", "code", "class"),
        *(
            "segment",
            "group",
            "priority",
            "is",
            "has",
            "can",
            "skill",
            "level",
            "expires",
            "endpoint",
            "method",
            "list",
        ),
    }
)
_LONGEST = 60
_PERSONS = _PERSONAL - _NAMED
# Without one of these words a key sounds like nothing.
_TELLING = _SECRET | _PERSONS | {"name"}


def kind_of_name(key: str) -> str:
    """Return "personal" or "secret" for a key that sounds so, and an empty text for any other."""
    if len(key) > _LONGEST or key in VOCABULARY or (key.islower() and key.isalpha() and key not in _TELLING):
        return ""
    words = [each.lower() for each in _WORD.findall(key)]
    if _TELLING.isdisjoint(words) or not _HARMLESS.isdisjoint(words):
        return ""
    if not _SECRET.isdisjoint(words):
        return "secret"
    is_name = "name" in words and not _NAMED.isdisjoint(words)
    return "personal" if is_name or not _PERSONS.isdisjoint(words) else ""


def rules_for(keys: Iterable[str]) -> list[str]:
    """Return the rules that redact the values of keys, as they stand in pyproject.toml."""
    by_kind: dict[str, list[str]] = {}
    for key in sorted(keys):
        by_kind.setdefault(kind_of_name(key), []).append(_quoted(key))
    return [f"{kind} = [{', '.join(by_kind[kind])}]" for kind in ("secret", "personal") if kind in by_kind]


def rules_to_add(keys: Iterable[str]) -> list[str]:
    """Return a sentence, and the lines of pyproject.toml that redact the values of keys; nothing for no keys."""
    rules = rules_for(keys)
    text = "keys that sound secret or personal, and that no rule knows; to redact their values, add to pyproject.toml:"
    return [text, "[tool.gws_replay.redact]", *rules] if rules else []


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
