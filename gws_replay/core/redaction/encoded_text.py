r"""Text in which characters are spelled in other ways (`%20`, `&amp;`, `\u0041`): read, and redacted as it stands."""

import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote_to_bytes

from gws_replay.core.redaction.found import PLACEHOLDER, Found

_SPELLED = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<entity>&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]\w{1,30});)"
    r"|(?P<escape>(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\[\"/\\])"
)
_SPELLED_IN_JSON = re.compile(r"%[0-9A-Fa-f]{2}|&[#A-Za-z]\w{1,30};|\\")


def is_spelled(text: str) -> bool:
    """Tell whether a text may have characters that are spelled in another way."""
    return ("%" in text or "&" in text or "\\" in text) and _SPELLED.search(text) is not None


def spelled_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where characters of a text are spelled in another way; each backslash of JSON is one."""
    if "%" in text or "&" in text or "\\" in text:
        yield from (match.span() for match in _SPELLED_IN_JSON.finditer(text))


def read(text: str) -> str:
    """Return a text with its spelled characters read."""
    return _SPELLED.sub(_read, text)


def found_within(text: str, find: Callable[[str], list[Found]]) -> list[Found]:
    """Return what is found in a text once its spelled characters are read; the places are those of the text."""
    pieces: list[str] = []
    # Where each piece begins: in what is read, and in the text.
    starts_read, starts = [0], [0]
    end = length = 0
    for match in _SPELLED.finditer(text):
        plain = _read(match)
        if plain == match[0]:
            continue
        pieces += (text[end : match.start()], plain)
        length += match.start() - end
        starts_read += (length, length + len(plain))
        starts += (match.start(), match.end())
        length += len(plain)
        end = match.end()
    if not pieces:
        return []
    found = []
    for each in find("".join([*pieces, text[end:]])):
        start = _place(each.start, starts_read, starts, at_end=False)
        stop = _place(each.stop, starts_read, starts, at_end=True)
        found.append(each._replace(start=start, stop=stop, instead=_spelled(each.instead, text[start:stop])))
    return found


def _place(at: int, starts_read: list[int], starts: list[int], *, at_end: bool) -> int:
    """Return the place in the text of one in what was read; one within a spelled character is moved out of it."""
    number = bisect_right(starts_read, at) - 1
    if at_end and starts_read[number] == at and number and number % 2:
        number -= 1
    if number % 2:  # within what is spelled
        return starts[number + 1] if at_end else starts[number]
    return starts[number] + at - starts_read[number]


def _read(match: re.Match[str]) -> str:
    spelled = match[0]
    if match["percent"]:
        content = unquote_to_bytes(spelled)
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content.decode("latin-1")
    if match["entity"]:
        return html.unescape(spelled)
    try:
        return str(json.loads(f'"{spelled}"')) if spelled[1] != "x" else chr(int(f"0{spelled[1:]}", 0))
    except ValueError:
        return spelled


def _spelled(instead: str, before: str) -> str:
    """Spell what stands for something in the way in which that was spelled."""
    if PLACEHOLDER in instead:
        return instead
    if re.search("%[0-9A-Fa-f]{2}", before):
        safe = ("" if "%2F" in before.upper() else "/") + ("+" if "+" in before and " " not in instead else "")
        return quote(instead, safe=safe, errors="surrogatepass")
    if re.search(r"&[#\w]+;", before):
        return html.escape(instead)
    return json.dumps(instead)[1:-1] if "\\" in before else instead
