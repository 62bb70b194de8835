"""Changes single values in the text of a cassette file; comments, order, quotes and all other characters stay.

A YAML file is changed where the values stand; a JSON file, which has nothing beside its values, is written anew. The
new text is parsed again: it must have the same content as the old one, except for the values that were changed.
"""

import base64
import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr import yaml_text
from gws_replay.formats.vcr.scrub import Path, Scrub
from gws_replay.formats.vcr.yaml_text import Dumper, Loader

_PROPERTIES = re.compile(r"(?:(?P<anchor>&\S+)|!\S*)\s+")
_BLOCK = re.compile(r"(\|[+-]?)[ \t]*(#[^\r\n]*)?\r?\n( +)")
_END_MARK = re.compile(r"(?m)^\.\.\.[ \t]*(?:#.*)?$")
_INDENT = re.compile(r"\n( +)\"")
_WIDE = 2**30
_UNSAFE_IN_FLOW = re.compile(r"[\[\]{},]")


def edited(text: str, scrub: Scrub, *, as_json: bool) -> str:
    """Return the text of a file with the changes of a scrub, and the header that says so.

    Raises CassetteError, which names the place, if the text cannot be changed so that it means what is meant.
    """
    if not scrub.changes:
        return text
    if as_json:
        document = copy.deepcopy(dict(scrub.document))
        for path, value in scrub.changes:
            _put(document, path, value)
        document[scrub.header_name] = scrub.header
        changed = _json(text, document)
        _check(changed, document, scrub.source, as_json=True)
        return changed
    try:
        return _Edit(text, scrub).edited()
    except CassetteError:
        return _Edit(text, scrub, keeps_styles=False).edited()


