"""`gws-replay record` as a person and a script use it: real mitmproxy, real sandbox, real signals."""

import itertools
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from gws_replay.sandbox.server import serving
from gws_replay.storage.files import load_cassette
from tests.support.proxies import (
    GWS,
    SESSION,
    UPDATE,
    Running,
    alive,
    answered,
    children,
    client,
    operations,
    run,
    upstream,
    wait_until,
)

ASK = (
    "import os, urllib.request as u;"
    "print(u.urlopen(os.environ['GWS_REPLAY_URL'] + '/api/v2/diagnostics/version').status)"
)


def record(*arguments: str) -> tuple[str, ...]:
    """The command line of a recording into c.yaml of the current folder."""
    return (*GWS, "record", "--cassette", "c.yaml", *arguments)


def test_a_wrapped_command_is_recorded(tmp_path: Path) -> None:
    """It finds the proxy in GWS_REPLAY_URL; live lines go to stderr, its own output and the summary to stdout."""
    with serving() as sandbox:
        done = run(*record("--upstream", sandbox.url, "--", sys.executable, "-c", ASK), cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    assert done.stdout.splitlines() == ["200", "saved c.yaml: 1 exchange, 0 notifications"]
    assert "--> GET /api/v2/diagnostics/version  HTTP 200" in done.stderr
    assert ["c.yaml"] == [path.name for path in tmp_path.iterdir()]


def test_a_recording_in_parts(tmp_path: Path) -> None:
    """Each part is reported as it is saved; together they hold all that was sent."""
    asks = "; ".join([ASK] * 3)
    with serving() as sandbox:
        done = run(*record("--upstream", sandbox.url, "--split", "1KB", "--", sys.executable, "-c", asks), cwd=tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert ("c.2.yaml", "c.yaml") == (names[0], names[-1])
    assert 3 == sum(len(load_cassette(tmp_path / name).interactions) for name in names)
    assert sorted(f"saved {name}" for name in names) == sorted(
        line.partition(":")[0] for line in done.stdout.splitlines() if line.startswith("saved")
    )


@pytest.mark.parametrize(("code", "left"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_of_the_command_is_passed_through(tmp_path: Path, code: str, left: int) -> None:
    """Also that of a death by signal, and the cassette is saved all the same."""
    with serving() as sandbox:
        done = run(*record("--upstream", sandbox.url, "--", sys.executable, "-c", f"{ASK}; {code}"), cwd=tmp_path)
    assert left == done.returncode
    assert 1 == len(load_cassette(tmp_path / "c.yaml").interactions)


@pytest.mark.parametrize(("number", "left"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_save(tmp_path: Path, number: int, left: int) -> None:
    """Without a command, Ctrl-C and SIGTERM end the recording; the cassette names the operation, not the secrets."""
    with (
        serving(push_delay=0) as sandbox,
        Running(record("--upstream", sandbox.url, "--listen", "127.0.0.1:0"), cwd=tmp_path) as recorder,
    ):
        url = recorder.line("Recording").split()[1]
        with client(url) as agent:
            agent.post(f"{url}/api/v2/me/facebooksessions/{SESSION}", json=UPDATE)
        recorder.line(f"--> UpdateUserData {SESSION}  statusCode 0")
        recorder.process.send_signal(number)
        assert left == recorder.finish()
        assert "saved c.yaml: 2 exchanges" in recorder.text
    assert ["GET /api/v2/me", "UpdateUserData"] == operations(load_cassette(tmp_path / "c.yaml"))
    text = (tmp_path / "c.yaml").read_text() + recorder.text
    assert "agent1:sandbox" not in text
    assert "YWdlbnQxOnNhbmRib3g=" not in text
    assert "<redacted:authorization>" in text


def test_a_second_ctrl_c_waits_for_the_save(tmp_path: Path) -> None:
    """It says so, and the end says where."""
    with (
        serving() as sandbox,
        Running(record("--upstream", sandbox.url, "--listen", "127.0.0.1:0"), cwd=tmp_path) as recorder,
    ):
        url = recorder.line("Recording").split()[1]
        (proxy,) = children(recorder.process.pid)
        (writer,) = children(proxy)
        with client(url):
            pass
        os.kill(writer, signal.SIGSTOP)  # so that saving takes as long as it has to
        recorder.process.send_signal(signal.SIGINT)
        recorder.line("Saving c.yaml ...")
        recorder.process.send_signal(signal.SIGINT)
        recorder.line("Still saving c.yaml; please wait")
        os.kill(writer, signal.SIGCONT)
        assert 130 == recorder.finish()
    assert "saved c.yaml: 1 exchange" in recorder.text


@pytest.mark.parametrize("separator", [[], ["--"]])
def test_options_after_the_command_belong_to_the_command(tmp_path: Path, separator: list[str]) -> None:
    """With or without `--`."""
    with serving() as sandbox:
        done = run(
            *record(
                "--upstream",
                sandbox.url,
                *separator,
                sys.executable,
                "-c",
                f"{ASK}; import sys; print(sys.argv[1:])",
                "--force",
                "-q",
            ),
            cwd=tmp_path,
        )
    assert 0 == done.returncode, done.stderr
    assert "['--force', '-q']" in done.stdout


def test_the_proxy_saves_when_its_recorder_is_killed(tmp_path: Path) -> None:
    """SIGKILL of `gws-replay record` leaves neither a proxy nor a journal."""
    with (
        serving() as sandbox,
        Running(record("--upstream", sandbox.url, "--listen", "127.0.0.1:0"), cwd=tmp_path) as recorder,
    ):
        url = recorder.line("Recording").split()[1]
        (proxy,) = children(recorder.process.pid)
        (writer,) = children(proxy)
        with client(url):
            pass
        recorder.process.kill()
        wait_until(lambda: not alive(proxy) and not alive(writer), "the proxy and its writer to end")
    assert ["GET /api/v2/me"] == operations(load_cassette(tmp_path / "c.yaml"))
    assert not (tmp_path / "c.yaml.journal").exists()


def test_a_killed_recorder_loses_nothing_under_load(tmp_path: Path) -> None:
    """Every response that a client received before the SIGKILL is in the cassette that the proxy saves itself."""
    seen: list[str] = []
    over = threading.Event()

    def ask(url: str, name: int) -> None:
        with client(auth=None) as session, suppress(requests.RequestException):
            for number in itertools.count():
                if over.is_set():
                    return
                path = f"/api/v2/{name}-{number}"
                session.get(url + path, timeout=30)
                seen.append(path)

    with (
        upstream(lambda _: answered()) as server,
        Running(record("--upstream", server.url, "--listen", "127.0.0.1:0"), cwd=tmp_path) as recorder,
    ):
        url = recorder.line("Recording").split()[1]
        (proxy,) = children(recorder.process.pid)
        (writer,) = children(proxy)
        clients = [threading.Thread(target=ask, args=(url, name)) for name in range(4)]
        for each in clients:
            each.start()
        wait_until(lambda: len(seen) > 100, "some traffic")
        before = set(seen)
        recorder.process.kill()
        wait_until(lambda: not alive(proxy) and not alive(writer), "the proxy and its writer to end")
        over.set()
        for each in clients:
            each.join()
    assert before <= {exchange.request.path for exchange in load_cassette(tmp_path / "c.yaml").interactions}
    assert not (tmp_path / "c.yaml.journal").exists()


def test_sigterm_ends_the_command_too(tmp_path: Path) -> None:
    """Nothing that was started stays behind, and what was recorded is saved."""
    wait = f"{ASK}; print('pid', os.getpid(), flush=True); import time; time.sleep(300)"
    with (
        serving() as sandbox,
        Running(record("--upstream", sandbox.url, "--", sys.executable, "-c", wait), cwd=tmp_path) as recorder,
    ):
        pid = int(recorder.line("pid ").split()[1])
        recorder.process.terminate()
        assert 143 == recorder.finish()
        assert not alive(pid)
    assert 1 == len(load_cassette(tmp_path / "c.yaml").interactions)


def test_regular_mode_sets_the_proxy_for_the_command(tmp_path: Path) -> None:
    """The command sends to the server by its own address."""
    with serving() as sandbox:
        ask = ASK.replace("os.environ['GWS_REPLAY_URL']", repr(sandbox.url))
        wrapped = ("--mode", "regular", "--upstream", sandbox.url, "--", sys.executable, "-c", ask)
        done = run(*record(*wrapped), cwd=tmp_path)
    assert (0, "200") == (done.returncode, done.stdout.splitlines()[0]), done.stderr
    (exchange,) = load_cassette(tmp_path / "c.yaml").interactions
    assert exchange.request.uri == f"{sandbox.url}/api/v2/diagnostics/version"


@pytest.mark.parametrize("content", ["#!/no/such/interpreter\n", "\x7fELF is what it is not"])
def test_command_that_cannot_run_is_reported(tmp_path: Path, content: str) -> None:
    """That, and not that nothing was recorded."""
    (tmp_path / "command").write_text(content)
    (tmp_path / "command").chmod(0o755)
    done = run(*record("--upstream", "http://localhost:1", "--", "./command"), cwd=tmp_path)
    assert 2 == done.returncode
    assert "cannot run ./command: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_json_is_a_document_a_line(tmp_path: Path) -> None:
    """The address first, then what was saved; -q keeps stderr empty."""
    command = (sys.executable, "-c", f"{ASK.replace('print', 'str')}")
    with serving() as sandbox:
        done = run(*record("--upstream", sandbox.url, "--json", "-q", "--", *command), cwd=tmp_path)
    ready, saved = map(json.loads, done.stdout.splitlines())
    assert "ready" == ready["event"]
    assert ready["url"].startswith("http://localhost:")
    assert ("saved", "c.yaml", 1, 0) == (saved["event"], saved["path"], saved["interactions"], saved["notifications"])
    assert "" == done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--upstream", "ftp://x"], 2, "'ftp://x' is not an address"),
        (["--upstream", "http://localhost:1", "--split", "5"], 2, "--split needs a size or a time (100MB, "),
        (["--upstream", "http://localhost:1/api"], 2, "takes scheme, host and port only"),
        ([], 2, "reverse mode needs the server's address"),
        (["--upstream", "http://localhost:1", "--", "no-such-command"], 2, "the command was not found"),
        (["--upstream", "http://localhost:1", "--listen", "localhost"], 2, "needs HOST:PORT"),
        (["--upstream", "http://localhost:1", "--filter", "~~", "--", "true"], 2, "is not a mitmproxy filter"),
        (["--upstream", "http://localhost:1", "--", "true"], 5, "nothing was recorded: no request matched"),
    ],
)
def test_usage_error_is_one_sentence(tmp_path: Path, arguments: list[str], code: int, sentence: str) -> None:
    """No traceback, the right exit code, no file left in the folder."""
    done = run(*record(*arguments), cwd=tmp_path)
    assert code == done.returncode, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert [] == list(tmp_path.iterdir())


def test_server_that_is_down_is_reported(tmp_path: Path) -> None:
    """The client gets a 502, the person a line and the reason at the end."""
    done = run(*record("--upstream", "http://localhost:1", "--", sys.executable, "-c", ASK), cwd=tmp_path)
    assert 1 == done.returncode
    assert "HTTP Error 502" in done.stderr
    assert "!!! GET /api/v2/diagnostics/version  no response:" in done.stderr
    assert "nothing was recorded: 1 request sent, and no response; " in done.stderr


def test_a_busy_port_and_an_existing_cassette_are_refused(tmp_path: Path) -> None:
    """--force replaces the cassette; two recorders on one cassette are one too many."""
    with serving() as sandbox:
        command = record("--upstream", sandbox.url, "--listen", sandbox.url.replace("http://localhost", "127.0.0.1"))
        done = run(*command, cwd=tmp_path)
        assert (2, True) == (done.returncode, "Address already in use" in done.stderr)
        (tmp_path / "c.yaml").write_text("precious")
        wrapped = ("--upstream", sandbox.url, "--", sys.executable, "-c", ASK)
        done = run(*record(*wrapped), cwd=tmp_path)
        assert (2, "precious") == (done.returncode, (tmp_path / "c.yaml").read_text())
        assert "c.yaml exists" in done.stderr
        assert 0 == run(*record("--force", *wrapped), cwd=tmp_path).returncode
        with Running(record("--force", "--upstream", sandbox.url, "--listen", "127.0.0.1:0"), cwd=tmp_path) as first:
            first.line("Recording")
            done = run(*record("--force", *wrapped), cwd=tmp_path)
            assert (2, True) == (done.returncode, "is being written by another recorder" in done.stderr)
            first.process.send_signal(signal.SIGINT)


def test_redact_none_warns(tmp_path: Path) -> None:
    """The warning comes even with -q, and the secret really is there."""
    ask = "import os, requests; requests.get(os.environ['GWS_REPLAY_URL'] + '/api/v2/me', auth=('agent1', 'sandbox'))"
    with serving() as sandbox:
        command = ("--redact", "none", "-q", "--upstream", sandbox.url, "--", sys.executable, "-c", ask)
        done = run(*record(*command), cwd=tmp_path)
    assert "Warning: --redact none" in done.stderr
    assert "Basic YWdlbnQxOnNhbmRib3g=" in (tmp_path / "c.yaml").read_text()
