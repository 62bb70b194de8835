"""The pages in a real browser: they filter, move by keys, and run nothing but their own script.

All such tests stand in this file, so that one browser, in one worker, serves them all.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.format import Part
from gws_replay.reports.pages.cassettes import page, part_of, part_of_pair
from gws_replay.storage.files import load_cassette
from tests.reports.pages.pages import ran, written
from tests.reports.pages.test_session import evil
from tests.support.browsers import Browser, Tab, browser_in, needs_chromium
from tests.support.builders import SESSIONS, cassette, exchange, get, push, update
from tests.support.commands import of_two_users, small
from tests.support.playbacks import ask

pytestmark = needs_chromium
SHOWN = (
    "[...document.querySelectorAll('.test')].filter(e => !e.hidden).map(e => e.querySelector('b').textContent).join()"
)
OPEN = "[...document.querySelectorAll('.test')].filter(e => e.open).length"
FOCUSED = "document.activeElement.querySelector('b')?.textContent ?? document.activeElement.id"


def played() -> ReplayRun:
    playback = ReplayRun(small())
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


def test_page_filters_by_text_and_outcome(browser: Browser, run_page: Path) -> None:
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


def test_recorded_text_is_not_executed_and_nothing_is_loaded(browser: Browser, run_page: Path) -> None:
    """No picture, no second script, no dialog, no address but the file's own, and nothing that the policy stopped."""

    async def act(tab: Tab) -> None:
        await tab.press("e")
        scripts = "[...document.scripts].filter(e => !e.type).length"
        assert (0, 1) == (await tab.value("document.images.length"), await tab.value(scripts))
        assert 8 < await tab.value("document.body.textContent.split('<img src=x onerror=alert(1)>').length")

    tab = visit(browser, run_page, act)
    assert [[run_page.as_uri()], []] == [tab.requested, tab.logged]


def test_a_run_has_its_timeline_in_a_frame(browser: Browser, run_page: Path) -> None:
    """Made when it is wanted, closed again; it moves by keys as the page of `show` does, and no policy stops it."""

    async def act(tab: Tab) -> None:
        inside = "document.querySelector('iframe').contentDocument"
        rows = f"[...{inside}.querySelectorAll('.row .what')].map(e => e.textContent).join()"
        assert 2 == await tab.value("document.querySelectorAll('.draw').length")
        await tab.value("document.querySelector('#t1 .draw').click()")
        await tab.value("new Promise(done => document.querySelector('iframe').onload = done)")
        assert "GET /api/v2/me/facebooksessions,UpdateUserData,PropertiesUpdated" == await tab.value(rows)
        assert 1 == await tab.value(f"{inside}.querySelectorAll('#art .cause').length")
        assert "GET /api/v2/me/facebooksessions " == await tab.value(f"{inside}.querySelector('h3').textContent")
        await tab.value("document.querySelector('#t1 .draw').click()")
        assert 0 == await tab.value("document.querySelectorAll('iframe').length")
        await tab.value("document.querySelector('#t0 .draw').click()")
        await tab.value("new Promise(done => document.querySelector('iframe').onload = done)")
        assert 0 == await tab.value(f"{inside}.images.length")
        await tab.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
        assert 360 == await tab.value("document.documentElement.scrollWidth")

    tab = visit(browser, run_page, act)
    assert [[run_page.as_uri()], []] == [tab.requested, tab.logged]


def test_page_fits_a_narrow_screen_has_a_dark_mode_and_prints_all(browser: Browser, run_page: Path) -> None:
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


SHIPPED = Path(__file__).parents[3] / "cassettes"
ROWS = "JSON.stringify([...document.querySelectorAll('.row')].map(e => e.querySelector('.what').textContent))"
HEADING = "document.querySelector('#detail h3').firstChild.data"
CHOSEN = "document.querySelector('[aria-selected=true] .what')?.textContent"
MARKED = "JSON.stringify([...document.querySelectorAll('#detail .marked th[scope=row] span')].map(e => e.textContent))"
COUNT = "document.getElementById('count').textContent"


def on_page(folder: Path, *parts: Part, first: str = "") -> Path:
    """Write a page of cassettes."""
    file = folder / "timelines.html"
    file.write_text("".join(page(parts, "sum", first=first)), "utf-8")
    return file


def shown(played: Cassette) -> Part:
    return part_of(played, played.updates())


