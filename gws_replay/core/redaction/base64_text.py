"""What a run of base64 stands for: text, a file such as a picture, or nothing that anybody could read."""

import base64
import binascii
from enum import Enum

# How the usual files begin (pictures, PDF, archives, sound, fonts): their base64 is not a token.
_FILES = (
    *(b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"RIFF", b"OggS", b"ID3"),
    *(b"BM", b"II*\x00", b"MM\x00*", b"wOFF", b"wOF2", b"\x00\x01\x00\x00\x00", b"\x00\x00\x01\x00", b"OTTO"),
    *(b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"Rar!", b"\x7fELF", b"MZ\x90\x00", b"\x1aE\xdf\xa3", b"fLaC", b"{\\rtf"),
)
_URL_SAFE = str.maketrans("-_", "+/")
_LINES = str.maketrans("", "", "\r\n")
_SHORTEST_TEXT = 6


class Decoded(Enum):
    """What else than text base64 can stand for."""

    FILE = "a file in base64"
    NOTHING = "nothing"


def decoded(run: str) -> str | Decoded:
    """Return the text that a run of base64 stands for, or whether it is a file, or nothing that is known."""
    head = run.rstrip("=").translate(_LINES).translate(_URL_SAFE)
    if len(head) % 4 == 1:
        return Decoded.NOTHING
    try:
        first = base64.b64decode(head[:64] + "=" * (-len(head[:64]) % 4), validate=True)
        if first.startswith(_FILES):
            return Decoded.FILE
        if not first.isascii() and len(head) > 64:
            first[:40].decode()  # most binary data end here
        plain = base64.b64decode(head + "=" * (-len(head) % 4), validate=True).decode()
    except UnicodeDecodeError as error:
        if error.start < len(error.object) - 3 or len(head) <= 64:
            return Decoded.NOTHING
        return _whole(head)
    except (ValueError, binascii.Error):
        return Decoded.NOTHING
    return plain if _is_text(plain) else Decoded.NOTHING


def stands_for_something(run: str) -> bool:
    """Tell whether a run of letters and digits is base64 of text or of a file: ids of GWS are not."""
    run = run[start_of_value(run) :]
    return not run.islower() and not run.isdigit() and decoded(run) is not Decoded.NOTHING


def start_of_value(run: str) -> int:
    """Return where base64 begins in a run such as `name=dXNlcg==`: after the last `=` that is not at its end."""
    return run.rstrip("=").rfind("=") + 1


def _whole(head: str) -> str | Decoded:
    """Decode all of a text whose first part ends within a character."""
    try:
        plain = base64.b64decode(head + "=" * (-len(head) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return Decoded.NOTHING
    return plain if _is_text(plain) else Decoded.NOTHING


def _is_text(plain: str) -> bool:
    return len(plain) >= _SHORTEST_TEXT and all(each.isprintable() or each in "\r\n\t" for each in plain[:4096])


def encoded_like(run: str, plain: str) -> str:
    """Return the base64 of a text in the alphabet, and with or without the padding and the lines, of another run."""
    encoded = base64.b64encode(plain.encode("utf-8", "surrogatepass")).decode()
    if "-" in run or "_" in run:
        encoded = encoded.replace("+", "-").replace("/", "_")
    if not run.endswith("=") and len(run.translate(_LINES)) % 4:
        encoded = encoded.rstrip("=")
    if "\n" in run:
        width, ending = len(run.split("\n", 1)[0].rstrip("\r")), "\r\n" if "\r\n" in run else "\n"
        encoded = ending.join(encoded[at : at + width] for at in range(0, len(encoded), width))
        encoded += ending if run.endswith("\n") else ""
    return encoded
