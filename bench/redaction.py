"""What redaction costs: seconds for each MB of text, by the kind of the text and its size.

Prints a table in Markdown. The time is that of the processor, so that other work on the machine counts less.
Run: python bench/redaction.py [MB ...]
"""

import base64
import json
import random
import sys
import time
from collections.abc import Callable, Iterator

from gws_replay.core.redaction.policy import Policy
from gws_replay.core.redaction.redactor import Redactor

SIZES = (0.1, 1.0, 10.0)
# What the redactor knows when it comes to the text.
PERSONAL = b'{"userName": "Anna Karenina", "password": "geheim-77", "FirstName": "Anna", "phone": "+49 30 5550 2044"}'


def texts(size: int) -> Iterator[tuple[str, str]]:
    """Yield texts of so many characters, each with its name."""
    chance = random.Random(4)  # noqa: S311 (the same texts in each run)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(3000)]

    def filled(make: Callable[[], str]) -> str:
        pieces: list[str] = []
        length = 0
        while length < size:
            pieces.append(make())
            length += len(pieces[-1])
        return "".join(pieces)[:size]

    def word() -> str:
        return chance.choice(words)

    def tag() -> str:
        return f'<p class="{word()} {word()}"><a href="/{word()}?n={chance.randint(1, 99)}">{word()} {word()}</a></p>\n'

    def line() -> str:
        return (
            f"2026-11-30 22:31:{chance.randint(10, 59)},123 INFO [{word()}] {word()} {chance.randint(10**6, 10**9)}\n"
        )

    def item() -> str:
        return (
            json.dumps({"id": f"{chance.randint(10**6, 10**9)}", "state": word(), "note": f"{word()} {word()}"}) + ","
        )

    def keyed() -> str:
        return f'"{word()}{word().title()}{chance.choice(letters)}": "{word()}",'

    def person() -> str:
        phone = f"+49 30 {chance.randint(10**6, 10**7)}"
        return json.dumps({"FirstName": word().title(), "LastName": word().title(), "HomePhone": phone}) + ","

    content = base64.b64encode(chance.randbytes(size * 3 // 4)).decode()
    yield "base64", content
    yield "base64 in JSON", json.dumps({"id": "1", "file": content})
    yield "HTML", f"<html>{filled(tag)}</html>"
    yield "HTML in JSON", json.dumps({"id": "1", "page": f"<html>{filled(tag)}</html>"})
    yield "log", filled(line)
    yield "prose", filled(lambda: word() + " ")
    yield "JSON of small values", f"[{filled(item).rpartition('}')[0]}}}]"
    yield "JSON of keys that stand once", f"{{{filled(keyed).rpartition(',')[0]}}}"
    yield "JSON of persons", f"[{filled(person).rpartition('}')[0]}}}]"
    yield "hexadecimal", chance.randbytes(size // 2).hex()
    yield "digits", filled(lambda: chance.choice("0123456789"))


def measured(text: str) -> float:
    """Return the seconds for each MB, the best of two runs."""
    body = text.encode()
    best = float("inf")
    for _ in range(2):
        redactor = Redactor(Policy(), b"key")
        redactor.body(PERSONAL)
        began = time.process_time()
        redactor.body(body)
        best = min(best, time.process_time() - began)
    return best / (len(body) / 1e6)


def main() -> None:
    """Print the table."""
    sizes = [*map(float, sys.argv[1:])] or SIZES
    found: dict[str, list[float]] = {}
    for size in sizes:
        for name, text in texts(int(size * 1e6)):
            found.setdefault(name, []).append(measured(text))
    print("| seconds for each MB of | " + " | ".join(f"{size:g} MB" for size in sizes) + " |")
    print("|---|" + "--:|" * len(sizes))
    for name, seconds in found.items():
        print(f"| {name} | " + " | ".join(f"{each:.3f}" for each in seconds) + " |", flush=True)


if __name__ == "__main__":
    main()
