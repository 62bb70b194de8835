"""What comparing costs: two cassettes of 10,000 updates, 1,000 small ones, and DeepDiff on the same two files.

Each cassette has a session of 90 userData keys, its updates of two keys, and their notifications. The candidate has
three planted changes, and in the second row another session id and host: each run must find these three, and nothing
else. DeepDiff gets the documents parsed, bodies too, under the same ids. Times are of whole processes, that of the CPU
with all its children; memory is the most that one of them held. Prints tables in Markdown. Run: python bench/diff.py
[UPDATES]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from verify import recorded

from gws_replay.core.cassette import Cassette
from gws_replay.formats.vcr.yaml_text import dump_yaml
from gws_replay.storage.files import save_cassette

UPDATES, SMALL, FILES = 10_000, 18, 1_000
IDS = {"S1": "0002DaAVKJ0V0095"}
OTHERS = {"S1": "0002DaAVKJ0V00ZZ", "gws.example": "other.example"}
KEY, NEW = "Key 7", "planted"
COMMAND = ("-m", "gws_replay", "diff", "--json")
# Prints in how many places two documents differ, and in how many of the planted ones.
PEER = f"""
import json, sys, yaml
from deepdiff import DeepDiff
def parsed(path):
    with open(path) as file:
        document = yaml.load(file, Loader=yaml.CSafeLoader)
    for item in document["interactions"]:
        for part in (item["request"]["body"], item["response"]["body"]["string"]):
            item.setdefault("parsed", []).append(json.loads(part) if part else None)
    for item in document["notifications"]:
        item["data"] = json.loads(item["data"])
    return document
found = DeepDiff(*map(parsed, sys.argv[1:]), ignore_private_variables=False, threshold_to_diff_deeper=0)
paths = [path for each in found.values() for path in each]
print(len(paths), sum(path.endswith("['{KEY}']") for path in paths))
"""


def planted(cassette: Cassette) -> Cassette:
    """Return the cassette with another value of one key in three notifications."""
    pushed = list(cassette.notifications)
    for index in (len(pushed) // 4, len(pushed) // 2, len(pushed) - 1):
        data = json.loads(pushed[index].data)
        data["facebooksession"]["userData"][KEY] = f"{NEW} {index}"
        pushed[index] = replace(pushed[index], data=json.dumps(data))
    return replace(cassette, notifications=tuple(pushed))


def redacted(cassette: Cassette) -> Cassette:
    """Return the cassette as one that was recorded with redaction."""
    return replace(cassette, header={**cassette.header, "redaction": "secrets"})


def renamed(path: Path, names: Mapping[str, str]) -> Path:
    """Give what a file speaks of other names, in place."""
    text = path.read_text("utf-8")
    for old, new in names.items():
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def measured(command: Iterable[object]) -> tuple[str, str]:
    """Return cells of a table (seconds, seconds of CPU, the most megabytes of one process), and what was printed."""
    with tempfile.TemporaryFile("w+") as out:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *map(str, command)], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, cpu = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
        out.seek(0)
        return f"{seconds:.1f} s | {cpu:.1f} s | {usage.ru_maxrss / 1024:.0f} MB", out.read()


def check(printed: str, keys: int) -> str:
    """Tell in how many places the planted key was found; end where anything else was."""
    found = [each for line in printed.splitlines() for each in json.loads(line).get("findings", ())]
    places = {(each["place"]["candidate"], each["path"][-1]) for each in found if each["kind"] != "verdict"}
    if (keys, {KEY}) != (len(places), {key for _, key in places}):
        raise SystemExit(f"of {keys} planted changes {places} were found")
    return f"{len(places)} of {keys}, nothing else"


def large(folder: Path, updates: int) -> None:
    """Print the table of two large cassettes."""
    mine, theirs, others = (folder / f"{name}.yaml" for name in ("mine", "theirs", "others"))
    cassette = redacted(recorded(updates))
    for path, played, names in ((mine, cassette, IDS), (theirs, planted(cassette), IDS)):
        save_cassette(played, path)
        renamed(path, names)
    save_cassette(planted(cassette), others)
    renamed(others, OTHERS)
    print(
        f"| {updates:,} updates with notifications, {mine.stat().st_size / 1e6:.0f} MB | takes | CPU | memory | finds |"
    )
    print("|---|--:|--:|--:|---|")
    for name, candidate in (("the same ids", theirs), ("other ids and host", others)):
        cells, printed = measured([*COMMAND, mine, candidate])
        print(f"| gws-replay diff, {name} | {cells} | {check(printed, 3)} |", flush=True)
    cells, printed = measured(["-c", PEER, mine, theirs])
    places, ours = printed.split()
    print(f"| PyYAML and DeepDiff, the same ids | {cells} | {ours} of 3, {places} in all |", flush=True)


def many(folder: Path) -> None:
    """Print the table of two folders of small cassettes."""
    text = "".join(dump_yaml(redacted(recorded(SMALL))))
    for side, names in (("a", IDS), ("b", OTHERS)):
        (folder / side).mkdir()
        for number in range(FILES):
            is_wrong = side == "b" and number in (FILES // 4, FILES // 2, FILES - 1)
            path = folder / side / f"{number}.yaml"
            path.write_text(text.replace(f'"{KEY}": "value 7"', f'"{KEY}": "{NEW}"') if is_wrong else text, "utf-8")
            renamed(path, names)
    print(f"\n| {FILES:,} cassettes of {SMALL + 2} interactions | takes | CPU | memory | finds |")
    print("|---|--:|--:|--:|---|")
    for jobs in (1, 2):
        cells, printed = measured([*COMMAND, "--jobs", jobs, folder / "a", folder / "b"])
        wrong = sum(bool(json.loads(line).get("findings")) for line in printed.splitlines())
        if wrong != 3:
            raise SystemExit(f"of 3 changed cassettes {wrong} were found")
        print(f"| --jobs {jobs} | {cells} | 3 of 3, nothing else |", flush=True)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        large(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES)
        many(Path(folder))


if __name__ == "__main__":
    main()
