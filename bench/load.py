"""What loading a cassette costs, beside vcrpy on the same file: seconds, and the most memory that it takes.

10 to 10,000 interactions of 7,600 bytes, as gws-replay writes them (the first load of a process, and ready for the
first request), and as vcrpy writes them. Each measure is the best of some processes of its own, the two in turn; that
all was read is checked. Prints tables in Markdown. Run: python bench/load.py [MOST]
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from goals import Goal, Peer, met

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Headers, Request, Response
from gws_replay.storage.files import save_cassette

MOST, ROUNDS = 10_000, 3
URL = "http://gws.example/api/v2/me/facebooksessions"
# Prints seconds, megabytes (the most that were held, beyond what the imports took), how many were read, and a part of
# the last one.
MEASURE = """
import re, sys, time
{imports}
def peak():
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\\s+(\\d+)", file.read())[1]) / 1024
before = peak()
began = time.perf_counter()
{load}
print(time.perf_counter() - began, peak() - before, {check})
"""
OURS = (
    "from gws_replay.storage.files import load_cassette; "
    "from gws_replay.core.replay.cassette_index import CassetteIndex"
)
PEER = "import json; from vcr.serializers import yamlserializer; from vcr.persisters import filesystem"
WAYS = {
    "gws_replay": (
        OURS,
        "found = load_cassette(sys.argv[1])",
        "len(found.interactions), found.interactions[-1].answer['number']",
    ),
    "gws_replay, ready for a request": (
        OURS,
        "found = load_cassette(sys.argv[1]); keys = CassetteIndex(found).by_key",
        "len(keys), found.interactions[-1].answer['number']",
    ),
    "vcrpy": (
        PEER,
        "requests, responses = filesystem.FilesystemPersister.load_cassette(sys.argv[1], yamlserializer)",
        "len(requests), json.loads(responses[-1]['body']['string'])['number']",
    ),
}
# Lets vcrpy write a cassette anew.
REWRITE = """
import sys
from pathlib import Path
from vcr.persisters.filesystem import FilesystemPersister as files
from vcr.serializers import yamlserializer as form
requests, responses = files.load_cassette(Path(sys.argv[1]), form)
files.save_cassette(Path(sys.argv[2]), {"requests": requests, "responses": responses}, form)
"""


def recorded(count: int) -> Cassette:
    """Return a cassette of so many updates, each answered with 6,000 bytes of JSON on lines of its own."""
    fields = Headers((("Content-Type", "application/json"), ("Cache-Control", "no-cache")))
    exchanges = []
    for number in range(count):
        written = {"Key 1": f"new {number}", "Key 3": number}
        sent = {"operationName": "UpdateUserData", "userData": written}
        shown = {f"Key {key}": f"value {key} of {number}" for key in range(150)}
        request = Request(
            method="POST", uri=f"{URL}/S{number}", headers=fields, body=json.dumps(sent, indent=2).encode()
        )
        reply = json.dumps({"statusCode": 0, "number": number, "userData": shown}, indent=2).encode()
        response = Response(status=200, reason="OK", headers=fields, body=reply)
        exchanges.append(Exchange(request=request, response=response, began=float(number), ended=number + 0.25))
    return Cassette(interactions=tuple(exchanges), header={"format": 1, "api": "gws-v2", "redaction": "secrets"})


def measured(way: Sequence[str], path: Path, count: int) -> tuple[float, float]:
    """Return the seconds and the megabytes of one load, in a process of its own."""
    imports, load, check = way
    code = MEASURE.format(imports=imports, load=load, check=check)
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    seconds, megabytes, found, number = done.stdout.split()
    if (count, count - 1) != (int(found), int(number)):
        raise SystemExit(f"{found} interactions were read of {count}, the last one is {number}")
    return float(seconds), float(megabytes)


def table(title: str, path: Path, count: int) -> tuple[float, float, float]:
    """Print the table of one file; return the seconds and the megabytes of ours, and the seconds of vcrpy."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, way in WAYS.items():
            found[name].append(measured(way, path, count))
    peer = min(found["vcrpy"])[0]
    print(f"\n| {title}, {count:,} interactions, {path.stat().st_size / 1e6:.1f} MB | loaded in | memory | vcrpy = 1 |")
    print("|---|--:|--:|--:|")
    for name, each in found.items():
        seconds, megabytes = min(each)
        print(f"| {name} | {seconds:.3f} s | +{megabytes:.0f} MB | {seconds / peer:.2f} |", flush=True)
    return (*min(found["gws_replay"]), peer)


def main() -> None:
    """Print the tables."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else MOST
    with tempfile.TemporaryDirectory() as folder:
        path, other = Path(folder, "ours.yaml"), Path(folder, "vcrpy.yaml")
        for count in (10, 100, 1000, 10_000):
            if count <= most:
                save_cassette(recorded(count), path)
                seconds, megabytes, peer = table("our layout", path, count)
            if count == 1000 <= most:
                subprocess.run([sys.executable, "-c", REWRITE, str(path), str(other)], check=True)
                table("vcrpy's layout", other, count)
    what = f"{min(most, 10_000):,} interactions"
    met(
        [
            Goal(f"load {what}", seconds, 0.4, " s", Peer("vcrpy", peer, 4.6)),
            Goal(f"memory of {what}", megabytes, 120, " MB"),
        ]
    )


if __name__ == "__main__":
    main()
