"""On which line of a cassette file each interaction and each notification begins, for annotations."""

import re
from collections.abc import Iterator

from gws_replay.core.lossless_json import LEXEME

_SECTIONS = {
    "interactions": "interaction",
    "notifications": "notification",
    "websocket_messages": "websocket message",
}
_KEY = re.compile(r"(\w+):")


def lines_of(text: str, *, as_json: bool) -> dict[str, int]:
    """Return the line (from 1) of each item under the name that findings have for it: "interaction 3"."""
    counts = dict.fromkeys(_SECTIONS.values(), 0)
    lines: dict[str, int] = {}
    for section, line in _json(text) if as_json else _yaml(text):
        name = _SECTIONS.get(section)
        if name:
            lines[f"{name} {counts[name]}"] = line
            counts[name] += 1
    return lines


def _yaml(text: str) -> Iterator[tuple[str, int]]:
    """Yield items of the lists of a block mapping; what is inside an item is indented deeper than its dash."""
    section, indent = "", -1
    for number, line in enumerate(text.split("\n"), 1):
        if key := _KEY.match(line):
            section, indent = key[1], -1
        elif line.lstrip(" ").startswith("- "):
            found = len(line) - len(line.lstrip(" "))
            indent = found if indent < 0 else indent
            if found == indent:
                yield section, number


def _json(text: str) -> Iterator[tuple[str, int]]:
    depth, section, last = 0, "", ""
    line, end = 1, 0
    for match in LEXEME.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        lexeme = match[0]
        if depth == 1 and lexeme == ":":
            section = last.strip('"')
        if depth == 2 and lexeme == "{":
            yield section, line
        depth += (lexeme in "[{") - (lexeme in "]}")
        last = lexeme
