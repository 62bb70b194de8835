"""Baseline against candidate: nothing where nothing changed, every change with its operation, path and kind."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.comparison.finding import Finding, Kind, spelled
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.json_paths import NOTHING
from gws_replay.core.model import Cause, Exchange, Recording
from gws_replay.core.redaction.policy import Policy
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.sandbox.channels import CHANNELS
from gws_replay.sandbox.faults import FAULTS
from gws_replay.storage.files import load_cassette
from tests.support.builders import CAPTURES, JSON, Server, cassette, exchange, get, operation, push, steps, update
from tests.support.commands import captured
from tests.support.recordings import IDS, played, renamed, right, with_answer, with_data

BEFORE = {"A": 1, "B": "b"}
SHIPPED = sorted((Path(__file__).parents[3] / "cassettes").glob("*.yaml"))


def counted(found: Sequence[Finding]) -> list[Finding]:
    """The findings that are not suppressed."""
    return [each for each in found if not each.suppressed]


def gist(found: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """Operation, path and kind of what counts."""
    return [(each.operation, spelled(each.path), each.kind) for each in counted(found)]


def mirrored(found: Sequence[Finding]) -> list[Finding]:
    """The findings that the comparison the other way round must have."""
    turned: Mapping[str, tuple[Kind, Any]] = {"added": ("removed", "error"), "removed": ("added", "warning")}
    return [
        replace(
            each,
            before=each.after,
            after=each.before,
            place=each.place[::-1],
            kind=turned.get(each.kind, (each.kind, None))[0],
            severity=turned.get(each.kind, (None, each.severity))[1],
        )
        for each in found
    ]


def small(*, wrong: bool = False, ids: str = "S1") -> Cassette:
    """A look at a session, an update of A, its notification."""
    after = {**BEFORE, "A": 2, **({"B": "c"} if wrong else {})}
    return cassette(
        get(BEFORE, began=0.0, session=ids),
        update({"A": 2}, began=1.0, session=ids),
        push(after, seen=2.0, session=ids),
    )


def both_ways(one: Cassette, other: Cassette) -> tuple[Finding, ...]:
    """The findings, after it was seen that they mirror those the other way round."""
    found = diff(one, other)
    # A removed and an added exchange at the same place and time have no order that is the same from both sides.
    assert sorted(map(repr, mirrored(found))) == sorted(map(repr, diff(other, one)))
    return found


@pytest.mark.parametrize("name", CAPTURES)
def test_capture_is_as_itself(name: str) -> None:
    """A recording against itself has no finding, not even a suppressed one."""
    for suffix in (".flow", ".har"):
        played_once = captured(name, suffix).cassette
        assert () == diff(played_once, played_once)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_cassette_is_as_itself(path: Path) -> None:
    """A shipped file, loaded twice."""
    assert () == diff(load_cassette(path), load_cassette(path))


@pytest.mark.parametrize("name", [name for name in CAPTURES if name.endswith("update")])
def test_other_clients_and_transports_of_one_scenario_are_the_same(name: str) -> None:
    """Captures of three clients, two servers and two transports: the same operations, nothing to say."""
    assert () == both_ways(captured("longpoll-js-update").cassette, captured(name).cassette)
    assert () == both_ways(captured("longpoll-js-update").cassette, captured(name, ".har").cassette)


@pytest.mark.parametrize("kept", [100_000, 5])
def test_stand_ins_of_other_keys_are_the_same_people(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two recordings that were redacted with keys of their own, however few texts are kept: the people are the same."""
    monkeypatch.setattr("gws_replay.core.comparison.id_mapping._MOST_TEXTS", kept)
    runs = []
    for key in (b"one key", b"another key"):
        using = Redactor(Policy("all"), key)
        recording = using.recording(Recording(exchanges=tuple(right().interactions)))
        runs.append(compile_recording(recording, using.header).cassette)
    people = [json.dumps(each.interactions[0].response_json) for each in runs]
    assert people[0] != people[1]
    assert [] == counted(both_ways(*runs))


def test_stand_ins_of_one_key_are_other_people() -> None:
    """Who is in both is the same one in whatever order; who is in one of them is somebody else."""
    first, second, third = (
        replace(
            cassette(get({"A": people[0], "B": people[1]}, began=0.0)), header={"stand_ins": sorted(people)[::order]}
        )
        for people, order in (
            (("Aromaly1", "Khqplwq1"), 1),
            (("Aromaly1", "Khqplwq1"), -1),
            (("Zromaly1", "Khqplwq1"), -1),
        )
    )
    assert [] == counted(both_ways(first, second))
    assert ["value"] == [each.kind for each in counted(both_ways(first, third))]


