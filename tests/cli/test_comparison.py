"""What counts in a comparison."""

from dataclasses import replace

from gws_replay.cli.comparison import Rules
from gws_replay.core.replay.request_fields import IgnoredFields
from tests.support.builders import cassette, exchange


def test_ignored_fields_of_requests_make_no_findings() -> None:
    """A cache buster and a request id, as `drift` compares with them."""
    one, other = (
        cassette(exchange("POST", f"/api/v2/me/calls/C1?_={each}", {"operationName": "Hold", "requestId": each}, {}))
        for each in (1, 2)
    )
    rules = Rules(ignore=(), severity={}, noise=None)
    assert rules.findings(one, other)
    assert () == replace(rules, ignored=IgnoredFields(("_",), ("$.requestId",))).findings(one, other)