class _Edit:
    """The change of one YAML text, in its places; without `keeps_styles` each new value stands in double quotes."""

    def __init__(self, text: str, scrub: Scrub, *, keeps_styles: bool = True) -> None:
        self._keeps_styles = keeps_styles
        self._text = text
        self._scrub = scrub
        self._root: Any = yaml.compose(text, Loader=Loader)
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def edited(self) -> str:
        values: dict[int, tuple[Any, str | bytes]] = {}  # an anchored value stands once, whatever points to it
        spans: dict[tuple[int, int], str] = {}
        for path, value in self._scrub.changes:
            node = self._node(path)
            values[id(node)] = node, value
            spans[node.start_mark.index, node.end_mark.index] = self._scalar(node, value)
        for node, value in values.values():
            node.tag, node.value = yaml_text.scalar(value)
        meant = yaml_text.content(self._root)
        meant[self._scrub.header_name] = self._scrub.header
        old = self._header_node()
        if old is not None:
            spans = {span: new for span, new in spans.items() if not _within(span, old)}
            spans[old.start_mark.index, old.end_mark.index] = self._mapping(old, self._scrub.header)
        if old is not None:
            return self._checked(spans, meant)
        try:
            return self._checked(self._header_at_end(dict(spans)), meant)
        except CassetteError:  # what stands at the end belongs to the last value
            return self._checked(self._header_at_start(spans), meant)

    def _checked(self, spans: Mapping[tuple[int, int], str], meant: Mapping[str, Any]) -> str:
        changed = _spliced(self._text, spans)
        _check(changed, meant, self._scrub.source, as_json=False)
        return changed

    def _header_node(self) -> Any:
        name = self._scrub.header_name
        return next((value for key, value in reversed(self._root.value) if key.value == name), None)

    def _header_at_end(self, spans: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
        """Add the header after everything else: before the brace that ends it all, or the mark of the end."""
        if self._root.flow_style:
            at = self._root.end_mark.index - 1
            comma = "" if self._text[:at].rstrip().endswith(",") else ","
            spans[at, at] = f"{comma} {_flow({vcr_document.REDACTION: self._scrub.header})[1:-1]}"
            return spans
        last = self._root.value[-1][1].end_mark.index
        end = _END_MARK.search(self._text, last)
        at = end.start() if end else len(self._text)
        rest = self._text[:at].rstrip(" \r\n")
        start = max(len(rest), self._root.value[-1][1].start_mark.index, *(stop for _, stop in spans))
        lines = _dump({vcr_document.REDACTION: self._scrub.header}).replace("\n", self._newline)
        margin = " " * self._root.start_mark.column
        indented = "".join(f"{margin}{line}" for line in lines.splitlines(keepends=True))
        spans[min(start, at), at] = f"{self._newline}{indented}"
        return spans

    def _header_at_start(self, spans: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
        at = self._root.start_mark.index
        margin = " " * self._root.start_mark.column
        one_line = _flow({vcr_document.REDACTION: self._scrub.header})[1:-1]
        spans[at, at] = f"{one_line}{self._newline}{margin}"
        return spans

    def _node(self, path: Path) -> Any:
        """Return the node of a path; a value may stand for itself alone, or be the `string` of a mapping."""
        node = self._root
        for step in path:
            if isinstance(node, yaml.ScalarNode):
                break
            found = (
                node.value[step : step + 1]
                if isinstance(step, int) and isinstance(node, yaml.SequenceNode)
                else [value for key, value in node.value if key.value == step][-1:]
                if isinstance(node, yaml.MappingNode)
                else ()
            )
            if not found:
                raise _unchangeable(self._scrub.source, path)
            node = found[0]
        while isinstance(node, yaml.MappingNode) and (inner := [v for k, v in node.value if k.value == "string"]):
            node = inner[0]
        if not isinstance(node, yaml.ScalarNode):
            raise _unchangeable(self._scrub.source, path)
        return node

    def _scalar(self, node: Any, value: str | bytes) -> str:
        """Spell a value as the old one was spelled, if possible; in double quotes otherwise."""
        old = self._text[node.start_mark.index : node.end_mark.index]
        anchor = ""
        while properties := _PROPERTIES.match(old):
            anchor = f"{properties['anchor']} " if properties["anchor"] else anchor
            old = old[properties.end() :]
        style = getattr(node, "style", None)
        spelled = None
        if self._keeps_styles and isinstance(value, str):
            spelled = self._as_before(old, style, node.value, value)
        if spelled is None:
            spelled = f'!!binary "{base64.b64encode(value).decode()}"' if isinstance(value, bytes) else _quoted(value)
        elif spelled.startswith("|"):
            return f"{anchor}{spelled}"
        return f"{anchor}{spelled}{old[len(old.rstrip(' ' + self._newline)) :] if style in ('|', '>') else ''}"

    def _as_before(self, old: str, style: str | None, before: str, value: str) -> str | None:
        block = _BLOCK.match(old) if style == "|" else None
        if block and value.count("\n") == before.count("\n") and "\r" not in value:
            lines = self._newline.join(f"{block[3]}{line}" if line else "" for line in value.split("\n"))
            comment = f" {block[2]}" if block[2] else ""
            ending = old[len(old.rstrip("\r\n")) :]
            return f"{block[1]}{comment}{self._newline}{lines.rstrip(self._newline)}{ending}"
        if style in (None, "") and _is_plain(value):
            return value
        if style == "'" and value.isprintable() and "\n" not in value:
            return "'" + value.replace("'", "''") + "'"
        return None

    def _mapping(self, node: Any, value: Mapping[str, Any]) -> str:
        if isinstance(node, yaml.ScalarNode) or node.flow_style:
            return f"{'' if node.start_mark.index < node.end_mark.index else ' '}{_flow(value)}"
        lines = _dump(dict(value)).splitlines()
        return f"{self._newline}{' ' * node.start_mark.column}".join(lines) + self._newline


def _check(text: str, meant: Mapping[str, Any], source: str, *, as_json: bool) -> None:
    """Raise CassetteError unless a text says what is meant."""
    try:
        parsed = yaml_text.parse(text, source, as_json=as_json)
    except CassetteError:
        raise CassetteError(
            f"{source} cannot be changed in place (the new text could not be parsed); nothing was changed: "
            "convert the file first (gws-replay convert)"
        ) from None
    try:
        is_meant = parsed == meant
    except RecursionError:
        raise CassetteError(
            f"{source} cannot be changed: a value contains itself, through its anchor; nothing was changed: "
            "write it out, without the anchor"
        ) from None
    if not is_meant:
        place = next(_differences(parsed, meant, ""), "the file")
        raise CassetteError(
            f"{source}: {place.lstrip('.') or 'the file'} cannot be changed in place without changing more; "
            "nothing was changed: convert the file first (gws-replay convert)"
        )


def _differences(parsed: Any, meant: Any, place: str) -> Iterator[str]:
    if isinstance(parsed, dict) and isinstance(meant, dict) and parsed.keys() == meant.keys():
        for key, value in parsed.items():
            yield from _differences(value, meant[key], f"{place}.{key}")
    elif isinstance(parsed, list) and isinstance(meant, list) and len(parsed) == len(meant):
        for index, (one, other) in enumerate(zip(parsed, meant, strict=True)):
            yield from _differences(one, other, f"{place}.{index}")
    elif parsed != meant:
        yield place


def _unchangeable(source: str, path: Path) -> CassetteError:
    return CassetteError(f"{source}: {'.'.join(map(str, path))} cannot be changed in place: convert the file")


def _put(document: Any, path: Path, value: str | bytes) -> None:
    *above, last = path
    for step in above:
        if not isinstance(document[step], dict | list):  # a header with one value, not in a list
            document[step] = value
            return
        document = document[step]
    while isinstance(document[last], dict) and "string" in document[last]:
        document, last = document[last], "string"
    document[last] = value


def _spliced(text: str, spans: Mapping[tuple[int, int], str]) -> str:
    pieces: list[str] = []
    end = 0
    for (start, stop), new in sorted(spans.items()):
        pieces += (text[end:start], new)
        end = max(stop, end)
    return "".join([*pieces, text[end:]])


def _within(span: tuple[int, int], node: Any) -> bool:
    return bool(node.start_mark.index <= span[0] and span[1] <= node.end_mark.index)


def _is_plain(value: str) -> bool:
    """Tell whether a text may stand without quotes, also in brackets."""
    if not value.isprintable() or _UNSAFE_IN_FLOW.search(value) or "\n" in value:
        return False
    try:
        return bool(yaml.load(f"- {value}\n", Loader=Loader) == [value])  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        return False


def _quoted(value: str) -> str:
    # Not with our Dumper, which writes what has several lines as a block.
    spelled: str = yaml.dump(value, Dumper=yaml_text.PlainDumper, default_style='"', allow_unicode=True, width=_WIDE)
    return spelled.rstrip("\n")


def _flow(value: Mapping[str, Any]) -> str:
    spelled: str = yaml.dump(
        dict(value),
        Dumper=yaml_text.PlainDumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDE,
    )
    return spelled.strip()


def _dump(value: Any) -> str:
    spelled: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDE)
    return spelled


def _json(text: str, document: Mapping[str, Any]) -> str:
    """Write a JSON document with the indentation, and with the spelling of letters, that a text has."""
    found = _INDENT.search(text)
    indent = len(found[1]) if found else None
    separators = None if indent or '": ' in text else (",", ":")
    spelled = json.dumps(document, indent=indent, ensure_ascii=text.isascii() and "\\u" in text, separators=separators)
    return spelled + ("\n" if text.endswith("\n") else "")