def test_each_operation_marks_exactly_what_it_changed(browser: Browser, tmp_path: Path) -> None:
    """The keys that are marked are those of Cassette.updates(), in each operation of a recorded family of them."""
    played = load_cassette(SHIPPED / "family.yaml")
    expected = [sorted(one.changes.keys) for one in played.updates()]

    async def act(tab: Tab) -> None:
        await tab.value("document.querySelector('[data-level=passed]').click()")
        marked: list[list[str]] = []
        while len(marked) < len(expected):
            if not await tab.value("document.querySelector('[aria-selected=true]')?.matches('.notification') ?? true"):
                marked.append(sorted(set(json.loads(await tab.value(MARKED)))))
            await tab.press("j")
        assert expected == marked

    visit(browser, on_page(tmp_path, shown(played)), act)


def test_each_user_has_lanes(browser: Browser, tmp_path: Path) -> None:
    """REST and CometD of each, with their names; the detail says who sent the request."""

    async def act(tab: Tab) -> None:
        heads = (
            "JSON.stringify([...document.querySelectorAll('#heads .head:not(.resource)')].map(e => e.firstChild.data))"
        )
        assert ["REST anna", "CometD anna", "REST user 2", "CometD user 2"] == json.loads(await tab.value(heads))
        places = "new Set([...document.querySelectorAll('rect.request')].map(e => e.getAttribute('x'))).size"
        assert 2 == await tab.value(places)
        for _ in range(3):
            await tab.press("j")
        assert "sent by user 2" in await tab.value("document.querySelector('#detail').textContent")

    visit(browser, on_page(tmp_path, shown(of_two_users())), act)


