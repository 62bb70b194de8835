"""Words of a status are not personal; a text with any other word may be."""

import pytest

from gws_replay.core.redaction import harmless_words as words
from tests.support.redactors import redactor


@pytest.mark.parametrize("text", ["Success", "NOT_FOUND", "The request was accepted.", "loggedOut", "502", "ERR-17"])
def test_words_of_a_status_are_harmless(text: str) -> None:
    """In any spelling."""
    assert words.is_status(text)


@pytest.mark.parametrize(
    "text", ["My dog is ill", "Anna", "ok, Anna", "a@ok.de", "call me", "12345", "A1B2C3", "", "!"]
)
def test_text_with_another_word_is_not_harmless(text: str) -> None:
    """One word is enough."""
    assert not words.is_status(text)


@pytest.mark.parametrize(("text", "is_state"), [("NotReady", True), ("bot", True), ("5001", False), ("Kern", False)])
def test_states_and_services(text: str, *, is_state: bool) -> None:
    """A telephone extension is personal."""
    assert is_state == words.is_state(text)


@pytest.mark.parametrize("verb", ["send-message", "after_call", "userData", "transfer"])
def test_a_single_word_of_a_comment_may_be_one_of_a_protocol(verb: str) -> None:
    """So it is not searched for elsewhere."""
    assert words.is_identifier(verb)
    assert not words.is_identifier(f"{verb} 7")


@pytest.mark.parametrize(
    "body", [b'{"from":0,"to":25}', b'{"from":1764541983000,"to":1764541999}', b'{"to":"2026-01-31"}']
)
def test_ranges_of_pages_and_times_stay(body: bytes) -> None:
    """A telephone number does not."""
    assert body == redactor().body(body)
    assert b"436640550123" not in redactor().body(b'{"from":436640550123}')


def test_a_password_that_is_a_word_is_not_looked_for() -> None:
    """It would change paths and states; one with a digit is searched for."""
    body = b'{"password":"%b","url":"/api/test1","x":"see %b"}'
    for word, message in ((b"test", b"see test"), (b"test1", b"see <redacted:password>")):
        one = redactor()
        one.body(body % (word, word))
        assert message in one.body(body % (word, word))
