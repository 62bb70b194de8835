"""What every page has: one file without addresses in it, every value escaped, and a policy that loads nothing."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from gws_replay.core.json_compare import printable

SHADE = '<button type="button" id="shade" class="shade" title="light or dark (t)" aria-label="light or dark">◐</button>'


def page_skeleton(
    title: str, name: str, body: Iterable[str], scripts: Sequence[str], inner: Sequence[str] = ()
) -> Iterator[str]:
    """Yield a page with a body, the style of all pages, that of `name`, and scripts of this package.

    The page may show another one inside it, with the name and scripts in `inner`.
    """
    style, script = _style(name), _script(scripts)
    styles, all_scripts = [style, *map(_style, inner[:1])], [script, *([_script(inner[1:])] if inner else [])]
    policy = (
        f"default-src 'none'; style-src {' '.join(map(_hash, styles))}; "
        f"script-src {' '.join(map(_hash, all_scripts))}; base-uri 'none'; form-action 'none'"
    )
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{safe(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    yield from body
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _style(name: str) -> str:
    return asset("base.css") + asset(f"{name}.css")


def _script(names: Sequence[str]) -> str:
    return "".join(map(asset, ("theme.js", *names)))


def figures(counts: Iterable[tuple[int, str, str]]) -> str:
    """Return numbers with their words; a kind (`bad`, `odd`) colours a number that is not 0."""
    return f'<dl class="figures">{"".join(_figure(*each) for each in counts)}</dl>\n'


def bar(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    """Return a bar with the share of each outcome, in the order of the words; empty without outcomes."""
    present = [name for name in words if counts.get(name)]
    label = ", ".join(f"{counts[name]} {words[name]}" for name in present)
    parts: list[str] = []
    at = 0
    for name in present:
        parts.append(f'<rect class="{name}" x="{at}" y="0" width="{counts[name]}" height="1"/>')
        at += counts[name]
    box = f'viewBox="0 0 {at} 1" preserveAspectRatio="none"'
    return f'<svg class="bar" role="img" aria-label="{label}" {box}>{"".join(parts)}</svg>\n' if at else ""


def data(value: Any) -> str:
    """Return a value as JSON that a parser of HTML cannot mistake for markup."""
    return json.dumps(value, separators=(",", ":")).replace("<", r"\u003c")


def block(name: str, text: str) -> str:
    """Return an element with data, which is not executed."""
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def safe(text: str) -> str:
    """Escape text for HTML, and its control characters."""
    return escape(printable(text))


def asset(name: str) -> str:
    """Return a file of this package."""
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _figure(number: int, word: str, kind: str) -> str:
    marked = f' class="{kind}"' if number and kind else ""
    return f"<div{marked}><dt>{word}</dt><dd>{number:,}</dd></div>"


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
