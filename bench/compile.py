"""What compiling a long recording takes: seconds, and the most memory, for `gws-replay recover` of a journal.

A journal of so many megabytes (10 and 100) of updates with responses of 6 KB, each told with 90 keys to a client
that polls; 200 updates a session. That all exchanges and notifications came into the cassette is checked. Prints a
table in Markdown. Run: python bench/compile.py [MEGABYTES...]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from goals import Goal, met

from gws_replay.core.model import Headers, Request, Response
from gws_replay.formats import journal_lines as journal

SIZES = (10, 100)
URL = "http://gws.example/api/v2"
JSON = Headers((("Content-Type", "application/json"), ("Cache-Control", "no-cache")))
PER_SESSION = 200


def update(number: int) -> Iterator[bytes]:
    """Yield the lines of an update with its response, and of the poll with its notification."""
    session = f"S{number // PER_SESSION}"
    written = {"Key 1": f"new {number}", "Key 3": number}
    data: dict[str, object] = {f"Key {key}": f"value {key} of {session}" for key in range(90)} | written
    sent = json.dumps({"operationName": "UpdateUserData", "userData": written}).encode()
    message = {"notificationType": "PropertiesUpdated", "facebooksession": {"id": session, "userData": data}}
    poll = json.dumps([{"channel": "/meta/connect", "clientId": "<redacted:clientId>", "id": str(number)}]).encode()
    pushed = json.dumps([{"channel": "/v2/me/facebooksession", "data": {"referenceId": number, **message}}]).encode()
    response = json.dumps({"statusCode": 0, "number": number, "pad": "x" * 6000}).encode()
    at = 1.7e9 + number
    for id_, when, path, body, answered in (
        (f"r{number}", at, f"/me/facebooksessions/{session}", sent, response),
        (f"p{number}", at + 0.4, "/notifications", poll, pushed),
    ):
        yield journal.request_line(id_, when, Request(method="POST", uri=f"{URL}{path}", headers=JSON, body=body))
        yield journal.response_line(id_, when + 0.3, Response(status=200, reason="OK", headers=JSON, body=answered))


def written(path: Path, megabytes: int) -> int:
    """Write a journal of such a size; return how many updates are in it."""
    number = 0
    with path.open("wb") as file:
        file.write(journal.header_line({"recorder": "bench", "redaction": "secrets"}))
        while file.tell() < megabytes * 1e6:
            file.writelines(update(number))
            number += 1
    return number


def compiled(path: Path) -> tuple[float, float, dict[str, object]]:
    """Compile a journal by the command; return the seconds, the most megabytes held, and what it says."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "gws_replay", "recover", "--json", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"recover ended with {process.returncode}: {output}")
    found: dict[str, object] = json.loads(output)
    return time.perf_counter() - began, used.ru_maxrss / 1024, found


def main() -> None:
    """Print the table."""
    print("| journal | updates | compiled in | most memory |\n|---|--:|--:|--:|")
    for megabytes in map(int, sys.argv[1:]) if sys.argv[1:] else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "long.yaml.journal")
            count = written(path, megabytes)
            seconds, memory, found = compiled(path)
        if (found["interactions"], found["notifications"], found["notes"]) != (count, count, []):
            raise SystemExit(f"of {count} updates came: {found}")
        most = Goal(f"memory to compile a journal of {megabytes:,} MB", memory, 200, " MB")
        print(f"| {megabytes:,} MB | {count:,} | {seconds:.1f} s | {memory:.0f} MB |", flush=True)
    met([most])


if __name__ == "__main__":
    main()
