"""Single fields of a request, changed or removed: parameters of a query or a form, members of JSON by path.

What is not changed keeps its spelling. Rules such as `--ignore-query _` and `--ignore-body $.requestId`, and the
filters of pytest's `gws_vcr_config`, are all carried out here.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlencode, urlsplit, urlunsplit

from gws_replay.core import lossless_json
from gws_replay.core.model import Exchange, Request
from gws_replay.core.replay.form_bodies import is_form

# From the name and the value of a parameter: the new value, or None to remove it.
ChangeParameter: TypeAlias = Callable[[str, str], str | None]
# From the text of a JSON value: the new text, or None to remove the member.
ChangeMember: TypeAlias = Callable[[str], str | None]

_STEP: Final = re.compile(
    r"\.\.(?P<deep>[\w-]+)|\.(?P<name>[\w-]+)|(?P<any>\.\*|\[\*\])|\[(?P<index>\d+)\]|\[(?P<quoted>'[^']*'|\"[^\"]*\")\]"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a JSON path: a key, an index, or (both None) any child; a `deep` key may stand at any depth."""

    key: str | None = None
    index: int | None = None
    deep: bool = False

    def leads_to(self, key: str | None, index: int) -> bool:
        """Return whether the step leads to a child, which has a key in an object and none in an array."""
        if self.key is not None:
            return key == self.key
        return self.index is None or (key is None and index == self.index)


JsonPath: TypeAlias = tuple[Step, ...]


def json_path(text: str) -> JsonPath:
    """Parse `$.name`, `$.list[*].name`, `$.list[0]`, `$['odd name']` or `$..name`. Raises ValueError otherwise."""
    steps: list[Step] = []
    at = 1
    while text.startswith("$") and (found := _STEP.match(text, at)):
        key = found["deep"] or found["name"] or (found["quoted"][1:-1] if found["quoted"] is not None else None)
        steps.append(Step(key, int(found["index"]) if found["index"] else None, deep=found["deep"] is not None))
        at = found.end()
    if not steps or at != len(text):
        raise ValueError(f"{text!r} cannot be parsed as a JSON path: write $.name, $.list[*].name or $..name")
    return tuple(steps)


def changed_query(uri: str, change: ChangeParameter) -> str:
    """Return an address with its query's parameters changed."""
    parts = urlsplit(uri)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    new = [(name, changed) for name, value in pairs if (changed := change(name, value)) is not None]
    return uri if new == pairs else urlunsplit(parts._replace(query=urlencode(new)))


def changed_form(text: str, change: ChangeParameter) -> str:
    """Return the body of a form with its fields changed."""
    kept: list[str] = []
    for field in text.split("&"):
        raw, equals, written = field.partition("=")
        name, value = unquote_plus(raw), unquote_plus(written)
        changed = change(name, value) if equals else value
        if changed is not None:
            kept.append(field if changed == value else f"{raw}={quote_plus(changed)}")
    return "&".join(kept)


def changed_json(text: str, path: JsonPath, change: ChangeMember) -> str:
    """Return JSON text with the members at a path changed. The text must be JSON."""
    if path[-1].key is not None and path[-1].key not in text:
        return text
    try:
        return "".join(_changed(text, path, change))
    except RecursionError:  # nested too deeply to have been meant
        return text


def _changed(text: str, path: JsonPath, change: ChangeMember) -> str:
    step, rest = path[0], path[1:]
    members: list[tuple[str | None, str]] = []
    is_changed = False
    for index, (key, written) in enumerate(lossless_json.children(text)):
        changed: str | None = written
        if step.leads_to(key, index):
            changed = _changed(written, rest, change) if rest else change(written)
        elif step.deep:
            changed = _changed(written, path, change)
        is_changed = is_changed or changed is not written
        if changed is not None:
            members.append((key, changed))
    if not is_changed:
        return text
    return lossless_json.assembled(members) if members else ("[]" if text.lstrip().startswith("[") else "{}")


@dataclass(frozen=True)
class IgnoredFields:
    """What does not count when requests are compared: parameters of the query by name, members of bodies by path."""

    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.query or self.body)

    @cached_property
    def _paths(self) -> Sequence[JsonPath]:
        return [json_path(each) for each in self.body]

    @cached_property
    def _form_fields(self) -> Collection[str]:
        """The fields of forms, which have one level."""
        return {path[0].key for path in self._paths if len(path) == 1 and path[0].key is not None}

    def removed_from(self, request: Request) -> Request:
        """Return the request without the ignored fields."""
        uri, body = request.uri, request.body
        if self.query and "?" in uri:
            uri = changed_query(uri, lambda name, value: None if name in self.query else value)
        if self.body and body:
            body = self._without(request)
        return request if uri == request.uri and body is request.body else replace(request, uri=uri, body=body)

    def removed_from_all(self, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """Return exchanges whose requests are without the ignored fields."""
        return [replace(each, request=self.removed_from(each.request)) for each in exchanges] if self else exchanges

    def _without(self, request: Request) -> bytes:
        if lossless_json.loads_or_none(request.body) is not None:
            text = plain = request.body.decode()
            for path in self._paths:
                text = changed_json(text, path, lambda _: None)
            return request.body if text == plain else text.encode()
        if is_form(request):
            plain = request.body.decode("utf-8", "surrogateescape")
            text = changed_form(plain, lambda name, value: None if name in self._form_fields else value)
            return request.body if text == plain else text.encode("utf-8", "surrogateescape")
        return request.body


NOTHING_IGNORED: Final = IgnoredFields()
