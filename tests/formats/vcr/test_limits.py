"""Cassettes made to be too much: nested or repeated without end, tags that would run code, values of 100 MB."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.builders import cassette, exchange, push
from tests.support.proxies import environment

DEEP = 100_000
HEAD = "version: 1\ninteractions:\n- request: {method: GET, uri: 'http://h/', headers: {}}\n  response:\n"
STATUS = "    status: {code: 200, message: OK}\n    headers: {}\n    body:\n      string: "
FORMS = {"flow": "[" * DEEP, "dashes": "- " * DEEP, "keys": "? " * DEEP, "mappings": "{a: " * DEEP}


@pytest.mark.parametrize("deep", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("before", ["", "interactions:\n- ", HEAD + STATUS], ids=["file", "item", "body"])
def test_what_is_nested_too_deep_is_refused(deep: str, before: str, tmp_path: Path) -> None:
    """By a sentence: libYAML's composer would end the process."""
    path = tmp_path / "a.yaml"
    path.write_text(f"{before}\n        {deep}\n" if before else deep)
    with pytest.raises(
        CassetteError, match=r"a\.yaml.* is not YAML \(.*\): is it torn, no cassette, or written by a custom"
    ):
        load_cassette(path)


def test_an_item_of_ours_is_refused_as_well(tmp_path: Path) -> None:
    """The quick way parses an item that looks different by the same parser."""
    path = tmp_path / "a.yaml"
    save_cassette(cassette(exchange()), path)
    path.write_text(path.read_text().replace("method: GET", f"method: {'[' * DEEP}"))
    with pytest.raises(CassetteError, match="is not YAML"):
        load_cassette(path)


def test_what_json_can_nest_a_recorded_body_can(tmp_path: Path) -> None:
    """vcrpy writes a body that aiohttp was given as a value so."""
    path = tmp_path / "a.yaml"
    nested = "[" * 60 + "1" + "]" * 60
    path.write_text(f"{HEAD}{STATUS}x\n".replace("headers: {}", f"headers: {{}}, body: {nested}", 1))
    assert nested == "".join(load_cassette(path).interactions[0].request.body.decode().split())


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
ANSWER = "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}\n"
REQUEST = "interactions:\n- request: {method: GET, uri: 'http://h/', "
BOMBS = {
    "body": f"{LAUGHS}version: 1\n{REQUEST}headers: {{}}, body: *a9}}\n{ANSWER}",
    "header": f"{LAUGHS}version: 1\n{REQUEST}headers: {{A: *a9}}}}\n{ANSWER}",
    "interactions": f"{LAUGHS}version: 1\ninteractions: *a9\n",
}


def small(load: Callable[[], object]) -> None:
    """What is done takes little time and memory."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    load()
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_aliases_that_stand_for_more_than_the_memory_holds_are_refused(bomb: str, tmp_path: Path) -> None:
    """Ten thousand million values in a kilobyte."""
    path = tmp_path / "a.yaml"
    path.write_text(bomb)

    def refused() -> None:
        with pytest.raises(CassetteError, match=r"a\.yaml, interaction 0"):
            load_cassette(path)

    small(refused)


def test_merges_of_merges_cost_nothing(tmp_path: Path) -> None:
    """They come to one key."""
    path = tmp_path / "a.yaml"
    path.write_text(f"{MERGES}version: 1\ninteractions: []\nmore: *a9\n")
    small(lambda: load_cassette(path))


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {}']",
        "!!python/object/new:subprocess.Popen [['touch', '{}']]",
        "!!python/name:os.system",
        '!!python/object/apply:builtins.eval [\'open("{}", "w")\']',
        "!!python/object/new:_io.BytesIO {{state: !!python/object/apply:os.system ['touch {}']}}",
    ],
)
def test_no_tag_runs_code(value: str, tmp_path: Path) -> None:
    """But for the three in which vcrpy writes bodies, tags are refused."""
    path = tmp_path / "a.yaml"
    path.write_text(f"{HEAD}{STATUS}{value.format(tmp_path / 'run')}\n")
    with pytest.raises(CassetteError, match=r"is not YAML \(could not determine a constructor"):
        load_cassette(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!bool maybe", "a value is not what its tag says"),
        ("a: !!timestamp x", "a value is not what its tag says"),
        ("a: !!float ''", "a value is not what its tag says"),
        ("a: 2001-13-45", "a value is not what its tag says"),
        (f"a: {'9' * 5000}", "a value is not what its tag says"),
        ("? [a]\n: b", "found unhashable key"),
        ("a: &x b\nc: &x d", "second occurrence"),
        ("a: &x [b]\nc: &x {d: e}", "second occurrence"),
    ],
)
def test_a_value_that_is_not_what_it_says_is_refused(text: str, message: str) -> None:
    """PyYAML stumbles over some with errors of its own."""
    with pytest.raises(CassetteError, match=message):
        vcr_yaml.load(text, "a.yaml")


@pytest.mark.parametrize("place", ['"uri": "http://h/%s"', '"headers": {"A": ["%s"]}', '"body": "%s"'])
def test_half_a_surrogate_pair_is_refused(place: str) -> None:
    """JSON can spell it, and no cassette could be written of it."""
    text = '{"version": 1, "interactions": [{"request": {"method": "GET", %s}}]}' % (place % "\\ud83d")
    with pytest.raises(CassetteError, match=r"a\.json is not JSON \(half of a surrogate pair"):
        vcr_yaml.load(text, "a.json", as_json=True)


SHOW = """
import resource, sys
from gws_replay.cli import group
group.main(["show", sys.argv[1]], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.skipif("GWS_REPLAY_HUGE" not in os.environ, reason="takes seconds: GWS_REPLAY_HUGE=1 or make fuzz")
def test_a_value_of_100_mb_is_loaded_and_shown_cut(tmp_path: Path) -> None:
    """In the time and the memory of a few copies of it."""
    value = "x y " * 25_000_000
    path = tmp_path / "a.yaml"
    save_cassette(cassette(push({"Small": 1}, seen=0), push({"Huge": value, "Small": 1}, seen=1)), path)
    began = time.monotonic()
    command = [sys.executable, "-c", SHOW, str(path)]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True, timeout=900)
    print(f"{time.monotonic() - began:.1f} s, {done.stderr.strip()} MB")
    assert len(done.stdout) < 10_000
    assert "Huge" in done.stdout
    assert int(done.stderr) < 1000
    assert value == load_cassette(path).notifications[1].value["facebooksession"]["userData"]["Huge"]
