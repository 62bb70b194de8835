"""What the transports of httpx make of header fields, which are kept from one request to the next."""

import httpx

from gws_replay.core.cassette import Cassette
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import exchange
from tests.support.clients import ANYWHERE


def test_a_response_that_a_test_changes_changes_no_other() -> None:
    """Each has fields of its own."""
    run = ReplayRun(Cassette(interactions=(exchange("GET", "/x", None, {}, response_headers=[("X-A", "1")]),)))
    with replaying(run), httpx.Client() as client:
        first = client.get(f"{ANYWHERE}/x")
        first.headers["X-A"] = "2"
        first.headers["X-B"] = "3"
        second = client.get(f"{ANYWHERE}/x")
    assert ("1", None) == (second.headers["X-A"], second.headers.get("X-B"))


def test_fields_are_read_in_the_encoding_of_the_client() -> None:
    """ASCII, UTF-8, and what the client says."""
    run = ReplayRun(Cassette(interactions=(exchange("GET", "/x", None, {}),)))
    with replaying(run), httpx.Client() as client:
        for value, encoding in (("plain", None), ("blå", "utf-8"), ("blå", "iso-8859-1"), ("Ã¥", "iso-8859-1")):
            request = client.build_request("GET", f"{ANYWHERE}/x")
            request.headers = httpx.Headers({"X-Name": value}, encoding=encoding)
            client.send(request)
    assert ["plain", "blå", "blå", "Ã¥"] == [each.header("x-name") for each in run.requests]
