"""HAR files as real tools wrote them: Playwright with Chromium, bodies in the file and attached in a zip."""

from pathlib import Path

import pytest

from gws_replay.storage.files import load_cassette
from tests.support.builders import DATA
from tests.support.commands import command_line
from tests.support.proxies import operations


@pytest.mark.parametrize("name", ["playwright-chromium.har", "playwright-chromium.zip"])
def test_a_har_of_playwright_becomes_a_cassette(tmp_path: Path, name: str) -> None:
    """A page with a picture, a blob, forms, an update and its notification, and a request that was aborted."""
    ended = command_line("convert", DATA / "har" / name, tmp_path / "out.yaml", "--redact", "secrets")
    assert 0 == ended.code
    assert "1 entry was skipped: 1 because its address is not HTTP (blob:)" in ended.out
    cassette = load_cassette(tmp_path / "out.yaml")
    assert [
        "GET /",
        "GET /logo.png",
        "GET /api/v2/me/facebooksessions",
        "POST /api/v2/login",
        "POST /api/v2/upload",
        "UpdateUserData",
        "GET /api/v2/slow",
    ] == operations(cassette)
    assert [5] == [each.cause and each.cause.interaction for each in cassette.notifications]
    assert b"tenant=north+7&lang=de" == cassette.interactions[3].request.body
    assert 0 == command_line("verify", tmp_path / "out.yaml").code


def test_only_the_api_can_be_kept(tmp_path: Path) -> None:
    """Pages and pictures are not needed for a replay."""
    source = DATA / "har" / "playwright-chromium.har"
    assert 0 == command_line("convert", source, tmp_path / "out.yaml", "--filter", "~u /api/v2/").code
    assert "GET /logo.png" not in operations(load_cassette(tmp_path / "out.yaml"))
