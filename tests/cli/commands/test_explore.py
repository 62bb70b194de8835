"""`gws-replay explore` with real commands: what it finds, how it ends, and what it refuses."""

import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gws_replay.storage.files import save_cassette
from tests.support.builders import cassette as cassette_of
from tests.support.builders import get
from tests.support.commands import Ended, command_line, refused
from tests.support.explorations import two_sessions
from tests.support.proxies import alive, wait_until

ROOT = Path(__file__).parents[3]
CLIENT = [sys.executable, "-m", "tests.support.racing_clients"]
ALWAYS_FAILS = [sys.executable, "-c", "import sys; print('it is broken'); sys.exit(3)"]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    save_cassette(two_sessions(), path)
    return path


def explore(cassette: Path, *arguments: object, command: list[str] | None = None) -> Ended:
    return command_line(
        "explore", cassette, *arguments, "--", *(command or [*CLIENT, "Client"]), environment={"PYTHONPATH": str(ROOT)}
    )


def named(ended: Ended) -> str:
    """The variant that a failure names."""
    found = re.search(r"--variant (@v1:\S+)", ended.out)
    assert found, ended
    return found[1]


def test_a_correct_client_fails_under_no_variant(cassette: Path) -> None:
    ended = explore(cassette, "--variants", 3)
    assert (0, True) == (ended.code, ended.out.startswith("3 variants; ")), ended
    assert re.search(r"; \d+ of \d+ orderings seen; 0 failed\n$", ended.out)
    assert f"as recorded in {cassette}" in ended.err


def test_a_race_is_told_in_words_and_runs_again_by_its_name(cassette: Path) -> None:
    racing = [*CLIENT, "ByArrival"]
    found = explore(cassette, "--variants", 8, "--jobs", 2, command=racing)
    assert 1 == found.code, found
    told = "fails when notification 0 (PropertiesUpdated S1) is delivered after notification 1 (PropertiesUpdated S2)\n"
    assert told in found.out
    assert "it ended with exit code 1; the end of its output:\n    AssertionError" in found.out
    again = explore(cassette, "--variant", named(found), command=racing)
    assert (1, True) == (again.code, told in again.out)
    assert again.out.endswith("1 failed\n")
    assert 0 == explore(cassette, "--variant", named(found)).code


def test_json(cassette: Path) -> None:
    ended = explore(cassette, "--variants", 8, "--json", command=[*CLIENT, "ByArrival"])
    failed, end = map(json.loads, ended.out.splitlines())
    assert ("failed", True) == (failed["event"], failed["variant"].startswith("@v1:"))
    assert "AssertionError" in failed["output"]
    assert ("ended", 1, 0) == (end["event"], end["failed"], end["flaky"])


def test_a_command_that_fails_as_recorded_is_refused_with_its_output(cassette: Path) -> None:
    ended = explore(cassette, command=ALWAYS_FAILS)
    assert (2, "") == (ended.code, ended.out)
    assert "it is broken\n" in ended.err
    assert "fails as recorded: it ended with exit code 3; mend that first" in ended.err


def test_a_command_that_never_ends_is_stopped_with_what_it_started(cassette: Path, tmp_path: Path) -> None:
    child = "import subprocess as s, sys; p = s.Popen(['sleep', '600']); open('pid', 'w').write(str(p.pid)); p.wait()"
    ended = command_line(
        "explore",
        cassette,
        "--timeout",
        "1s",
        "--",
        sys.executable,
        "-c",
        child.replace("'pid'", repr(f"{tmp_path}/pid")),
    )
    assert 2 == ended.code
    assert "it did not end within 1 s" in ended.err
    started = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(started), "what the command has started to end")


def test_a_variant_that_never_ends_has_failed(cassette: Path) -> None:
    """As recorded the client waits for both pushes in their order; in the other order it sleeps."""
    code = (
        "import os, time; from tests.support import racing_clients as c\n"
        "if c.play(c.ByArrival, os.environ['GWS_REPLAY_URL'], 9): time.sleep(600)"
    )
    ended = explore(cassette, "--variants", 8, "--timeout", "8s", command=[sys.executable, "-c", code])
    assert 1 == ended.code, ended
    assert "it did not end within 8 s" in ended.out
    assert "--timeout=8s" in ended.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--variant", "@v2:0:n0:q1"], "is of version v2, this one reads v1: explore again"),
        (["--variant", "@v1:0123456789:n0:q1"], "is of another recording than "),
        (["--variant", "n0:q1"], "does not name a variant: copy it whole from a failure"),
    ],
)
def test_a_wrong_variant_is_refused_in_a_sentence(cassette: Path, arguments: list[str], problem: str) -> None:
    assert problem in refused(explore(cassette, *arguments))


def test_a_variant_that_contradicts_itself_is_refused(cassette: Path) -> None:
    name = named(explore(cassette, "--variants", 8, command=[*CLIENT, "ByArrival"]))
    digest = name.split(":")[1]
    assert "contradicts itself" in refused(explore(cassette, "--variant", f"@v1:{digest}:n0:q1+n0:n1"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--variants", "0"], "Invalid value for '--variants'"),
        (["--time", "soon"], "needs a time such as 60s or 5m, got 'soon'"),
        (["--timeout", "0s"], "needs a time such as 60s or 5m, got '0s'"),
        (["--level", "all"], "Invalid value for '--level'"),
    ],
)
def test_a_wrong_option_is_refused(cassette: Path, arguments: list[str], problem: str) -> None:
    ended = explore(cassette, *arguments)
    assert 2 == ended.code
    assert problem in ended.err


def test_what_cannot_be_explored_says_why(cassette: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.yaml"
    save_cassette(cassette_of(get({"A": 1}, began=0.0)), silent)
    assert "has no notifications, so there is no order to explore" in refused(explore(silent))
    assert "cannot run nothing-of-that-name: the command was not found" in refused(
        explore(cassette, command=["nothing-of-that-name"])
    )
    idle = explore(cassette, command=[sys.executable, "-c", ""])
    assert 2 == idle.code
    assert "sent nothing: it must send its requests to the address in GWS_REPLAY_URL" in idle.err


def test_ctrl_c_stops_the_command_too(cassette: Path, tmp_path: Path) -> None:
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-m", "gws_replay", "explore", cassette, "--timeout", "5m", "--", sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        pause = threading.Event()
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
            assert process.poll() is None
            pause.wait(0.05)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert "Stopped." in process.stderr.read()
    assert 130 == process.returncode
    started = int((tmp_path / "pid").read_text())
    wait_until(lambda: not alive(started), "what the command has started to end")


def test_time_ends_it(cassette: Path) -> None:
    ended = explore(cassette, "--variants", 5000, "--time", "1s")
    assert 0 == ended.code
    assert ", then the time was over; " in ended.out
