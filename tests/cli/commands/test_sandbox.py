"""`gws-replay sandbox` as a process: what it prints, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from gws_replay.sandbox.faults import FAULTS

COMMAND = [sys.executable, "-c", "from gws_replay.cli import main; main()", "sandbox"]


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_prints_its_url_and_ends_cleanly(number: signal.Signals, exit_code: int) -> None:
    with running() as process:
        url = first_line(process)
        answered = requests.get(f"{url}/api/v2/diagnostics/version", timeout=60)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)

    assert url.startswith("http://localhost:")
    assert answered.json()["statusCode"] == 0
    assert (process.returncode, out) == (exit_code, "")
    assert "agent1" in err
    assert "0002DaAVKJ0V0095, 0002DaAVKJ0V0097" in err
    assert "Traceback" not in err


def test_json_gives_url_and_pid_and_quiet_gives_no_hint() -> None:
    with running("--json", "-q") as process:
        started = json.loads(first_line(process))
        answered = requests.get(f"{started['url']}/api/v2/diagnostics/version", timeout=60)
        os.kill(started["pid"], signal.SIGTERM)
        out, err = process.communicate(timeout=30)

    assert set(started) == {"url", "pid"}
    assert answered.status_code == 200
    assert (process.returncode, out, err) == (0, "", "")


def test_verbose_logs_requests_without_credentials() -> None:
    with running("-q", "-v") as process:
        url = first_line(process)
        answered = requests.get(f"{url}/api/v2/me", auth=("agent1", "sandbox"), timeout=60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)

    assert answered.status_code == 200
    assert err == "GET /api/v2/me -> 200 statusCode 0\n"


def test_fault_and_push_delay_reach_the_sandbox() -> None:
    path = "/api/v2/me/facebooksessions/0002DaAVKJ0V0095"
    update = {"operationName": "UpdateUserData", "userData": {"UserData1": 1}}
    with running("--fault", "number-to-string", "--push-delay", "0.5") as process, requests.Session() as http:
        url, http.auth = first_line(process), ("agent1", "sandbox")
        http.headers["X-CSRF-TOKEN"] = http.get(f"{url}/api/v2/me", timeout=60).headers["X-CSRF-TOKEN"]
        client_id = http.post(f"{url}/api/v2/notifications", json={"channel": "/meta/handshake"}, timeout=60).json()[0][
            "clientId"
        ]
        subscribe = {"channel": "/meta/subscribe", "clientId": client_id, "subscription": "/**"}
        connect = {"channel": "/meta/connect", "clientId": client_id}
        http.post(f"{url}/api/v2/notifications", json=subscribe, timeout=60)
        http.post(f"{url}/api/v2/notifications", json=connect, timeout=60)
        started_at = time.monotonic()
        http.post(f"{url}{path}", json=update, timeout=60)
        pushed = http.post(f"{url}/api/v2/notifications", json=connect, timeout=60).json()
        waited = time.monotonic() - started_at

    assert waited >= 0.5
    assert pushed[0]["data"]["facebooksession"]["userData"]["UserData1"] == "1"


def test_busy_port_is_one_sentence() -> None:
    with running() as process:
        port = first_line(process).rpartition(":")[2]
        second = run("--port", port)

    assert (second.returncode, second.stdout) == (2, "")
    assert f"Port {port} on 127.0.0.1 is in use: choose another port, or 0 for any free one." in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("options", [["--port", "65536"], ["--fault", "none"], ["--push-delay", "-1"], ["extra"]])
def test_wrong_option_is_a_usage_error(options: list[str]) -> None:
    assert run(*options).returncode == 2


def test_help_names_every_fault() -> None:
    shown = run("--help").stdout

    assert [line for line in FAULTS if f"  {line} " not in shown] == []


def test_help_does_not_import_the_server() -> None:
    code = (
        "import sys; import gws_replay.cli.commands.sandbox; print('aiohttp' in sys.modules, 'asyncio' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)

    assert shown.stdout == "False False\n"
