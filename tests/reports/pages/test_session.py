"""The page of a session, read as a browser reads it."""

import base64
import hashlib
import re
from contextlib import suppress

import pytest

from gws_replay.core.model import Request
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.reports.format import Part
from gws_replay.reports.pages import session as html
from gws_replay.reports.pages.cassettes import around, page
from tests.reports.pages.pages import Parsed, block_of, ran, written
from tests.support.builders import cassette, get, push, update
from tests.support.commands import small
from tests.support.playbacks import ask

EVIL = "</script></style><img src=x onerror=alert(1)><script>alert(2)</script>&amp;\"'"


def evil() -> ReplayRun:
    """A run whose every value wants to run."""
    played = cassette(
        get({EVIL: EVIL, "A": 1}, began=0.0, session="S1"),
        update({"A": EVIL}, began=1.0),
        push({EVIL: "x", "A": EVIL}, seen=2.0, kind=EVIL),
        update({"A": 3}, began=3.0, session=EVIL.replace("/", "|")),
    )
    playback = ReplayRun(played.named(EVIL))
    ask(playback, 0)
    ask(playback, 1)
    with suppress(ReplayMiss):
        ask(playback, 1, body=f'{{"operationName": "UpdateUserData", "userData": {{"A": "{EVIL[:30]}"}}}}'.encode())
    with suppress(ReplayMiss):
        playback.respond(Request(method=EVIL, uri=f"http://gws.example/{EVIL}"))
    playback.blocked.append(EVIL)
    return playback


def hostile() -> str:
    return written(ran(f"{EVIL}::{EVIL}[{EVIL}]", evil(), cassette=EVIL, recorded=EVIL))


def test_recorded_text_is_never_markup() -> None:
    """Whatever stands in a path, a key, a value, a name: it is text or data; there is one script and no picture."""
    parsed = Parsed(hostile())
    tags = [name for name, attributes in parsed.elements if attributes.get("type") != "application/json"]
    assert (1, 1, 0) == (tags.count("script"), tags.count("style"), tags.count("img"))
    assert 12 < sum(text.count("<img src=x onerror=alert(1)>") for text in parsed.texts)
    assert [] == [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]


def test_policy_allows_only_the_pages_own_script_and_style() -> None:
    """Nothing by default, no address at all, script and style by hash, and no style beside it."""
    parsed = Parsed(hostile())
    framed = Parsed("".join(around("the run")))
    hashes = {
        name: " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(each.inside[name].encode()).digest()).decode()}'"
            for each in (parsed, framed)
        )
        for name in ("style", "script")
    }
    assert {
        "default-src 'none'",
        f"style-src {hashes['style']}",
        f"script-src {hashes['script']}",
        "base-uri 'none'",
        "form-action 'none'",
    } == set(parsed.policy.split("; "))
    forbidden = {"src", "href", "style", "action", "srcset"}
    assert [] == [name for _, attributes in parsed.elements for name in attributes if name in forbidden]
    assert not re.search(r"https?:|//\w|url\(|@import|fetch|XMLHttp", "".join(parsed.inside.values()))


def test_a_timeline_is_the_page_that_show_writes() -> None:
    """The same drawing code, which the page holds once, around the data of each run."""
    content = hostile()
    before, after = block_of(content, "around")
    shown = re.search(r'id="timeline0">(.*?)</script>', content)
    assert shown
    assert "<" not in shown[1]
    whole = page([Part(name="the run", sides=("",), block=shown[1])], "")
    assert "".join(whole) == f"{before}{shown[1]}{after}"


