"""Which text the bytes of a body are: by their byte order mark, the declared charset, or what they look like."""

import codecs
import re

_DECLARED = re.compile(r"""charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE)
_WITHIN = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""",
    re.IGNORECASE,
)
_MARKS = (
    *((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
    *((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
)
# Codecs that are not charsets, or that change what they decode.
_NO_CHARSETS = re.compile(
    r"base64|bz2|hex|idna|mbcs|oem|punycode|quopri|raw_unicode|rot|undefined|unicode_escape|uu|zlib|zip"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_LOOKED_AT = 1 << 16


def charset_of(body: bytes, content_type: str = "") -> str | None:
    """Return the charset in which the bytes of a body are text, and are the same bytes again; None for binary data."""
    for mark, name in _MARKS:
        if body.startswith(mark) and _round_trip(body, name):
            return name
    declared = _declared(body, content_type)
    if declared and _round_trip(body, declared):
        return declared
    try:
        body.decode()
    except UnicodeDecodeError:
        pass
    else:
        return _wide(body) or "utf-8"
    return _wide(body) or _narrow(body, content_type)


def is_declared_but_unknown(content_type: str) -> str:
    """Return the declared charset if Python cannot decode it; empty otherwise."""
    found = _DECLARED.search(content_type)
    return found[1] if found and not _lookup(found[1]) else ""


def _declared(body: bytes, content_type: str) -> str:
    found = _DECLARED.search(content_type)
    if found:
        return _lookup(found[1])
    within = _WITHIN.search(body, 0, 2000)
    return _lookup((within[1] or within[2]).decode("ascii", "replace")) if within else ""


def _lookup(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return (
        ""
        if _NO_CHARSETS.search(found.replace("-", "_"))
        else {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(found, found)
    )


def _round_trip(body: bytes, charset: str) -> bool:
    try:
        return body.decode(charset).encode(charset) == body
    except (UnicodeError, ValueError):
        return False


def _wide(body: bytes) -> str | None:
    """Return the charset of text that has two bytes for a letter: every second byte of most of it is 0."""
    part = body[:_LOOKED_AT]
    if len(part) < 4 or len(body) % 2 or b"\x00" not in part:
        return None
    for name, zeros in (("utf-16-le", part[1::2]), ("utf-16-be", part[::2])):
        if zeros.count(0) * 2 > len(zeros) and _round_trip(body, name):
            return name
    return None


def _narrow(body: bytes, content_type: str) -> str | None:
    """Return a charset of one byte for a letter for what has no control characters, as binary data have."""
    is_text = not content_type or "text" in content_type or re.search(r"json|xml|form|javascript", content_type)
    if _CONTROL.search(body) or not is_text:
        return None
    high = sum(byte > 0x7F for byte in body[:_LOOKED_AT])
    return "latin-1" if high * 3 <= min(len(body), _LOOKED_AT) else None