def test_recorded_text_is_not_executed_on_a_timeline(browser: Browser, tmp_path: Path) -> None:
    """Keys, values, paths and names that want to run are text, in every row and detail; nothing is requested."""
    (hostile,) = evil().cassettes
    other = cassette(get({"A": 1}, began=0.0))
    file = on_page(
        tmp_path, shown(hostile), part_of_pair(hostile.source, hostile, other, diff(hostile, other)), first="Findings"
    )

    async def act(tab: Tab) -> None:
        for _ in range(8):
            await tab.press("j")
        await tab.press("v")
        found = 0
        for _ in (*hostile.interactions, *hostile.notifications):
            await tab.press("j")
            await tab.value("document.querySelectorAll('#detail details').forEach(e => { e.open = true; })")
            await tab.value("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            found += await tab.value("document.body.innerText.split('<img src=x onerror=alert(1)>').length - 1")
        assert 10 < found
        assert 0 == await tab.value("document.images.length")

    tab = visit(browser, file, act)
    assert [[file.as_uri()], []] == [tab.requested, tab.logged]


def test_keys_move_on_a_timeline(browser: Browser, tmp_path: Path) -> None:
    """j and k go on and back, c to the cause and to what it caused, s to scale, t to the dark, Escape clears."""

    async def act(tab: Tab) -> None:
        names = ["GET /api/v2/me/facebooksessions", "UpdateUserData", "PropertiesUpdated"]
        assert names == json.loads(await tab.value(ROWS))
        await tab.press("j", "j")
        assert ["PropertiesUpdated"] * 2 == [await tab.value(CHOSEN), await tab.value(HEADING)]
        await tab.press("c")
        assert "UpdateUserData" == await tab.value(CHOSEN)
        await tab.press("c", "k")
        assert "UpdateUserData" == await tab.value(CHOSEN)
        await tab.press("s")
        assert "true" == await tab.value("document.getElementById('scale').getAttribute('aria-pressed')")
        assert await tab.value("document.querySelectorAll('text.tick').length") > 0
        light = await tab.value("getComputedStyle(document.body).backgroundColor")
        await tab.press("t")
        assert light != await tab.value("getComputedStyle(document.body).backgroundColor")
        await tab.press("/", *"dataupdate", "Escape")
        assert "3 events" == await tab.value(COUNT)

    visit(browser, on_page(tmp_path, shown(small())), act)


def test_timeline_is_filtered(browser: Browser, tmp_path: Path) -> None:
    """By words in any message of an event, by outcome, which its notifications share, and by operation."""
    played = load_cassette(SHIPPED / "update-wrong-server.yaml")

    async def act(tab: Tab) -> None:
        assert "7 events" == await tab.value(COUNT)
        await tab.press("/", *"xoeekub ", *"firstname")
        assert ["PropertiesUpdated", "GET /api/v2/me/facebooksessions"] == json.loads(await tab.value(ROWS))[-2:]
        await tab.press("Escape")
        await tab.value("document.querySelector('[data-level=failed]').click()")
        assert ["UpdateUserData", "PropertiesUpdated"] == json.loads(await tab.value(ROWS))
        await tab.value("operation.value = 'UpdateUserData'; operation.dispatchEvent(new Event('change'))")
        assert "1 of 7" == await tab.value(COUNT)
        await tab.press("/", *"zzz")
        assert not await tab.value("document.getElementById('none').hidden")

    visit(browser, on_page(tmp_path, shown(played)), act)


def test_verdicts_lead_to_their_timelines(browser: Browser, tmp_path: Path) -> None:
    """The failed one is first and shown; its button goes to the operation in the timeline of its cassette."""
    parts = [shown(load_cassette(SHIPPED / f"{name}.yaml")) for name in ("update", "update-wrong-server")]

    async def act(tab: Tab) -> None:
        assert "changed besides" in await tab.value("document.querySelector('#detail .reason').textContent")
        await tab.value("document.querySelector('#detail [data-part]').click()")
        assert "UpdateUserData" == await tab.value(CHOSEN)
        assert "1/0" == await tab.value("document.getElementById('recording').value")
        await tab.press("v")
        assert "2 entries" == await tab.value(COUNT)
        await tab.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
        assert 360 == await tab.value("document.querySelector('.row').clientWidth")

    visit(browser, on_page(tmp_path, *parts, first="Verdicts"), act)


def test_findings_show_both_recordings(browser: Browser, tmp_path: Path) -> None:
    """Exactly the key that differs is marked, with both values; each side has its timeline."""
    one, other = (load_cassette(SHIPPED / f"{name}.yaml") for name in ("update", "update-wrong-server"))
    findings = [each for each in diff(one, other) if not each.suppressed]
    parts = part_of_pair("one and other", one, other, findings)

    async def act(tab: Tab) -> None:
        await tab.press("j")
        assert ["FirstName"] == json.loads(await tab.value(MARKED))
        cells = "JSON.stringify([...document.querySelectorAll('#detail .marked td')].map(e => e.textContent))"
        assert ['"Vwggzdk"', '"Xoeekub*"'] == json.loads(await tab.value(cells))
        await tab.value("document.querySelector('#detail [data-side=\"1\"]').click()")
        assert "0/1" == await tab.value("document.getElementById('recording').value")
        assert "PropertiesUpdated" == await tab.value(CHOSEN)

    visit(browser, on_page(tmp_path, parts, first="Findings"), act)


def test_many_events_are_drawn_a_screen_at_a_time(browser: Browser, tmp_path: Path) -> None:
    """Few rows exist, whichever is in sight; on a narrow screen nothing scrolls sideways; all are printed."""
    moments = [moment for n in range(300) for moment in (update({"A": n}, began=n), push({"A": n}, seen=n + 0.5))]
    crowd = {"facebooksessions": [{"id": f"S{n}", "userData": {"A": -1}} for n in range(1, 60)]}
    played = cassette(exchange("GET", f"{SESSIONS}?fields=*", None, crowd, began=-1.0), *moments)

    async def act(tab: Tab) -> None:
        assert "601 events" == await tab.value(COUNT)
        await tab.press("j")
        await tab.value("move(5000)")
        assert ("PropertiesUpdated", "298", "299") == (
            await tab.value(CHOSEN),
            *json.loads(
                await tab.value("JSON.stringify([...document.querySelectorAll('.marked td')].map(e => e.textContent))")
            ),
        )
        assert 100 > await tab.value("document.querySelectorAll('.row').length")
        room = "board.list.clientWidth - document.querySelector('.row .what').getBoundingClientRect().right"
        assert 0 < await tab.value(room)
        await tab.send("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
        assert 360 == await tab.value("document.documentElement.scrollWidth")
        await tab.press("Enter")
        assert "block" == await tab.value("getComputedStyle(document.getElementById('detail')).display")
        await tab.value("dispatchEvent(new Event('beforeprint'))")
        assert 601 == await tab.value("document.querySelectorAll('.row').length")
        assert 300 == await tab.value("document.querySelectorAll('.changes').length")

    visit(browser, on_page(tmp_path, shown(played)), act)
