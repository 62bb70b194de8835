"""The pages in a real browser: they filter, move by keys, and run nothing but their own script.

All such tests stand in this file, so that one browser, in one worker, serves them all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gws_replay.playback import Playback
from tests.browsers import Browser, Tab, browser_in, needs_chromium
from tests.commands import small
from tests.pages import ran, written
from tests.playbacks import ask
from tests.reports.test_html import evil

pytestmark = needs_chromium
SHOWN = (
    "[...document.querySelectorAll('.test')].filter(e => !e.hidden).map(e => e.querySelector('b').textContent).join()"
)
OPEN = "[...document.querySelectorAll('.test')].filter(e => e.open).length"
FOCUSED = "document.activeElement.querySelector('b')?.textContent ?? document.activeElement.id"


def played() -> Playback:
    playback = Playback(small())
    ask(playback, 0)
    ask(playback, 1)
    return playback


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The one browser."""
    with browser_in(tmp_path_factory.mktemp("browser")) as running:
        yield running


def visit(browser: Browser, file: Path, act: Callable[[Tab], Awaitable[None]]) -> Tab:
    """Open a page and do something; return the tab for what it has noted."""

    async def scenario() -> Tab:
        async with browser.tab() as tab:
            await tab.open(file)
            await act(tab)
            return tab

    return asyncio.run(scenario())


@pytest.fixture
def run_page(tmp_path: Path) -> Path:
    """A page of four tests."""
    file = tmp_path / "page.html"
    tests = [
        ran("a.py::test_one", played()),
        ran("a.py::test_two", outcome="skipped"),
        ran("b.py::test_three", evil(), outcome="failed"),
        ran("b.py::test_four"),
    ]
    file.write_text(written(*tests), "utf-8")
    return file


def test_it_filters_by_text_and_outcome(browser: Browser, run_page: Path) -> None:
    """All words must be somewhere in the test, folded or not; several outcomes add up; Escape clears both."""

    async def act(tab: Tab) -> None:
        assert "test_three,test_one,test_two,test_four" == await tab.value(SHOWN)
        await tab.press("/", *"updateuserdata s1")
        assert "updateuserdata s1" == await tab.value("document.getElementById('text').value")
        assert "test_three,test_one" == await tab.value(SHOWN)
        assert "2 of 4" == await tab.value("document.getElementById('count').textContent")
        await tab.value("document.querySelector('button.passed').click()")
        assert "test_one" == await tab.value(SHOWN)
        await tab.press("Escape")
        assert "test_three,test_one,test_two,test_four" == await tab.value(SHOWN)
        await tab.value("document.querySelector('button.failed').click()")
        await tab.value("document.querySelector('button.skipped').click()")
        assert "test_three,test_two" == await tab.value(SHOWN)
        await tab.press("/", *"zzz")
        assert ("", False) == (await tab.value(SHOWN), await tab.value("document.getElementById('none').hidden"))

    visit(browser, run_page, act)


def test_keys_move_and_open(browser: Browser, run_page: Path) -> None:
    """j and k go from test to test that is shown, Enter opens it, e opens and closes all."""

    async def act(tab: Tab) -> None:
        await tab.press("j", "j")
        assert ("test_one", 1) == (await tab.value(FOCUSED), await tab.value(OPEN))
        await tab.press("Enter")
        assert 2 == await tab.value(OPEN)
        await tab.press("k", "k", "k")
        assert "test_three" == await tab.value(FOCUSED)
        await tab.press("e")
        assert 4 == await tab.value(OPEN)
        await tab.press("e")
        assert 0 == await tab.value(OPEN)
        await tab.press("/", *"four", "Enter")
        assert "test_four" == await tab.value(FOCUSED)

    visit(browser, run_page, act)


def test_nothing_recorded_runs_and_nothing_is_asked_for(browser: Browser, run_page: Path) -> None:
    """No picture, no second script, no dialog, no address but the file's own, and nothing that the policy stopped."""

    async def act(tab: Tab) -> None:
        await tab.press("e")
        assert (0, 1) == (await tab.value("document.images.length"), await tab.value("document.scripts.length"))
        assert 8 < await tab.value("document.body.textContent.split('<img src=x onerror=alert(1)>').length")

    tab = visit(browser, run_page, act)
    assert [[run_page.as_uri()], []] == [tab.asked, tab.logged]


def test_it_fits_a_narrow_screen_in_the_dark_and_prints_whole(browser: Browser, run_page: Path) -> None:
    """No sideways scrolling at 360 pixels; dark where that is preferred; folded tests are printed too."""

    async def act(tab: Tab) -> None:
        await tab.press("e")
        await tab.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
        assert 360 == await tab.value("document.documentElement.scrollWidth")
        paper = "getComputedStyle(document.body).backgroundColor"
        light = await tab.value(paper)
        await tab.send(
            "Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": "dark"}]
        )
        assert light != await tab.value(paper)
        await tab.press("e")
        await tab.send("Emulation.setEmulatedMedia", media="print")
        assert "none" == await tab.value("getComputedStyle(document.querySelector('.tools')).display")
        await tab.value("dispatchEvent(new Event('beforeprint'))")
        assert 4 == await tab.value(OPEN)
        await tab.value("dispatchEvent(new Event('afterprint'))")
        assert 0 == await tab.value(OPEN)

    visit(browser, run_page, act)
