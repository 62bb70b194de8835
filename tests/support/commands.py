"""Cassettes that many tests play, and the command line run in this process."""

import functools
import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from gws_replay.cli import main
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import Compiled, compile_recording
from gws_replay.storage.files import save_cassette
from tests.support.builders import DATA, cassette, exchange, get, push, update
from tests.support.readers import read_flow, read_har
from tests.support.redactors import redactor

BEFORE = {"A": 1, "B": "b"}
# How the sentence about a cassette that a report lacks ends.
NOT_COMPARED = "nothing in it was compared: put it right, and run this again"


def numbered(count: int) -> Cassette:
    """A cassette of `count` POSTs, each with its own path, body and answer."""
    return Cassette(
        interactions=tuple(
            exchange("POST", f"/api/v2/me/{n}", {"n": n}, {"from": "cassette", "n": n}, began=float(n))
            for n in range(count)
        ),
        header={"format": 1},
    )


@functools.cache
def captured(name: str, suffix: str = ".flow") -> Compiled:
    """A capture without its secrets, compiled."""
    path = DATA / "captures" / f"{name}{suffix}"
    if suffix == ".flow":
        recording = read_flow(path.read_bytes(), str(path))
    else:
        recording = read_har(path.read_text(encoding="utf-8"), str(path))
    using = redactor("secrets")
    return compile_recording(using.recording(recording), {"recorded": "2026-01-02", **using.header})


def small() -> Cassette:
    """A GET that shows userData {A: 1, B: b}, an UpdateUserData of A to 2, and its notification."""
    return cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({**BEFORE, "A": 2}, seen=2.0))


def of_two_users() -> Cassette:
    """Two agents update a session each; the second has no name."""
    second = replace(update({"A": 3}, began=3.0, session="S2"), user=1)
    response = replace(push({**BEFORE, "A": 3}, seen=4.0, session="S2"), user=1)
    one = cassette(*small().interactions, *small().notifications, second, response)
    return replace(one, header={**one.header, "users": [{"name": "anna"}, {}]})


def saved(played: Cassette, path: Path) -> Path:
    """Write a cassette where a test wants it."""
    save_cassette(played, path)
    return path


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: object
    out: str
    err: str


class _Terminal(io.StringIO):
    """Text output that receives the escape sequences, as a terminal does; click would remove them for a file."""

    def isatty(self) -> bool:
        return True


def command_line(*arguments: object, environment: Mapping[str, str] | None = None, watched: bool = False) -> Ended:
    """Run a command of gws-replay in this process, with extra environment; `watched` makes stderr a terminal."""
    out, err = _Terminal(), _Terminal() if watched else io.StringIO()
    code: object = "did not end"
    with (
        mock.patch.dict(os.environ, {"NO_COLOR": "1", "COLUMNS": "10000", **(environment or {})}),
        mock.patch.object(sys, "argv", ["gws-replay", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Ended(code, out.getvalue(), err.getvalue())


def drift(path: Path, url: str, *options: object, **environment: str) -> Ended:
    """Run drift with the credentials of the sandbox."""
    credentials = {"GWS_REPLAY_USER": "agent1", "GWS_REPLAY_PASSWORD": "sandbox", "GWS_REPLAY_TOKEN": ""}
    more = {**credentials, "NETRC": "/nowhere", "GWS_REPLAY_KEY": "", **environment}
    return command_line("drift", path, "--upstream", url, *options, environment=more)


def refused(ended: Ended, code: int = 2) -> str:
    """Return the one sentence with which a command refused its input."""
    assert (code, "") == (ended.code, ended.out)
    lines = ended.err.splitlines()
    assert 1 == len(lines), lines
    assert lines[0].startswith("Error: ")
    return lines[0].removeprefix("Error: ")