@pytest.mark.parametrize("name", CHANNELS)
def test_another_run_of_the_same_build_is_the_same(name: str) -> None:
    """Other ids, another host and another pace are not a change, on every channel."""
    first = played(CHANNELS[name])
    again = renamed(first, {each: each[::-1] for each in IDS}, slower=1.5, host="other.example")
    assert [] == counted(both_ways(first, again))


@given(st.lists(steps(("UpdateUserData", "GET", "DeleteUserData"), sessions=("S1", "S2")), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_random_runs_are_as_themselves_under_other_ids(todo: list[Any]) -> None:
    """Whatever overlaps: the same run with other ids has nothing to say."""
    exchanges, notifications = Server(todo).run()
    first = cassette(*exchanges, *(each for each, _ in notifications))
    again = renamed(first, {"S1": "T7", "S2": "T8"})
    assert [] == counted(both_ways(first, again))


@pytest.mark.parametrize("name", ["extra-key", "partly-written", "misdirected", "refused-written"])
def test_wrong_server_differs_both_ways(name: str) -> None:
    """However much is wrong, what is found mirrors what the comparison the other way round finds."""
    found = counted(both_ways(right(), played(apply=FAULTS[name].apply)))
    assert {"error"} <= {each.severity for each in found}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_each_planted_change_of_userdata_is_found(data: st.DataObject) -> None:
    """One value of one notification changed to any other: exactly that key is found, with before and after."""
    index = data.draw(st.integers(0, len(right().notifications) - 1))
    shown = right().notifications[index].value["facebooksession"].get("userData")
    if not shown:
        return
    steady = [key for key in sorted(shown) if "TimeStamp" not in key and not key.startswith(("ChatServer", "_face"))]
    key = data.draw(st.sampled_from(steady))
    new = data.draw(JSON.filter(lambda value: json.dumps(value) != json.dumps(shown[key])))

    def plant(message: Any) -> None:
        message["facebooksession"]["userData"][key] = new

    found = [each for each in counted(diff(right(), with_data(right(), index, plant))) if each.kind != "verdict"]
    keys = {each.path[3] for each in found if "userData" in each.path}
    assert {key} == keys
    assert {(f"notification {index}",) * 2} == {each.place for each in found if "userData" in each.path}


Mutate = Callable[[Any], None]


def _put(name: str, value: Any) -> Mutate:
    return lambda message: message.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_put("statusCode", 5), ("UpdateUserData", "answer.body.statusCode", "value")),
        (_put("statusCode", "0"), ("UpdateUserData", "answer.body.statusCode", "type")),
        (_put("statusCode", None), ("UpdateUserData", "answer.body.statusCode", "type")),
        (_put("operationName", "x"), ("UpdateUserData", "answer.body.operationName", "added")),
        (lambda message: message.pop("statusCode"), ("UpdateUserData", "answer.body.statusCode", "removed")),
    ],
)
def test_change_of_a_response(change: Mutate, expected: tuple[str, str, str]) -> None:
    """Each kind of change has its name."""
    assert expected in gist(both_ways(small(), with_answer(small(), 1, change)))


def test_value_that_the_server_changed_besides() -> None:
    """The finding names operation, session, path, values and places; the verdict has a finding too."""
    verdict, value = counted(both_ways(small(), small(wrong=True)))
    assert ("UpdateUserData", "verdict", "passed") == (verdict.operation, verdict.kind, verdict.before)
    assert 'failed; changed besides: B: "b" -> "c"' == verdict.after
    assert ("UpdateUserData", "S1", "b", "c") == (value.operation, value.resource, value.before, value.after)
    assert "notification PropertiesUpdated.facebooksession.userData.B" == spelled(value.path)
    assert ("notification 0", "notification 0") == value.place


