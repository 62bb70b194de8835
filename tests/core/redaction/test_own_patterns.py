"""A user's own pattern never blocks: it is refused when it is read, or its time is limited."""

import time
from typing import Any

import pytest

from gws_replay.core.redaction import own_patterns
from gws_replay.core.redaction.policy import Policy
from tests.support.redactors import redactor


@pytest.mark.parametrize("pattern", [r"(x+x+)+y", r"([a-z]+)*[0-9]", r"(\w+\s?)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_pattern_that_tries_too_many_ways_is_refused(pattern: str) -> None:
    """With its name, and the next step."""
    with pytest.raises(ValueError, match="takes too long: it tries too many ways to match; write it without repeats"):
        _ = Policy(personal=(f"pattern:{pattern}",)).rules


@pytest.mark.parametrize(
    "pattern", [r"KD-[0-9]{6}", r"[A-Z0-9]+-\d+", r"(?i)case \d{4}", r"(?<=no\. )\d+", r"(\w)\1{3}"]
)
def test_other_patterns_are_taken(pattern: str) -> None:
    """With look-behind, back references and flags, as `re` has them."""
    assert (pattern,) == Policy(secret=(f"pattern:{pattern}",)).rules.secret_patterns


def test_a_text_that_takes_too_long_is_replaced_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither kept nor waited for."""
    monkeypatch.setattr(own_patterns, "check", lambda _: None)
    monkeypatch.setattr(own_patterns, "LIMIT", 0.05)
    one = redactor(secret=[r"pattern:(z+)+$"])
    began = time.monotonic()
    assert b'{"a":"<redacted:pattern0>","b":"fine"}' == one.body(b'{"a":"%b!","b":"fine"}' % (b"z" * 4000))
    assert 30 > time.monotonic() - began


@pytest.mark.parametrize(
    ("rules", "body", "left"),
    [
        ({"personal": ["message"]}, b'{"message":"Success"}', b'"Success"'),
        ({"personal": ["state"]}, b'{"state":"Ready"}', b"Ready"),
        ({"secret": ["statusMessage"]}, b'{"statusMessage":"OK"}', b"OK"),
        ({"secret": ["HasAllergy"]}, b'{"HasAllergy":true}', b"true"),
        ({"personal": ["pattern:Wien"]}, b'{"type":"in Wien"}', b"Wien"),
        ({"personal": ["diag"]}, b'{"diag":{"code":"Ready","x":["K21"]}}', b"Ready"),
        ({"personal": ["$..diag"]}, b'{"diag":{"code":"Busy"}}', b"Busy"),
        ({"secret": ["pattern:transfer"]}, b'{"channel":"transfer"}', b"transfer"),
    ],
)
def test_own_rule_overrides_harmless_values(rules: dict[str, Any], body: bytes, left: bytes) -> None:
    """Words of a status, keys of the protocol, true and false, words of the API."""
    assert body == redactor().body(body)
    assert left not in redactor(**rules).body(body)


@pytest.mark.parametrize(
    ("keep", "body"),
    [
        ("password", b'{"password":"geheim-9x"}'),
        ("FirstName", b'{"FirstName":"Anna Kern"}'),
        ("note", b'{"note":"anna@kern.de"}'),
        ("code", b'{"u":"/x"}'),
    ],
)
def test_keep_overrides_tables_and_shapes(keep: str, body: bytes) -> None:
    """The user decides."""
    assert body == redactor(keep=[keep]).body(body)
