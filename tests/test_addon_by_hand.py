"""The addon in a real mitmdump that a user starts."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette
from tests.support.proxies import (
    GWS,
    MITMDUMP,
    PATIENCE,
    SESSION,
    UPDATE,
    Running,
    answered,
    client,
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