def test_changed_value_is_reported_once() -> None:
    """Later messages that show it again are counted, and do not count."""
    runs = [
        cassette(
            *(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": value}, seen=2.0)),
            *(get({"A": 2, "B": value}, began=3.0), get({"A": 2, "B": value}, began=4.0)),
        )
        for value in ("b", "c")
    ]
    found = [each for each in both_ways(*runs) if each.kind == "value"]
    assert ["", "shown before", "shown before"] == [each.suppressed for each in found]


def test_what_only_one_recording_asks() -> None:
    """A question more or less is found as such, and does not shift the others."""
    more = cassette(
        get(BEFORE, began=0.0),
        exchange("GET", "/api/v2/me", None, {"statusCode": 0}, began=0.5),
        get(BEFORE, began=3.0),
    )
    less = cassette(get(BEFORE, began=0.0), get(BEFORE, began=3.0))
    (found,) = both_ways(more, less)
    assert ("removed", "GET /api/v2/me", ("interaction 1", None)) == (found.kind, found.operation, found.place)
    assert NOTHING is found.after


def test_changed_request_is_found() -> None:
    """A change of the client is found in its request; its effects at the server are not reported again."""
    runs = [
        cassette(get(BEFORE, began=0.0), update({"A": value}, began=1.0), push({**BEFORE, "A": value}, seen=2.0))
        for value in (2, 3)
    ]
    assert [("UpdateUserData", "request.body.userData.A", "value")] == gist(both_ways(*runs))


def test_notification_that_is_missing() -> None:
    """It is found under the operation that caused it."""
    silent = replace(small(), notifications=())
    assert ("UpdateUserData", "notification PropertiesUpdated", "removed") in gist(both_ways(small(), silent))


def test_another_cause() -> None:
    """The same notification, now without a cause."""
    unsolicited = replace(small(), notifications=(replace(small().notifications[0], cause=None),))
    found = gist(both_ways(small(), unsolicited))
    assert ("UpdateUserData", "notification PropertiesUpdated.cause", "cause") in found


def _two(first: float, second: float, *, lasting: float = 0.1) -> Cassette:
    return cassette(
        operation("Accept", began=first, ended=first + lasting, nickname="a"),
        exchange("GET", "/api/v2/me", None, {"statusCode": 0}, began=second, ended=second + lasting),
    )


def test_order_of_what_followed_each_other() -> None:
    """Two exchanges the other way round are one finding, whichever is the baseline."""
    (found,) = both_ways(_two(0.0, 1.0), _two(1.0, 0.0))
    assert "order" == found.kind
    assert {"Accept S1 then GET /api/v2/me", "GET /api/v2/me then Accept S1"} == {found.before, found.after}


def test_order_of_what_overlapped_is_chance() -> None:
    """Requests that were on their way together have no order."""
    assert () == both_ways(_two(0.0, 1.0, lasting=2.0), _two(1.0, 0.0, lasting=2.0))


def test_updates_the_other_way_round_are_an_order() -> None:
    """Two operations of one session with different bodies are recognised by them."""
    runs = [
        cassette(operation("SendMessage", began=a, text="one"), operation("SendMessage", began=b, text="two"))
        for a, b in ((0.0, 1.0), (1.0, 0.0))
    ]
    assert ["order"] == [each.kind for each in both_ways(*runs)]


def test_slow_response_is_reported_as_information() -> None:
    """Three times longer, and by more than a second."""
    slow = cassette(update({"A": 2}, began=1.0, ended=5.0))
    (found,) = both_ways(cassette(update({"A": 2}, began=1.0)), slow)
    assert ("timing", "info", 0.1, 4.0) == (found.kind, found.severity, found.before, found.after)


def test_volatile_attributes() -> None:
    """Another clock is suppressed, but a clock that is gone is not; a key that an operation writes never is."""

    def run(stamp: Any, **written: Any) -> Cassette:
        shown = {**BEFORE, **written, **({"LCATimeStamp_x": stamp} if stamp else {})}
        return cassette(update(written or {"A": 1}, began=1.0), push(shown, seen=2.0))

    assert ["volatile"] == [each.suppressed for each in both_ways(run("1"), run("2"))]
    assert ["removed"] == [each.kind for each in counted(both_ways(run("1"), run(None)))]
    named = both_ways(run("1", Header_Date="a"), run("1", Header_Date="b"))
    assert "request.body.userData.Header_Date" == spelled(counted(named)[0].path)


def test_short_ids_are_aliased_where_ids_stand_only() -> None:
    """Session 1 against session 2, while a value "1" stays what it is."""
    runs = [
        cassette(get({"Priority": "1"}, began=0.0, session=name), update({"A": "1"}, began=1.0, session=name))
        for name in ("1", "2")
    ]
    assert () == both_ways(*runs)
    other = cassette(get({"Priority": "2"}, began=0.0, session="2"), update({"A": "1"}, began=1.0, session="2"))
    assert ["value"] == [each.kind for each in both_ways(runs[0], other)]


def test_severity_of_a_kind_can_be_set() -> None:
    """By a table that overrides ours."""
    found = diff(small(), small(wrong=True), severity={"value": "info"})
    assert {"value": "info", "verdict": "error"} == {each.kind: each.severity for each in found}


def test_exchanges_recorded_in_any_order_are_found_again() -> None:
    """Shuffled overlapping GETs of fifty paths pair by path."""
    shuffled = list(range(50))
    random.Random(5).shuffle(shuffled)

    def run(order: Sequence[int]) -> Cassette:
        def one(place: int, number: int) -> Exchange:
            return exchange("GET", f"/api/v2/me/{number}", None, {"n": number}, began=place / 100, ended=9.0)

        return cassette(*(one(place, number) for place, number in enumerate(order)))

    assert () == both_ways(run(range(50)), run(shuffled))


@given(*(st.lists(st.sampled_from([1, 2, 3]), max_size=7) for _ in range(2)))
@settings(max_examples=80, deadline=None)
def test_whichever_is_the_baseline(one: list[int], other: list[int]) -> None:
    """Findings are mirrored however the answers to one question are interleaved."""
    runs = [cassette(*(get({"A": value}, began=float(n)) for n, value in enumerate(each))) for each in (one, other)]
    both_ways(*runs)


def test_wrong_values_do_not_mix_up_notifications() -> None:
    """A server that does not write a value makes causes uncertain; notifications still keep their order."""
    found = counted(diff(right(), played(apply=FAULTS["partly-written"].apply)))
    places = {each.place for each in found if str(each.place[0]).startswith("notification")}
    assert all(baseline == candidate for baseline, candidate in places)


def test_notifications_that_overtook_each_other_are_paired_by_cause() -> None:
    """Two operations that overlap, each notified; in the candidate in the opposite order, with another X."""

    def run(first: int, second: int, x: int) -> Cassette:
        sent = [update({"A": 1}, began=0.0, ended=5.0), update({"B": 1}, began=0.1, ended=5.0)]
        shown = [{"A": 1, "X": x}, {"B": 1, "X": x}]
        pushes = [
            replace(push(shown[which], seen=6.0 + n), cause=Cause(interaction=which, rule="pin", after="response"))
            for n, which in enumerate((first, second))
        ]
        return cassette(*sent, *pushes, attributed=False)

    found = counted(both_ways(run(0, 1, 5), run(1, 0, 6)))
    assert {"X"} == {each.path[-1] for each in found}
    assert {("notification 0", "notification 1"), ("notification 1", "notification 0")} >= {
        each.place for each in found
    }


def of_users(names: Sequence[str | None], *, reordered: bool = False) -> Cassette:
    """A recording of two agents who send the same, and see different data; or the second one first."""
    order = (1, 0) if reordered else (0, 1)
    moments: list[Exchange] = []
    for place, user in enumerate(order):
        data = {"Of": f"agent {user}"}
        moments += [
            replace(get(data, began=place), user=place),
            replace(update({"A": user}, began=place + 2), user=place),
        ]
    header = {"format": 1, "users": [{"name": names[user]} if names[user] else {} for user in order]}
    return replace(cassette(*moments), header=header)


@pytest.mark.parametrize("names", [["<user-1>", "<user-2>"], ["<user-1>", None]])
def test_exchanges_are_paired_by_user(names: list[str | None]) -> None:
    """By name, whoever came first; a user without a name is the one that is left."""
    assert {"order"} >= {each.kind for each in diff(of_users(names), of_users(names, reordered=True))}


def test_users_without_names_are_paired_in_order() -> None:
    """The first of one recording is the first of the other."""
    assert () == diff(of_users([None, None]), of_users([None, None]))
    found = diff(of_users([None, None]), of_users([None, None], reordered=True))
    assert {"value"} == {each.kind for each in found}


def test_recording_of_one_user_is_compared_with_one_of_several() -> None:
    """Then users do not count."""
    one = replace(of_users([None, None]), header={"format": 1})
    one = replace(one, interactions=tuple(replace(each, user=0) for each in one.interactions))
    assert () == diff(one, of_users(["<user-1>", "<user-2>"]))
