"""`gws-replay serve` as a process: what it prints, what it serves, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from gws_replay.storage.files import save_cassette
from tests.support.builders import SESSIONS, exchange, get
from tests.support.builders import cassette as cassette_of
from tests.support.commands import command_line, saved, small

COMMAND = [sys.executable, "-c", "from gws_replay.cli import main; main()", "serve"]
CALM = 30


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return saved(small(), tmp_path / "small.yaml")


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def refused(*arguments: object) -> str:
    """The error of a server that does not start."""
    ended = command_line("serve", *arguments)
    assert (2, "") == (ended.code, ended.out)
    assert "Traceback" not in ended.err
    return ended.err.splitlines()[-1]


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_server_prints_its_url_and_a_summary(cassette: Path, number: signal.Signals, exit_code: int) -> None:
    """Only the URL on stdout; at the end what was served and what is unplayed."""
    with running(cassette, "-v") as process:
        url = first_line(process)
        response = requests.get(f"{url}{SESSIONS}?fields=*", auth=("any", "thing"), timeout=CALM)
        process.send_signal(number)
        out, err = process.communicate(timeout=CALM)
    assert url.startswith("http://localhost:")
    assert 200 == response.status_code
    assert (exit_code, "") == (process.returncode, out)
    assert f"Replaying {cassette} (2 exchanges, 1 notification). Any credentials are accepted." in err
    assert f"GET {SESSIONS}  interaction 0" in err
    assert "Served 1 requests (0 of them repeated); 0 missed, 1 unplayed, 1 unreleased, 0 undelivered." in err
    assert f"unplayed: interaction 1: POST {SESSIONS}/S1 UpdateUserData" in err


def test_miss_is_reported_and_ends_with_1(cassette: Path) -> None:
    """CI sees it by the exit code; the text names the request."""
    with running(cassette, "-q", "--json") as process:
        ready = json.loads(first_line(process))
        requests.post(f"{ready['url']}/nowhere", timeout=CALM)
        process.terminate()
        out, err = process.communicate(timeout=CALM)
    ended = json.loads(out)
    assert ("ready", process.pid) == (ready["event"], ready["pid"])
    assert (1, "", "ended") == (process.returncode, err, ended["event"])
    assert [f"POST /nowhere has no response in {cassette}: nothing like it was recorded"] == [
        each["text"] for each in ended["missed"]
    ]


def test_tls_names_the_ca_file(cassette: Path) -> None:
    """The file of the CA exists while the server runs, and is removed afterwards."""
    with running(cassette, "--tls", "--json") as process:
        ready = json.loads(first_line(process))
        response = requests.get(f"{ready['url']}{SESSIONS}?fields=*", verify=ready["ca"], timeout=CALM)
        process.terminate()
        process.communicate(timeout=CALM)
    assert (200, "https://localhost") == (response.status_code, ready["url"].rpartition(":")[0])
    assert not Path(ready["ca"]).exists()


def test_cassettes_that_contradict_each_other_get_a_warning(cassette: Path, tmp_path: Path) -> None:
    """The sentence names both places, and which one is played first."""
    other = saved(cassette_of(get({"A": 9}, began=0.0)), tmp_path / "other.yaml")
    with running(cassette, other) as process:
        first_line(process)
        process.terminate()
        _, err = process.communicate(timeout=CALM)
    assert (
        f"Warning: GET {SESSIONS} is answered differently by {cassette}, interaction 0, and {other}, interaction 0; "
        "the first one is replayed first."
    ) in err


def test_cassettes_recorded_at_two_addresses_agree(tmp_path: Path) -> None:
    """Two hosts in absolute addresses are not a contradiction."""
    paths = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    for path, host in zip(paths, ("http://one", "https://two:8443"), strict=True):
        save_cassette(cassette_of(exchange(response={"uri": f"{host}/api/v2/me"})), path)
    with running(*paths) as process:
        first_line(process)
        process.terminate()
        assert "Warning" not in process.communicate(timeout=CALM)[1]


def test_bad_input_is_one_sentence(cassette: Path, tmp_path: Path) -> None:
    """A missing file, a broken one, a cause that does not exist, a busy port, a wrong timing or port."""
    text = cassette.read_text("utf-8")
    torn = tmp_path / "torn.yaml"
    torn.write_text(text[: len(text) // 2], "utf-8")
    pinned = tmp_path / "pinned.yaml"
    pinned.write_text(text.replace("interaction: 1,", "interaction: 7,"), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        busy = refused(cassette, "--port", port)
    assert f"Error: Port {port} on 127.0.0.1 is in use: choose another port, or 0 for any free one." == busy
    assert refused(tmp_path / "no.yaml").startswith(f"Error: cannot read {tmp_path}/no.yaml: No such file or directory")
    assert f"Error: {torn} is torn: its end is missing; restore it, or record it again" == refused(torn)
    assert "interaction 7 does not exist, there are 2 (from 0)" in refused(pinned)
    assert "timing is instant, recorded, or a factor of 0 or more such as 0.1, not 'soon'" in refused(
        cassette, "--timing", "soon"
    )
    assert "65536 is not in the range" in refused(cassette, "--port", 65536)
    assert "Missing argument 'CASSETTE...'" in refused()
    assert "cannot be used" in refused(cassette, "--host", "192.0.2.1")


def test_a_cassette_without_notifications_is_served(tmp_path: Path) -> None:
    """REST requests get their responses, and CometD connects are held."""
    path = saved(cassette_of(get({"A": 1}, began=0.0)), tmp_path / "rest.yaml")
    with running(path) as process:
        url = first_line(process)
        assert 200 == requests.get(f"{url}{SESSIONS}?fields=*", timeout=CALM).status_code
        hello = requests.post(f"{url}/api/v2/notifications", json=[{"channel": "/meta/handshake"}], timeout=CALM)
        assert hello.json()[0]["successful"]
        process.terminate()
        assert "(1 exchange, 0 notifications)" in process.communicate(timeout=CALM)[1]


def test_ignored_fields_do_not_count(tmp_path: Path) -> None:
    """A cache buster in the query and a request id in the body differ in each run."""
    sent = {"operationName": "Hold", "requestId": 1}
    path = saved(cassette_of(exchange("POST", "/api/v2/me/calls/C1?_=1", sent, {"statusCode": 0})), tmp_path / "a.yaml")
    with running(path, "--ignore-query", "_", "--ignore-body", "$.requestId") as process:
        url = f"{first_line(process)}/api/v2/me/calls/C1?_=2"
        other = requests.post(url, json={**sent, "operationName": "Release"}, timeout=CALM)
        response = requests.post(url, json={**sent, "requestId": 2}, timeout=CALM)
    assert (501, 200) == (other.status_code, response.status_code)
    assert "path" not in other.text


def test_a_wrong_path_to_ignore_is_refused(cassette: Path) -> None:
    """Before the server starts."""
    assert "--ignore-body: 'requestId' cannot be parsed as a JSON path" in refused(
        cassette, "--ignore-body", "requestId"
    )
