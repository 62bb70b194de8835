"""The addon in a real mitmdump, and in mitmproxy's console, that a user starts."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette
from tests.support.proxies import (
    GWS,
    MITMDUMP,
    PATIENCE,
    SESSION,
    UPDATE,
    ReceivedRequest,
    Running,
    answered,
    client,
    environment,
    mitmdump,
    operations,
    run,
    upstream,
)

PATH = f"/api/v2/me/facebooksessions/{SESSION}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox for these tests."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def script() -> str:
    """The path that `gws-replay addon` prints."""
    return run(*GWS, "addon").stdout.strip()


@pytest.mark.parametrize("mode", ["reverse", "regular"])
def test_mitmdump_with_the_addon_records(tmp_path: Path, sandbox: RunningSandbox, script: str, mode: str) -> None:
    """`mitmdump -s "$(gws-replay addon)"` records in either mode, with lines that name operations, and no secret."""
    port = sandbox.url.rpartition(":")[2]
    arguments = ["--mode", f"reverse:{sandbox.url}"] if mode == "reverse" else []
    with mitmdump("-s", script, *arguments, "--set", "gws_cassette=a.json", cwd=tmp_path) as (process, url):
        with client(None) as http_client:
            target = url if mode == "reverse" else f"http://localhost:{port}"
            http_client.proxies = {} if mode == "reverse" else {"http": url}
            me = http_client.get(f"{target}/api/v2/me", timeout=PATIENCE)
            http_client.headers["X-CSRF-TOKEN"] = me.headers["X-CSRF-TOKEN"]
            http_client.get(f"{target}/not-gws", timeout=PATIENCE)
            sent = http_client.post(target + PATH, json=UPDATE, timeout=PATIENCE)
            process.line(f"--> UpdateUserData {SESSION}  statusCode 0")
            journal_text = (tmp_path / "a.json.journal").read_text()
            secrets = [*me.cookies.values(), me.headers["X-CSRF-TOKEN"], "YWdlbnQxOnNhbmRib3g="]
        process.process.terminate()
        assert "saved a.json: 2 exchanges, 0 notifications" in process.line("saved")
        process.finish()

    assert {"statusCode": 0} == sent.json()
    assert ["GET /api/v2/me", "UpdateUserData"] == operations(load_cassette(tmp_path / "a.json"))
    everything = process.text + journal_text + (tmp_path / "a.json").read_text()
    assert [] == [secret for secret in secrets if secret in everything]


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("gws_filter=~~(", "'~~(' is not a mitmproxy filter"),
        ("gws_redact=nonsense", "gws_redact"),
        ("gws_cassette=old.yaml", "old.yaml exists: choose another name"),
        ("gws_cassette=file/a.yaml", "cannot make the folder file: "),
        ("gws_cassette=.", "must end in"),
        ("stream_large_bodies=10k", "stream_large_bodies lets bodies pass unrecorded"),
    ],
)
def test_wrong_option_ends_mitmdump_with_one_sentence(tmp_path: Path, script: str, option: str, sentence: str) -> None:
    """mitmdump exits, shows the error once without a traceback, and leaves no file."""
    (tmp_path / "old.yaml").write_text("")
    (tmp_path / "file").write_text("")
    sets = ["--set", option, *([] if "gws_cassette" in option else ["--set", "gws_cassette=a.yaml"])]
    with Running([*MITMDUMP, "-p", "0", "--listen-host", "127.0.0.1", "-s", script, *sets], cwd=tmp_path) as process:
        with suppress(subprocess.TimeoutExpired):
            process.process.wait(20)
        code = process.process.poll()

    assert (1, 1, 0) == (code, process.text.count(sentence), process.text.count("Traceback")), process.text
    assert ["file", "old.yaml"] == sorted(path.name for path in tmp_path.iterdir())


def test_without_a_cassette_mitmdump_ends_with_an_error(tmp_path: Path, script: str) -> None:
    """So that no user records for an hour and then has no file."""
    with Running([*MITMDUMP, "-p", "0", "--listen-host", "127.0.0.1", "-s", script], cwd=tmp_path) as process:
        assert 1 == process.finish()
    assert "Nothing is recorded: name the cassette with --set gws_cassette=cassettes/NAME.yaml" in process.text


def test_first_line_names_filter_and_cassette(tmp_path: Path, script: str) -> None:
    """At the start."""
    arguments = ("-s", script, "--mode", "reverse:http://localhost:1", "--set", "gws_cassette=a.yaml")
    with mitmdump(*arguments, cwd=tmp_path) as (process, _):
        assert "Recording every known API, and CometD at any path into a.yaml" in process.line("Recording")


@pytest.mark.parametrize("keep", ["false", "true"])
@pytest.mark.parametrize("name", ["127.0.0.1", "staging.test"])
def test_links_lead_to_the_name_of_the_client(tmp_path: Path, script: str, name: str, keep: str) -> None:
    """As with `gws-replay record`; the server gets its own name, unless mitmproxy is told to keep the client's."""
    hosts: list[str] = []
    own: list[str] = []

    def staging(request: ReceivedRequest) -> bytes:
        hosts.extend(line[6:] for line in request.head.decode().split("\r\n") if line.lower().startswith("host: "))
        return answered(b"", "302 Found", f"Location: {own[0]}/api/v2/me")

    with upstream(staging) as server:
        own.append(server.url)
        options = ("--set", "gws_cassette=a.yaml", "--set", f"keep_host_header={keep}")
        with mitmdump("-s", script, "--mode", f"reverse:{server.url}", *options, cwd=tmp_path) as (process, url):
            host = f"{name}:{url.rpartition(':')[2]}"
            with client() as agent:
                response = agent.get(
                    f"{url}/api/v2/login", timeout=PATIENCE, headers={"Host": host}, allow_redirects=False
                )
            process.process.terminate()
            process.finish()
    assert f"http://{host}/api/v2/me" == response.headers["Location"]
    assert [host if keep == "true" else server.url.partition("//")[2]] == hosts


