"""Replay of a redacted cassette: the client's own values replace the recorded ones for the rest of the run."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, Request
from gws_replay.core.oracle.history import history
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.miss import Miss
from tests.support.builders import CAPTURES, SESSIONS, cassette, exchange, get, growth, operation, push, update
from tests.support.commands import captured
from tests.support.redactors import redactor
from tests.support.user_sessions import session_of

NAME, OTHER, ID = "Vitaliy Onv", "Kristi Sippola", "0002DaAVKJ0V0095"


def redacted(*moments: Exchange | Notification) -> Cassette:
    """The cassette of a recording, redacted."""
    return redactor().cassette(cassette(*moments)).named("some.yaml")


class Client:
    """Sends requests to a cassette, and keeps what it receives."""

    def __init__(self, played: Cassette) -> None:
        self.played = played
        self.begin()

    def due(self) -> list[int]:
        """Take the notifications that are due, by index."""
        outlet = self.session.roles[0].outlet
        return [outlet.popleft()[1] for _ in range(len(outlet))]

    def begin(self) -> None:
        """Begin a run."""
        self.session = session_of(self.played)
        self.replay = self.session.roles[0].progress

    def send(self, live: Exchange) -> Any:
        """The body of the response, or None for a miss."""
        found = self.session.play(live.request, 0.0)
        if isinstance(found, Miss):
            return None
        self.session.responded(found, 0.0)
        return json.loads(found.response.body)

    def pushes(self) -> list[Any]:
        """The notifications that are due."""
        return [json.loads(self.replay.run.data(index)) for index in self.due()]

    def miss(self) -> str:
        """The last miss."""
        return str(self.session.misses[-1])


def shown(data: Any) -> Any:
    """The userData of a notification."""
    return data["facebooksession"]["userData"]


STATE = {"FirstName": NAME, "Account": "x", "AccountNumber": 4711}


def changing(name: str) -> tuple[Exchange | Notification, ...]:
    """A GET, an update of the name, its notification and a GET that shows it."""
    after = {**STATE, "FirstName": name}
    return (
        get(STATE, began=0),
        update({"FirstName": name}, began=1),
        push({**after, "Note": f"now {name}"}, seen=1.5),
        get(after, began=3),
    )


def test_the_client_sees_the_value_that_it_sent() -> None:
    """In the notification, in the GET after it, and in text around it."""
    client = Client(redacted(*changing(OTHER)))
    assert NAME not in str(client.send(get({}, began=0)))
    assert {"statusCode": 0} == client.send(update({"FirstName": "Peter Live"}, began=0))
    (data,) = client.pushes()
    assert ("Peter Live", "now Peter Live") == (shown(data)["FirstName"], shown(data)["Note"])
    assert "Peter Live" == client.send(get({}, began=0))["facebooksessions"][0]["userData"]["FirstName"]


def test_the_oracle_sees_it_too() -> None:
    """Snapshots of the run hold the live value, with its own type."""
    client = Client(redacted(get(STATE, began=0), update({"AccountNumber": 99}, began=1),
                             push({**STATE, "AccountNumber": 99}, seen=1.5)))  # fmt: skip
    client.send(get({}, began=0))
    assert client.send(update({"AccountNumber": 123456}, began=0))
    assert [None, 123456] == [
        value if (value := each.data["AccountNumber"]) == 123456 else None for each in client.replay.snapshots
    ]


@pytest.mark.parametrize("live", [17, True, None, ["Peter"], {"a": "Peter"}, ""])
def test_stand_in_of_a_string_matches_only_strings(live: Any) -> None:
    """An empty string is one."""
    client = Client(redacted(*changing(OTHER)))
    assert (live == "") == (client.send(update({"FirstName": live}, began=0)) is not None)


def test_values_without_a_stand_in_must_be_equal() -> None:
    """And no key may be missing or added."""
    client = Client(redacted(get(STATE, began=0), update({"FirstName": OTHER, "Account": "y"}, began=1)))
    for wrong in ({"FirstName": "P", "Account": "z"}, {"FirstName": "P"}, {"FirstName": "P", "Account": "y", "B": 1}):
        assert client.send(update(wrong, began=0)) is None
    assert client.send(update({"Account": "y", "FirstName": "P"}, began=0))


def test_two_live_values_are_not_bound_to_one_stand_in_nor_one_to_two() -> None:
    """Recorded twice the same, sent differently; recorded differently, sent twice the same."""
    same = Client(redacted(update({"FirstName": OTHER}, began=0), operation("AddComment", comment=OTHER, began=1)))
    assert same.send(update({"FirstName": "Peter"}, began=0))
    assert same.send(operation("AddComment", comment="Paul", began=0)) is None
    assert "personal data: sent other values than before in this run" in same.miss()
    assert same.send(operation("AddComment", comment="Peter", began=0))
    different = Client(redacted(update({"FirstName": OTHER}, began=0), update({"FirstName": NAME}, began=1)))
    assert different.send(update({"FirstName": "Peter"}, began=0))
    assert different.send(update({"FirstName": "Peter"}, began=0)) is None
    assert different.send(update({"FirstName": "Paul"}, began=0))


def test_stand_in_matches_itself() -> None:
    """A client may send back a stand-in that it received."""
    played = redacted(get(STATE, began=0), update({"LastName": NAME}, began=1), update({"LastName": OTHER}, began=2))
    client = Client(played)
    seen = client.send(get({}, began=0))["facebooksessions"][0]["userData"]["FirstName"]
    assert client.send(update({"LastName": seen}, began=0))
    assert client.send(update({"LastName": "Peter"}, began=0))
    assert [1, 2] == sorted(client.replay.run.traffic.sent.keys() - {0})


def test_personal_data_in_a_text_count_too() -> None:
    """The text around them must be equal."""
    client = Client(redacted(update({"Note": "mail to v.onv@genesyslab.de, please"}, began=0)))
    assert client.send(update({"Note": "mail to peter@live.corp.com"}, began=0)) is None
    assert client.send(update({"Note": "mail to peter@live.corp.com, please"}, began=0))


def test_in_paths_and_queries() -> None:
    """Percent-encoded, and shown in the response."""
    reply = {"firstName": NAME, "uri": "http://h/api/v2/contacts/Vitaliy%20Onv"}
    client = Client(redacted(exchange("GET", "/api/v2/contacts/Vitaliy%20Onv?to=Kristi+Sippola", None, reply)))
    live = exchange("GET", "/api/v2/contacts/Peter%20L%C3%B6w?to=x%26y").request
    assert isinstance(client.session.play(live, 0.0), Send)
    again = client.session.play(live, 0.0)
    assert isinstance(again, Send)
    assert {"firstName": "Peter Löw", "uri": "http://h/api/v2/contacts/Peter%20L%C3%B6w"} == json.loads(
        again.response.body
    )


def test_a_short_name_that_is_searched_for() -> None:
    """A parameter that names a person counts as their name, however short."""
    client = Client(redacted(exchange("GET", "/api/v2/contacts?name=Ann", None, {"firstName": "Ann"})))
    assert {"firstName": "Bob"} == client.send(exchange("GET", "/api/v2/contacts?name=Bob"))


def test_a_test_may_use_the_id_of_its_own_session() -> None:
    """From then on it is in responses and notifications; the recorded id still matches itself."""
    played = redacted(
        get(STATE, began=0, session=ID),
        update({"A": 1}, began=1, session=ID),
        push({**STATE, "A": 1}, seen=1.5, session=ID, uri=f"http://h/api/v2/facebooksessions/{ID}"),
        update({"A": 2}, began=2, session=ID),
    )
    client = Client(played)
    assert client.send(update({"A": 1}, began=0, session="0009OWNSESSION01"))
    (data,) = client.pushes()
    resource = data["facebooksession"]
    own = "0009OWNSESSION01"
    assert (own, f"http://h/api/v2/facebooksessions/{own}") == (resource["id"], resource["uri"])
    assert client.send(update({"A": 2}, began=0, session="0009OTHER0000001")) is None
    assert client.send(update({"A": 2}, began=0, session="0009OWNSESSION01"))
    assert client.send(get({}, began=0))["facebooksessions"][0]["id"] == "0009OWNSESSION01"
    recorded = Client(played)
    assert recorded.send(update({"A": 1}, began=0, session=ID))
    assert recorded.send(update({"A": 2}, began=0, session=ID))


def test_two_sessions_are_not_mixed_up() -> None:
    """Each live id is bound to one recorded id."""
    played = redacted(update({"A": 1}, began=0, session=ID), update({"A": 1}, began=1, session="0002DaAVKJ0V0097"))
    client = Client(played)
    for own in ("0009OWNSESSION01", "0009OWNSESSION02"):
        assert client.send(update({"A": 1}, began=0, session=own))
    assert client.send(update({"A": 1}, began=0, session="0009OWNSESSION03")) is None


def test_unredacted_cassette_has_no_wildcards() -> None:
    """Whatever its values look like."""
    raw = cassette(*changing(OTHER))
    for header in ({}, {"redaction": "secrets"}, {"redaction": "none"}):
        client = Client(Cassette(interactions=raw.interactions, notifications=raw.notifications, header=header))
        assert client.send(update({"FirstName": "Peter"}, began=0)) is None
        assert client.send(update({"FirstName": OTHER}, began=0, session="S2")) is None


def test_miss_shows_no_personal_value() -> None:
    """Neither a live nor a recorded one: only the path of the difference is shown."""
    client = Client(redacted(update({"FirstName": OTHER, "A": 1, "Note": "x"}, began=0)))
    live = {"FirstName": "Peter Live", "A": 2, "Note": "call +49 30 1234567"}
    assert client.send(update(live, began=0)) is None
    message = client.miss()
    assert "body.userData.A: sent 2, recorded 1" in message
    assert not [secret for secret in ("Peter", "1234567", OTHER, "FirstName") if secret in message]


def test_new_run_has_no_bindings() -> None:
    """Bindings end with the run."""
    client = Client(redacted(*changing(OTHER)))
    assert client.send(update({"FirstName": "Peter"}, began=0))
    client.begin()
    assert client.send(update({"FirstName": "Paul"}, began=0))
    assert "Paul" == shown(client.pushes()[0])["FirstName"]


PEOPLE = st.sampled_from(["Vitaliy Onv", "Kristi Sippola", "Onv", "Bo", "v.onv@genesyslab.de", "+49 30 1234567"])
WROTE = st.dictionaries(st.sampled_from(["FirstName", "LastName", "Note", "A"]), PEOPLE, min_size=1)
WRITES = st.lists(WROTE, min_size=1, max_size=5)


@settings(max_examples=40)
@given(WRITES)
def test_raw_and_redacted_show_the_same_events(writes: list[Mapping[str, str]]) -> None:
    """A client that sends the recorded values sees the same notifications and userData as with the raw cassette."""
    state: dict[str, Any] = {"FirstName": "Zoe Zorn", "Account": 1}
    moments: list[Exchange | Notification] = [get(state, began=0)]
    for number, wrote in enumerate(writes, 1):
        state = {**state, **wrote}
        moments += [update(wrote, began=number), push(state, seen=number + 0.5, reference=number)]
    raw = cassette(*moments)
    runs = [Client(raw), Client(redactor().cassette(raw))]
    seen: list[list[Any]] = [[], []]
    for wrote in writes:
        for events, client in zip(seen, runs, strict=True):
            assert client.send(update(wrote, began=0)) == {"statusCode": 0}
            events += [{key: shown(data)[key] for key in wrote} for data in client.pushes()]
    assert seen[0] == seen[1]
    assert [sorted(each.data) for each in runs[0].replay.snapshots] == [
        sorted(each.data) for each in runs[1].replay.snapshots
    ]
    assert history(raw).keys() == {each.resource_id for each in runs[1].replay.snapshots}


FEW = st.dictionaries(
    st.sampled_from(["FirstName", "LastName"]), st.sampled_from(["Vitaliy Onv", "Kristi Sippola"]), min_size=1
)


@settings(max_examples=60)
@given(st.lists(FEW, min_size=2, max_size=4), st.data())
def test_literal_value_is_bound_as_soon_as_it_counts(writes: list[Mapping[str, str]], data: st.DataObject) -> None:
    """Reading the bindings after each request changes no response and no notification."""
    state: dict[str, Any] = {"FirstName": "Zoe Zorn"}
    moments: list[Exchange | Notification] = [get(state, began=0)]
    for number, wrote in enumerate(writes, 1):
        state = {**state, **wrote}
        moments += [update(wrote, began=number), push(state, seen=number + 0.5, reference=number)]
    raw = cassette(*moments)
    played = redactor().cassette(raw)
    late, soon = Client(played), Client(played)
    for number in data.draw(st.permutations(range(1, len(raw.interactions)))):
        recorded = data.draw(st.sampled_from((raw, played))).interactions[number]
        request_at = update(recorded.request_json["userData"], began=0)
        assert late.send(request_at) == soon.send(request_at)
        assert late.pushes() == soon.pushes()
        soon.replay.shown(request_at.request)
    assert late.replay.run.traffic.sent.keys() == soon.replay.run.traffic.sent.keys()


def test_a_text_around_a_stand_in_may_be_sent_back_as_it_was_shown() -> None:
    """It matches the recorded text, and its stand-in is bound to itself from then on."""
    played = redacted(
        update({"Note": "send v.onv@genesyslab.de"}, began=0),
        update({"Mail": "v.onv@genesyslab.de"}, began=1),
    )
    client = Client(played)
    shown_, other = (each.request_json["userData"] for each in played.interactions)
    assert client.send(update(shown_, began=0))
    assert client.send(update({"Mail": "p@live.corp.com"}, began=0)) is None
    assert client.send(update(other, began=0))


def test_longer_stand_in_bound_to_itself_is_not_replaced_in_part() -> None:
    """Even if a part of it is the stand-in of another value."""
    whole, part = "Xyzabc Mnopqr", "Mnopqr"
    raw = cassette(
        update({"LastName": part}, began=0),
        update({"FirstName": whole}, began=1),
        push({"Note": f"for {whole}"}, seen=1.5),
    )
    header = {**raw.header, "redaction": "all", "stand_ins": [whole, part]}
    client = Client(Cassette(interactions=raw.interactions, notifications=raw.notifications, header=header))
    assert client.send(update({"LastName": "Livename"}, began=0))
    assert client.send(update({"FirstName": whole}, began=0))
    assert [f"for {whole}"] == [shown(data)["Note"] for data in client.pushes()]


def test_requests_of_any_form() -> None:
    """A form, text that is not JSON, no body."""
    sent = b"to=Kristi+Sippola&a=1"
    recorded = exchange("POST", "/x", sent, request_headers=[("Content-Type", "application/x-www-form-urlencoded")])
    text = exchange("POST", "/y", b"dear v.onv@genesyslab.de, hello", began=1)
    client = Client(redacted(recorded, text))

    def asks(path: str, body: bytes) -> bool:
        headers = (recorded if path == "/x" else text).request.headers
        live = Request(method="POST", uri=f"http://h{path}", headers=headers, body=body)
        return isinstance(client.session.play(live, 0.0), Send)

    assert [False, True] == [asks("/x", b"to=Peter&a=2"), asks("/x", b"a=1&to=Peter")]
    assert [False, True] == [asks("/y", b"dear x, hi"), asks("/y", b"dear p@live.corp.com, hello")]
    assert SESSIONS not in str(client.session.misses)


@pytest.mark.parametrize("name", CAPTURES)
def test_every_capture_replays_to_its_live_client_as_if_it_were_raw(name: str) -> None:
    """The same responses and notifications after redaction of foreign values; the same verdicts and snapshots."""
    raw = captured(name).cassette
    using = redactor()
    played = using.cassette(raw)
    final = using.again()
    seen: list[list[Any]] = []
    for client in (Client(raw), Client(played)):
        events: list[Any] = []
        for each in raw.interactions:
            found = client.session.play(each.request, 0.0)
            assert isinstance(found, Send)
            client.session.responded(found, 0.0)
            events += [
                found.interaction,
                final.body(found.response.body),
                list(map(client.replay.run.data, client.due())),
            ]
        events += [(each.resource_id, sorted(each.data)) for each in client.replay.snapshots]
        seen.append([[final.data(each) for each in event] if isinstance(event, list) else event for event in events])
    assert seen[0] == seen[1]
    verdicts = [[(each.verdict, each.changes.keys) for each in one.updates()] for one in (raw, played)]
    assert verdicts[0] == verdicts[1]


def test_many_equal_requests_are_matched_in_time() -> None:
    """Four times as many updates of a name take four times as long, not sixteen times; a miss among them, too."""

    def replay(count: int) -> None:
        names = [f"Name Number{number:05}" for number in range(count)]
        played = redacted(*(update({"FirstName": name}, began=number) for number, name in enumerate(names)))
        client = Client(played)
        for name in names:
            assert client.send(update({"FirstName": f"{name} live"}, began=0))
        assert client.send(update({"FirstName": "x", "Z": 1}, began=0)) is None

    assert growth(replay, 100) < 9