def test_timelines_are_left_out_if_the_page_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed has its own first; the list of what happened is there in any case."""
    tests = [ran("a::one", evil()), ran("a::two", evil(), outcome="failed")]
    monkeypatch.setattr(html, "_ROOM", len(tests[1]["timeline"]) + 1)
    parsed = Parsed(written(*tests))
    assert 2 == len(parsed.of_class("events"))
    (button,) = parsed.of_class("draw")
    assert "0" == button["data-timeline"]


def test_policy_precedes_style_and_scripts() -> None:
    """A browser applies it from there on."""
    assert ["html", "head", "meta", "meta"] == [name for name, _ in Parsed(written()).elements][:4]
    assert "http-equiv" in Parsed(written()).elements[3][1]


@pytest.mark.parametrize("text", ["\x1b", "\x00", "\ud800", "\u202e"])
def test_control_characters_are_escaped(text: str) -> None:
    """The page is UTF-8, and no text runs the other way."""
    content = written(ran(f"a.py::test[{text}]", recorded=text))
    assert text not in content
    assert f"\\u{ord(text):04x}".encode() in content.encode()


def test_failed_tests_come_first_and_are_open() -> None:
    """The rest is as it ran, and folded."""
    outcomes = ("passed", "failed", "skipped", "error", "xfailed", "xpassed")
    tests = [ran(f"a.py::test_{outcome}", outcome=outcome) for outcome in outcomes]
    found = Parsed(written(*tests)).of_class("test")
    assert ["failed", "error", "passed", "skipped", "xfailed", "xpassed"] == [each["data-outcome"] for each in found]
    assert [True, True, False, False, False, False] == ["open" in each for each in found]


def test_test_shows_changes_misses_and_unplayed() -> None:
    """userData before and after, exactly the keys that changed; the difference of a miss; what happened."""
    played = cassette(
        get({"A": 1, "B": "b", "C": 0}, began=0.0),
        update({"A": 2}, began=1.0),
        push({"A": 2, "C": 0, "D": None}, seen=2.0),
        update({"A": 9}, began=3.0),
    )
    playback = ReplayRun(played.named("cassettes/small.yaml"))
    ask(playback, 0)
    ask(playback, 1)
    with suppress(ReplayMiss):
        ask(playback, 1)
    texts = Parsed(written(ran(playback=playback, outcome="failed"))).texts
    rest = texts[texts.index("key") :]
    assert ["key", "before", "after", "A", "1", "2", "B", '"b"', "absent", "D", "absent", "null"] == rest[:12]
    assert "1 other key as before" == rest[12]
    assert 'changed besides: B: removed, was "b"' in texts
    assert ["part", "sent", "recorded"] not in [texts[at : at + 3] for at in range(len(texts))]
    assert "It was recorded as interaction 1." in texts
    assert "interaction 2: POST /api/v2/me/facebooksessions/S1 UpdateUserData" in texts
    assert ["→", "UpdateUserData S1", "statusCode 0", "interaction 1"] in [
        texts[at : at + 4] for at in range(len(texts))
    ]


def test_a_miss_shows_only_the_parts_that_differ() -> None:
    """Sent and recorded, beside each other."""
    playback = ReplayRun(small())
    with suppress(ReplayMiss):
        ask(playback, 1, body=b'{"operationName": "UpdateUserData", "userData": {"A": 7}}')
    texts = Parsed(written(ran(playback=playback))).texts
    at = texts.index("nearest: interaction 1")
    assert ["part", "sent", "recorded", "body.userData.A", "7", "2"] == texts[at + 1 : at + 7]


@pytest.mark.parametrize(
    ("outcomes", "title"),
    [(("passed", "passed"), "2 tests · gws_replay"), (("failed", "error", "passed"), "2 of 3 failed · gws_replay")],
)
def test_title_and_header_show_the_outcomes(outcomes: tuple[str, ...], title: str) -> None:
    """The figures are the sums."""
    counts = {"played": 700, "missed": 1, "unplayed": 0, "undelivered": 0, "stopped": 0, "live": 0}
    texts = Parsed(written(*(ran(f"t{n}", outcome=each, counts=counts) for n, each in enumerate(outcomes)))).texts
    assert title == texts[0]
    assert texts[texts.index("played") + 1] == f"{700 * len(outcomes):,}"
    assert "2026-01-02 03:04 UTC" in texts


def test_a_session_without_marked_tests_says_so() -> None:
    """It is a page all the same."""
    parsed = Parsed(written())
    assert "No test with a cassette ran." in parsed.texts
    assert "hidden" not in parsed.of_class("none")[0]


def test_a_parameter_does_not_hide_the_name() -> None:
    """Colons in an id belong to the parameter."""
    texts = Parsed(written(ran("tests/a.py::TestIt::test_it[x::y]"))).texts
    at = texts.index("test_it[x::y]")
    assert "tests/a.py::TestIt" == texts[at + 1]