@pytest.mark.parametrize("force", ["false", "true"])
def test_reloaded_script_keeps_its_first_recording(tmp_path: Path, script: str, force: str) -> None:
    """mitmproxy loads a script again when its file changes: the first recording is saved, and never replaced."""
    copy = tmp_path / "copy_of_addon.py"
    copy.write_text(Path(script).read_text())
    with (
        upstream(lambda _: answered()) as server,
        mitmdump(
            *("-s", str(copy), "--mode", f"reverse:{server.url}"),
            *("--set", "gws_cassette=a.yaml", "--set", f"gws_force={force}"),
            cwd=tmp_path,
        ) as (process, url),
        client() as http_client,
    ):
        http_client.get(f"{url}/api/v2/first", timeout=PATIENCE)
        process.line("/api/v2/first  HTTP 200")
        copy.write_text(copy.read_text() + "\n")
        process.line("a.yaml was recorded before the script was loaded again")
        http_client.get(f"{url}/api/v2/second", timeout=PATIENCE)
        process.process.terminate()
        process.finish()
    assert ["GET /api/v2/first"] == operations(load_cassette(tmp_path / "a.yaml"))


_CONSOLE = (sys.executable, "-c", "from mitmproxy.tools.main import mitmproxy; mitmproxy()")
_SCREEN_IS_GIVEN_BACK = "\x1b[?1049l"


class Console:
    """mitmproxy's console in a terminal of its own; `text` is what it wrote there so far."""

    def __init__(self, script: str, *sets: str, mode: str, cwd: Path) -> None:
        self.text = ""
        self._terminal, own = pty.openpty()
        termios.tcsetwinsize(own, (30, 200))
        options = [part for each in sets for part in ("--set", each)]
        listen = ("--listen-host", "127.0.0.1", "--listen-port", "0")
        self._process = subprocess.Popen(
            [*_CONSOLE, *listen, "-s", script, "--mode", mode, *options],
            cwd=cwd,
            stdin=own,
            stdout=own,
            stderr=own,
            env=environment(TERM="xterm-256color", LANG="C.UTF-8"),
            start_new_session=True,
        )
        os.close(own)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def until(self, pattern: str) -> re.Match[str]:
        """Read until something was written, and return it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text)):
            assert self._read(), self.text
            assert time.monotonic() < deadline, self.text
        return found

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def finish(self) -> tuple[int, str]:
        """Read to the end; return the exit code, and what stands in the terminal when the console's screen is gone."""
        while self._read():
            pass
        return self._process.wait(PATIENCE), self.text.rpartition(_SCREEN_IS_GIVEN_BACK)[2].replace("\r\n", "\n")

    def _read(self) -> bool:
        assert select.select([self._terminal], [], [], PATIENCE)[0], self.text
        with suppress(OSError):  # Linux: the console has ended
            if piece := os.read(self._terminal, 1 << 16):
                self.text += piece.decode(errors="replace")
                return True
        return False


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "Nothing is recorded: name the cassette with --set gws_cassette=cassettes/NAME.yaml"),
        (("gws_cassette=old.yaml",), "old.yaml exists: choose another name, or replace it with --force"),
    ],
)
def test_the_console_ends_with_an_error(tmp_path: Path, script: str, options: tuple[str, ...], sentence: str) -> None:
    """It stands in the terminal, not on a screen that is gone."""
    (tmp_path / "old.yaml").write_text("")
    with Console(script, *options, mode="reverse:http://localhost:1", cwd=tmp_path) as console:
        code, text = console.finish()
    assert (1, 1) == (code, text.count(sentence)), text


def test_the_console_says_what_is_recorded_where(tmp_path: Path, script: str) -> None:
    """At the start, when another cassette is set, and once more when its screen is gone, with what was saved."""
    with (
        upstream(lambda _: answered()) as server,
        Console(script, "gws_cassette=a.yaml", mode=f"reverse:{server.url}", cwd=tmp_path) as console,
        client() as agent,
    ):
        console.until("Warn: .* Recording every known API, and CometD at any path into a.yaml")
        port = console.until(r"\[127\.0\.0\.1:(\d+)\]")[1]
        agent.get(f"http://localhost:{port}/api/v2/me", timeout=PATIENCE)
        console.press(":set gws_cassette=b.yaml\r")
        console.until("into b.yaml")
        console.press("qy")
        _, text = console.finish()
    assert ["GET /api/v2/me"] == operations(load_cassette(tmp_path / "a.yaml"))
    ours = re.findall(r"Recording .* into \w\.yaml|saved a\.yaml: 1 exchange|nothing was recorded", text)
    recording = "Recording every known API, and CometD at any path into"
    assert [f"{recording} a.yaml", "saved a.yaml: 1 exchange", f"{recording} b.yaml", "nothing was recorded"] == ours
