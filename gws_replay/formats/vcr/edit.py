"""Changes single values in the text of a cassette file; comments, order, quotes and all other characters stay.

A YAML file is changed where the values stand; a JSON file, which has nothing beside its values, is written anew.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import document as vcr_document
from gws_replay.formats.vcr.scrub import HEADER, Path, Scrub
from gws_replay.formats.vcr.yaml_text import Dumper, Loader

_ANCHOR = re.compile(r"&\S+\s+")
_BLOCK = re.compile(r"(\|[+-]?)[ \t]*(#[^\n]*)?\n( +)")
_WIDE = 2**30
_UNSAFE_IN_FLOW = re.compile(r"[\[\]{},]")


def edited(text: str, scrub: Scrub, *, as_json: bool) -> str:
    """Return the text of a file with the changes of a scrub, and the header that says so."""
    if not scrub.changes:
        return text
    return _json(scrub) if as_json else _yaml(text, scrub)


def _yaml(text: str, scrub: Scrub) -> str:
    root: Any = yaml.compose(text, Loader=Loader)
    spans: dict[tuple[int, int], str] = {}  # an anchored value stands once, whatever points to it
    for path, value in scrub.changes:
        node = _node(root, path, scrub.source)
        spans[node.start_mark.index, node.end_mark.index] = _scalar(text, node, value)
    header = next((value for key, value in root.value if key.value == HEADER), None)
    old = header or next((value for key, value in root.value if key.value == vcr_document.REDACTION), None)
    if old is not None:
        spans[old.start_mark.index, old.end_mark.index] = _mapping(old, scrub.header)
    pieces: list[str] = []
    end = 0
    for (start, stop), new in sorted(spans.items()):
        pieces += (text[end:start], new)
        end = stop
    changed = "".join([*pieces, text[end:]])
    if old is not None:
        return changed
    return f"{changed.rstrip()}\n{_dump({vcr_document.REDACTION: scrub.header})}"


def _node(node: Any, path: Path, source: str) -> Any:
    """Return the node of a path; a value may stand for itself alone, or be the `string` of a mapping."""
    for step in path:
        if isinstance(node, yaml.ScalarNode):
            break
        found = (
            node.value[step : step + 1]
            if isinstance(step, int) and isinstance(node, yaml.SequenceNode)
            else [value for key, value in node.value if key.value == step]
        )
        if not found:
            raise CassetteError(f"{source}: {'.'.join(map(str, path))} cannot be changed in place: convert the file")
        node = found[0]
    while isinstance(node, yaml.MappingNode) and (inner := [v for k, v in node.value if k.value == "string"]):
        node = inner[0]
    return node


def _scalar(text: str, node: Any, value: str | bytes) -> str:
    """Spell a value as the old one was spelled, where that can be; in double quotes otherwise."""
    old = text[node.start_mark.index : node.end_mark.index]
    anchor = found[0] if (found := _ANCHOR.match(old)) else ""
    old = old[len(anchor) :]
    style = getattr(node, "style", None)
    if isinstance(value, str):
        block = _BLOCK.match(old) if style == "|" else None
        if block and value.count("\n") == node.value.count("\n"):
            lines = "\n".join(f"{block[3]}{line}" if line else "" for line in value.split("\n"))
            comment = f" {block[2]}" if block[2] else ""
            ending = old[len(old.rstrip("\n")) :]
            return f"{anchor}{block[1]}{comment}\n{lines.rstrip(chr(10))}{ending}"
        if style in (None, "") and _is_plain(value):
            return anchor + value
        if style == "'" and value.isprintable():
            quoted = value.replace("'", "''")
            return f"{anchor}'{quoted}'"
    if isinstance(value, bytes):
        spelled = f'!!binary "{base64.b64encode(value).decode()}"'
    else:
        spelled = yaml.dump(value, Dumper=Dumper, default_style='"', allow_unicode=True, width=_WIDE).rstrip("\n")
    ending = "\n" if old.endswith("\n") else ""
    return f"{anchor}{spelled}{ending}"


def _is_plain(value: str) -> bool:
    """Tell whether a text may stand without quotes, also in brackets."""
    if not value.isprintable() or _UNSAFE_IN_FLOW.search(value) or "\n" in value:
        return False
    try:
        return bool(yaml.load(f"- {value}\n", Loader=Loader) == [value])  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        return False


def _mapping(node: Any, value: Mapping[str, Any]) -> str:
    if node.flow_style:
        flow: str = yaml.dump(dict(value), Dumper=Dumper, default_flow_style=True, sort_keys=False, width=_WIDE)
        return flow.strip()
    lines = _dump(dict(value)).splitlines()
    return f"\n{' ' * node.start_mark.column}".join(lines) + "\n"


def _dump(value: Any) -> str:
    spelled: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDE)
    return spelled


def _json(scrub: Scrub) -> str:
    document = json.loads(json.dumps(scrub.document))
    for path, value in scrub.changes:
        _put(document, path, value if isinstance(value, str) else value.decode())
    document[HEADER if HEADER in document else vcr_document.REDACTION] = scrub.header
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _put(document: Any, path: Path, value: str) -> None:
    *above, last = path
    for step in above:
        if isinstance(document[step], str):  # a header with one value, not in a list
            document[step] = value
            return
        document = document[step]
    if isinstance(document[last], dict) and "string" in document[last]:
        document, last = document[last], "string"
    document[last] = value
