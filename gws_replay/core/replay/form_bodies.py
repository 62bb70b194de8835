"""Bodies of forms: which request has one, and the fields in it, URL-encoded or in parts (multipart)."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl

from gws_replay.core.model import Request

_LIKE_A_FORM: Final = re.compile(
    rb"[\w.~%+*\[\]-]+=[^&\s\x00-\x1f\x7f-\xff]*(?:&[\w.~%+*\[\]-]+=[^&\s\x00-\x1f\x7f-\xff]*)*"
)
_BOUNDARY: Final = re.compile(r'boundary="?([^\s";,]+)', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb'content-disposition:[^\r\n]*?\bname="?([^"\r\n;]*)', re.IGNORECASE)


def is_form(request: Request) -> bool:
    """Return whether the body is URL-encoded fields. Without a Content-Type, as in some cassettes, its look decides."""
    kind = request.headers.get("content-type")
    if kind is not None:
        return "x-www-form-urlencoded" in kind.lower()
    return _LIKE_A_FORM.fullmatch(request.body) is not None


def form_fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a URL-encoded body, in their order."""
    text = request.body.decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def parts_of(request: Request) -> Iterator[tuple[str, str]]:
    """Yield the name of each part of a multipart body, and what it holds; nothing for any other body.

    What it holds are its header fields and its content, without the boundary, which clients choose anew each time.
    """
    kind = (request.headers.get("content-type") or "") if request.body else ""
    found = _BOUNDARY.search(kind) if kind[:10].lower() == "multipart/" else None
    if not found:
        return
    pieces = request.body.split(b"--" + found[1].encode("utf-8", "surrogateescape"))
    for piece in pieces[1:-1]:
        name = _PART_NAME.search(piece.partition(b"\r\n\r\n")[0])
        content = piece.removeprefix(b"\r\n").removesuffix(b"\r\n")
        yield (
            name[1].decode("utf-8", "surrogateescape") if name else "",
            content.decode("utf-8", "surrogateescape"),
        )
