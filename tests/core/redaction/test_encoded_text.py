r"""What is spelled as `%20`, `&amp;` or `\u0041` is read, and replaced in the same spelling."""

import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.redaction.encoded_text import found_within, read
from gws_replay.core.redaction.found import Found, spliced
from tests.support.redactors import redactor

SPELLINGS: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text, safe=""),
    "every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "entities": html.escape,
    "every letter": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "escapes": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(text=st.text(alphabet="aZ9 é&<%/+;", max_size=12), around=st.text(alphabet="x %4&;\\", max_size=4))
def test_the_places_are_those_of_the_text(spelling: str, text: str, around: str) -> None:
    """What is found in what is read is replaced, and nothing beside it."""
    spelled = SPELLINGS[spelling](f"<{text}>")
    whole = f"{around}|{spelled}|{around}"

    def find(plain: str) -> list[Found]:
        at = plain.find(f"<{text}>")
        return [Found(at, at + len(text) + 2, "NEW", "")] if at >= 0 else []

    assert spliced(whole, found_within(whole, find)) in (f"{around}|NEW|{around}", whole)
    assert "%" in text or f"<{text}>" in read(whole)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_name_found_before_is_replaced_in_the_same_spelling(spelling: str) -> None:
    """So that whoever reads the text gets the stand-in."""
    one = redactor()
    replaced = json.loads(one.body('{"FirstName": "Édith & Zoé"}'.encode()))["FirstName"]
    left = one.body(f"for {SPELLINGS[spelling]('Édith & Zoé')}.".encode()).decode()
    assert f"for {replaced}." == read(left)
