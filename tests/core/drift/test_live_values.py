"""Which live values take the places of recorded ids and stand-ins in a request."""

import json
from dataclasses import replace

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.live_values import SECRET, LiveValues, bindings
from gws_replay.core.model import Exchange
from gws_replay.errors import GwsReplayError
from tests.support.builders import SESSIONS, cassette, exchange, get, push, update

ID, LIVE = "0002DaAVKJ0V0095", "0002DaAVKJ0V00ZZ"
ORIGIN = "https://live.example:8443"


def recorded(*moments: Exchange, stand_ins: tuple[str, ...] = ()) -> Cassette:
    """A cassette with stand-ins in its header."""
    stand_in = cassette(*moments)
    return replace(stand_in, header={**stand_in.header, "stand_ins": list(stand_ins)})


def test_an_id_is_replaced_wherever_it_stands() -> None:
    """In path, query and body, the rest as recorded; the host is the live one."""
    exchanges = exchange(
        "POST", f"{SESSIONS}/{ID}?of={ID}", {"targetUri": f"http://gws.example/calls/{ID}", "n": 1.0}, began=1
    )
    values = LiveValues(recorded(get({}, began=0.0, session=ID), exchanges), {})
    assert [ID] == values.needed(1)

    values.learn({"id": ID}, {"id": LIVE})

    assert [] == values.needed(1)
    request = values.request(1, ORIGIN)
    assert f"{ORIGIN}{SESSIONS}/{LIVE}?of={LIVE}" == request.uri
    assert b'{"targetUri":"http://gws.example/calls/%b","n":1.0}' % LIVE.encode() == request.body
    assert LIVE == values.live(ID)


def test_a_word_that_is_an_id_stays_a_word() -> None:
    """It is replaced where the id of a resource stands, and nowhere else."""
    exchanges = exchange(
        "POST", "/api/v2/me/voicemail", {"operationName": "Start", "channels": ["voicemail"]}, began=1.0
    )
    values = LiveValues(recorded(exchange(), exchanges), {})
    values.learn([{"id": "voicemail"}], [{"id": "workbins"}])
    request = values.request(1, ORIGIN)
    assert (f"{ORIGIN}/api/v2/me/voicemail", exchanges.request.body) == (request.uri, request.body)


def test_a_short_id_is_replaced_in_paths_only() -> None:
    """In a body it could be anything."""
    values = LiveValues(recorded(get({}, began=0.0), update({"S1": "S1"}, began=1.0)), {})
    assert ["S1"] == values.needed(1)
    values.bind_id("S1", "S9")
    request = values.request(1, ORIGIN)
    assert request.uri.endswith("/S9")
    assert {"S1": "S1"} == json.loads(request.body)["userData"]


def test_the_first_live_value_stays() -> None:
    """What is bound is not bound anew; a live id is one recorded one's alone, a person's value may be several's."""
    values = LiveValues(recorded(stand_ins=("Arom", "Khqp")), {"A": "B"})
    values.learn([{"id": "A"}, {"id": "C"}], [{"id": "D"}, {"id": "B"}])
    assert ("B", None) == (values.live("A"), values.live("C"))
    assert values.is_taken("B")
    learned = values.learn({"firstName": "Arom", "lastName": "Khqp"}, {"firstName": "Anna", "lastName": "Anna"})
    assert [("Arom", "Anna"), ("Khqp", "Anna")] == [(each.recorded, each.live) for each in learned]
    assert [] == values.learn({"firstName": "Arom"}, {"firstName": "Berta"})


def test_stand_ins_give_way_to_what_was_seen_in_their_place() -> None:
    """A value of a person in a body, a query and a form; what nothing has shown is notification."""
    form = exchange(
        "POST", "/x", b"FirstName=Aromaly&b=1", request_headers=[("Content-Type", "application/x-www-form-urlencoded")]
    )
    exchanges = (exchange("GET", "/api/v2/users?name=Aromaly"), update({"FirstName": "Aromaly"}, began=1.0), form)
    values = LiveValues(recorded(*exchanges, stand_ins=("Aromaly",)), {})
    numbers = range(3)
    assert [["Aromaly"]] * 3 == [
        [stand_in for stand_in in values.needed(n) if stand_in in values.stand_ins] for n in numbers
    ]

    values.learn({"firstName": "Aromaly"}, {"firstName": "Änne"})

    assert [[]] * 3 == [[stand_in for stand_in in values.needed(n) if stand_in in values.stand_ins] for n in numbers]
    requests = [values.request(n, ORIGIN) for n in numbers]
    assert f"{ORIGIN}/api/v2/users?name=%C3%84nne" in [each.uri for each in requests]
    assert b"FirstName=%C3%84nne&b=1" in [each.body for each in requests]
    assert {"FirstName": "Änne"} in [json.loads(each.body)["userData"] for each in requests if b"userData" in each.body]


def test_a_stand_in_within_a_text() -> None:
    """As short as a recording looks for it."""
    values = LiveValues(
        recorded(update({"Note": "ask Aromal first"}, began=0.0), stand_ins=("Aromal",)), {"Aromal": "Änne"}
    )
    assert {"Note": "ask Änne first"} == json.loads(values.request(0, ORIGIN).body)["userData"]


def test_secret_never_gets_a_live_value() -> None:
    """A placeholder in a body is notification as one; a session in an address is dropped, bytes stay as they are."""
    secret = exchange("POST", "/api/v2/me;jsessionid=<redacted:jsessionid>", {"password": "<redacted:password>"})
    values = LiveValues(recorded(secret, exchange("POST", "/x", b"\xff", began=1.0)), {})
    assert [SECRET] == values.needed(0)
    assert f"{ORIGIN}/api/v2/me" == values.request(0, ORIGIN).uri
    assert b"\xff" == values.request(1, ORIGIN).body


def test_value_that_the_client_chose_is_sent_as_it_is() -> None:
    """An id that its client named before anything had shown it; one that a notification showed must be seen."""
    first = exchange("GET", f"{SESSIONS}/{ID}", None, {"facebooksession": {"id": ID}}, began=0.0)
    again = exchange("GET", f"{SESSIONS}/{ID}", began=1.0)
    other = exchange("GET", f"{SESSIONS}/{LIVE}", began=3.0)
    values = LiveValues(cassette(first, again, push({}, seen=2.0, session=LIVE), other), {})
    assert [[], [], [LIVE]] == [list(values.needed(n)) for n in range(3)]


def test_bindings_of_options() -> None:
    """Split at the first equals sign, or behind a stand-in that holds one."""
    stand_in = recorded(stand_ins=("https://x.test/?a=b",))
    assert {"1": "2=3", "https://x.test/?a=b": "c=d"} == bindings(["1=2=3", "https://x.test/?a=b=c=d"], stand_in)
    for wrong in ("x", "=x", "x="):
        with pytest.raises(GwsReplayError, match=f"--bind needs RECORDED=LIVE .* got {wrong}$"):
            bindings([wrong], stand_in)
