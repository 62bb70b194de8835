"""Every kind of staging, client and mode of the proxy: recorded on the first attempt, verified, and replayed.

A few of them run always; GWS_REPLAY_MATRIX_RECORDING=1 runs all.
"""

import os
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from gws_replay.playback.replay_run import ReplayRun
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.server.server import serving as replaying
from gws_replay.storage.files import load_cassette
from tests.support.authorities import Authority, make_authority
from tests.support.comet_clients import by_node, has_node, seen_by
from tests.support.comet_sessions import Event
from tests.support.commands import command_line
from tests.support.matrix_clients import CHROMIUM, COMETD_JS, LIBRARIES, browsing, by_library, page
from tests.support.proxies import make_mitmproxy_ca, wait_until
from tests.support.stagings import KINDS, Kind, Staging, staging

Mode = Literal["reverse", "regular"]
NODE = ("node-long-polling", "node-websocket")
BROWSER = ("browser-long-polling", "browser-websocket")
# npm's cometd for Node has no proxy option.
MODES: tuple[Mode, ...] = ("reverse", "regular")
CELLS = [
    (kind, client, mode)
    for kind in KINDS
    for client in (*LIBRARIES, *NODE, *BROWSER)
    for mode in MODES
    if client not in NODE or mode == "reverse"
]
ALWAYS: list[tuple[str, str, Mode]] = [
    ("http", "aiohttp", "regular"),
    ("private-ca", "httpx", "regular"),
    ("secure-cookies", "requests", "reverse"),
    ("secure-cookies", "browser-websocket", "reverse"),
    ("sign-in", "browser-long-polling", "regular"),
    ("cometd-elsewhere", "node-websocket", "reverse"),
    ("workspace-v3", "node-long-polling", "reverse"),
]
RUN = CELLS if os.environ.get("GWS_REPLAY_MATRIX_RECORDING") else ALWAYS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that no client trusts by default."""
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.mark.parametrize(("name", "client", "mode"), RUN, ids=["-".join(cell) for cell in RUN])
def test_it_is_recorded_verified_and_replayed(
    tmp_path: Path, authority: Authority, name: str, client: str, mode: Mode
) -> None:
    """With no option but the CA; the client sees what it saw, and nothing is left."""
    if (client in NODE and not has_node) or (client in BROWSER and not (CHROMIUM and COMETD_JS.is_dir())):
        pytest.skip("needs Node, Chromium and the packages of tests/js/package.json")
    kind, path = KINDS[name], tmp_path / "c.yaml"
    pages = page(kind.cometd, client.partition("-")[2], kind.commands)
    with staging(kind, authority.server, pages) as server:
        settings = Settings(cassette=path, upstream=server.url, upstream_ca=authority.ca, mode=mode)
        with Recorder(settings) as recorder:
            events = _seen(client, kind, server, recorder, tmp_path)
    assert [] == [each for each in events if each.kind == "answer" and each.where not in (200, 302)]
    cassette = load_cassette(path)
    assert ["passed"] == [each.verdict for each in cassette.updates()]
    (notification,) = cassette.notifications
    assert notification.cause
    assert 0 == command_line("verify", path).code
    run = ReplayRun(cassette)
    with replaying(run) as replay:
        if client in NODE:
            again = seen_by(partial(by_node, path=kind.cometd), replay.url, client.partition("-")[2], kind.commands)
        else:
            again = by_library(client if client in LIBRARIES else "requests", replay.url, kind.cometd, kind.commands)
    assert [each.where for each in _sorted(events)] == [each.where for each in _sorted(again)]
    assert "" == run.problems()


def _sorted(events: list[Event]) -> list[Event]:
    """Responses in their order, then notifications: which comes first after an update is open."""
    return sorted((each for each in events if each.where != 302), key=lambda each: each.kind)


def _seen(client: str, kind: Kind, server: Staging, recorder: Recorder, folder: Path) -> list[Event]:
    is_reverse = recorder.settings.mode == "reverse"
    url = recorder.url if is_reverse else server.url
    via = None if is_reverse else recorder.url
    if client in LIBRARIES:
        ca = str(make_mitmproxy_ca()) if via and kind.tls else None
        return by_library(client, url, kind.cometd, kind.commands, proxy=via, ca=ca)
    if client in NODE:
        return seen_by(partial(by_node, path=kind.cometd), url, client.partition("-")[2], kind.commands)
    options = (f"--proxy-server={via}", "--proxy-bypass-list=<-loopback>", "--ignore-certificate-errors") if via else ()
    with browsing(f"{url}/page", folder / "profile", *options):
        wait_until(lambda: server.seen, "the page to end", 90)
    (shown,) = server.seen
    assert url.rpartition(":")[2] == shown.get("port"), shown
    return [Event(*each) for each in shown["events"]]
