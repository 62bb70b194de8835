"""The addon in a real mitmdump, as a person starts it."""

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
    ReceivedRequest,
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
    """A sandbox for the tests by hand."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def script() -> str:
    """What `gws-replay addon` prints."""
    return run(*GWS, "addon").stdout.strip()


@pytest.mark.parametrize("mode", ["reverse", "regular"])
def test_by_hand(tmp_path: Path, sandbox: RunningSandbox, script: str, mode: str) -> None:
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
    ],
)
def test_a_wrong_option_by_hand_is_one_sentence(tmp_path: Path, script: str, option: str, sentence: str) -> None:
    """mitmdump ends, says once what is wrong, shows no traceback, and leaves nothing behind."""
    (tmp_path / "old.yaml").write_text("")
    (tmp_path / "file").write_text("")
    sets = ["--set", option, *([] if "gws_cassette" in option else ["--set", "gws_cassette=a.yaml"])]
    with Running([*MITMDUMP, "-p", "0", "--listen-host", "127.0.0.1", "-s", script, *sets], cwd=tmp_path) as process:
        with suppress(subprocess.TimeoutExpired):
            process.process.wait(20)
        code = process.process.poll()

    assert (1, 1, 0) == (code, process.text.count(sentence), process.text.count("Traceback")), process.text
    assert ["file", "old.yaml"] == sorted(path.name for path in tmp_path.iterdir())


def test_streaming_is_no_silent_loss(tmp_path: Path, script: str) -> None:
    """With mitmproxy's stream_large_bodies the traffic passes; what was streamed, either way, is named."""
    large = b"x" * 20_000

    def answer(asked: ReceivedRequest) -> bytes:
        return answered(large) if asked.path.endswith("/download") else answered()

    with (
        upstream(answer) as server,
        mitmdump(
            *("-s", script, "--mode", f"reverse:{server.url}", "--set", "gws_cassette=a.yaml"),
            *("--set", "stream_large_bodies=10k"),
            cwd=tmp_path,
        ) as (process, url),
        client() as http_client,
    ):
        down = http_client.post(f"{url}/api/v2/download", timeout=PATIENCE)
        http_client.post(f"{url}/api/v2/upload", data=large, timeout=PATIENCE)
        http_client.post(f"{url}/api/v2/small", timeout=PATIENCE)
        process.line("/api/v2/small  HTTP 200")
        process.process.terminate()
        process.finish()

    assert (large, large) == (down.content, server.asked[1].body)
    assert "!!! POST /api/v2/download  no answer: its body was streamed past the recorder" in process.text
    assert "!!! POST /api/v2/upload" in process.text
    assert ["POST /api/v2/small"] == operations(load_cassette(tmp_path / "a.yaml"))
