"""What the pytest plugin costs: per unmarked test, per marked test, per marked test with one 6 KB replay by requests.

Each figure is CPU time of a module of 1,000 tests, less what pytest takes for it by itself, for one test: a thousandth
of what the first marked test costs once, which is mostly imports, is in it; the last column tells that apart. The
peers, pytest-recording and cassetter, do the same work in turn with it. Every replayed answer is checked. Then a
cassette of 10,000 interactions, used by 1, 100 and 1,000 tests of one module: loading it must count once. Prints tables
in Markdown: `make bench`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from goals import Goal, Peer, met

TESTS, ROUNDS = 1000, 5
KINDS = ("unmarked", "marked", "replay")
URL = "http://gws.example/api/v2/me"
BODY = json.dumps({"statusCode": 0, "pad": "x" * 6000})
INTERACTION = """- request: {{method: GET, uri: {uri}, body: null, headers: {{}}}}
  response:
    status: {{code: 200, message: OK}}
    headers: {{Content-Type: [application/json]}}
    body: {{string: '{body}'}}
"""
CASSETTE = "version: 1\ninteractions:\n" + INTERACTION.format(uri=URL, body=BODY)
INTERACTIONS = 10_000
# Python compiles our modules and those of an installed peer once, not in each run.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
REPLAY = f"    assert requests.get({URL!r}, timeout=9).json()['statusCode'] == 0\n"
IDLE = "    pass\n"
CLAIM = "    from gws_replay.interception.interceptor import _run\n"
HEAD = "import pytest, requests\n"
OFF = {
    "gws_replay": ["-p", "no:gws_replay"],
    "pytest-recording": ["-p", "no:recording"],
    "cassetter": ["-p", "no:cassetter"],
}
# What each plugin calls its marker.
MARKERS = {
    "gws_replay": "gws_cassette('one')",
    "pytest-recording": "default_cassette('one.yaml')\n@pytest.mark.vcr",
    "cassetter": "default_cassette('one.yaml')\n@pytest.mark.vcr",
}


def module_of(marker: str, body: str, count: int = TESTS) -> str:
    """Spell a module of many tests."""
    mark = f"@pytest.mark.{marker}\n" if marker else ""
    return HEAD + "".join(f"{mark}def test_{n}():\n{body}" for n in range(count))


def seconds(folder: Path, options: list[str], count: int = TESTS) -> float:
    """How much CPU time pytest takes for the module."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    if f"{count} passed" not in done.stdout:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-2000:])
    return ended.ru_utime - began.ru_utime + ended.ru_stime - began.ru_stime


def without(name: str | None) -> list[str]:
    """Return the options that switch off all plugins but one."""
    return [option for each, options in OFF.items() if each != name for option in options]


def written(folder: Path, marker: str, body: str, count: int = TESTS) -> Path:
    """Write a module and its cassettes."""
    (folder / "test_many.py").write_text(module_of(marker, body, count), "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    for place in (folder / "cassettes", folder / "cassettes" / "test_many"):
        place.mkdir()
        (place / "one.yaml").write_text(CASSETTE, "utf-8")
    return folder


def in_turn() -> dict[tuple[str | None, str], float]:
    """Return the seconds of each plugin (None: pytest alone) for each kind of module: the median of some rounds."""
    took: dict[tuple[str | None, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as root:
        modules: dict[tuple[str | None, str], tuple[Path, int]] = {}

        def add(name: str | None, kind: str, marker: str, body: str, count: int = TESTS) -> None:
            folder = Path(root, f"{name}-{kind}")
            folder.mkdir()
            modules[name, kind] = written(folder, marker, body, count), count

        add(None, "floor", "", IDLE)
        add(None, "start", "", IDLE, 1)
        for name in MARKERS:
            for kind, case in zip(KINDS, cases(name), strict=True):
                add(name, kind, *case)
            add(name, "once", *cases(name)[2], 1)
        for _ in range(ROUNDS + 1):
            for key, (folder, count) in modules.items():
                took.setdefault(key, []).append(seconds(folder, without(key[0]), count))
    return {key: statistics.median(each[1:]) for key, each in took.items()}  # the first also compiles the modules


def cases(name: str) -> tuple[tuple[str, str], ...]:
    """Return the marker and the body of an unmarked test, a marked one, and a marked one with a replay."""
    marker = MARKERS[name]
    idle = (marker, IDLE)
    if name == "gws_replay":  # a marked test that asks nothing fails by design: this one claims to have
        idle = (
            "gws_cassette('one', allow_unplayed=True)",
            f"{CLAIM}    _run().sessions.users[0].session.polled = True\n",
        )
    return ("", IDLE), idle, (marker, REPLAY)


def long_cassette() -> None:
    """Print what a long cassette costs by the number of tests that use it."""
    responses = "".join(
        INTERACTION.format(
            uri=f"{URL}/{number}", body=json.dumps({"statusCode": 0, "number": number, "pad": "x" * 600})
        )
        for number in range(INTERACTIONS)
    )
    print(f"\n| {INTERACTIONS:,} interactions, used by | the module takes |\n|---|--:|")
    for count in (1, 100, 1000):
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root)
            (folder / "cassettes").mkdir()
            (folder / "cassettes" / "one.yaml").write_text(f"version: 1\ninteractions:\n{responses}", "utf-8")
            (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
            module = "".join(
                f"@pytest.mark.gws_cassette('one', allow_unplayed=True)\ndef test_{n}():\n"
                f"    assert requests.get('{URL}/{n * 9}', timeout=9).json()['number'] == {n * 9}\n"
                for n in range(count)
            )
            (folder / "test_many.py").write_text(HEAD + module, "utf-8")
            print(f"| {count:,} tests | {seconds(folder, without('gws_replay'), count):.2f} s |", flush=True)


def main() -> None:
    """Print the tables."""
    took = in_turn()
    floor, start = took[None, "floor"], took[None, "start"]
    costs: dict[str, list[float]] = {}
    print("| plugin | unmarked test | marked test | marked test with one replay | once |\n|---|--:|--:|--:|--:|")
    for name in MARKERS:
        cost = [(took[name, kind] - floor) / TESTS * 1000 for kind in KINDS]
        once = (took[name, "once"] - start) * 1000
        cells = " | ".join([*(f"{each:.3f} ms" for each in cost), f"{once:.0f} ms"])
        print(f"| {name.replace('_', '-')} {version(name.replace('_', '-'))} | {cells} |", flush=True)
        costs[name] = [*cost, once]
    long_cassette()
    ours, recording, cassetter = (costs[name] for name in ("gws_replay", "pytest-recording", "cassetter"))
    goals = [Goal("an unmarked test", ours[0], 0.02, " ms", Peer("pytest-recording", recording[0], 0.22))]
    whats = ("a marked test", "a marked test with one replay", "once")
    for what, found, peer, then in zip(whats, ours[1:], cassetter[1:], (0.72, 1.95, 310.0), strict=True):
        goals.append(Goal(what, found, then, " ms", Peer("cassetter", peer, then / 0.8)))
    met(goals)


if __name__ == "__main__":
    main()
