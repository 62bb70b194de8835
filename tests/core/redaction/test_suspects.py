"""Keys with secret or personal names are reported, with the line that redacts them."""

import pytest

from gws_replay.core.redaction.suspects import kind_of_name, rules_to_add
from tests.support.redactors import redactor


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        *(("SpousePhone2", "personal"), ("patient_name", "personal"), ("BirthCity", "personal"), ("DoorPin", "secret")),
        *(("queueName", ""), ("phoneType", ""), ("addressId", ""), ("tokenExpires", ""), ("id", ""), ("isMobile", "")),
    ],
)
def test_suspect_keys_are_found_by_name(key: str, kind: str) -> None:
    """Ids, kinds and states are not reported."""
    assert kind == kind_of_name(key)


def test_only_keys_that_no_rule_knows_are_named() -> None:
    """Once each."""
    one = redactor(personal=["DoorPin"])
    for _ in range(2):
        one.body(b'{"password": "x", "FirstName": "y", "DoorPin": "1", "SpousePhone2": "z", "queueName": "q"}')
    assert {"SpousePhone2"} == one.suspects
    assert 'personal = ["SpousePhone2"]' == rules_to_add(one.suspects)[-1]
    assert [] == rules_to_add(())
