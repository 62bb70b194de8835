"""What a live user sent is shown without the credentials of any request before, however late it has to be shown."""

from gws_replay.core.model import Headers, Request
from gws_replay.playback.live_redactor import LiveRedactor

TOKEN = "bWFueSBsZXR0ZXJzIG9mIGEgdG9rZW4"


def asking_for(path: str, *headers: tuple[str, str]) -> Request:
    return Request(method="GET", uri=f"http://gws.example/{path}", headers=Headers(headers))


def test_credentials_of_an_earlier_request_are_hidden_in_a_later_one() -> None:
    redactor = LiveRedactor()
    redactor.see(Headers((("X-CSRF-TOKEN", TOKEN),)))
    assert TOKEN not in redactor.request(asking_for(f"a/{TOKEN}")).uri


def test_credentials_are_still_known_after_more_header_fields_than_are_remembered() -> None:
    redactor = LiveRedactor()
    redactor.see(Headers((("X-CSRF-TOKEN", TOKEN),)))
    for number in range(1200):
        redactor.see(Headers((("X-Number", f"number {number}"),)))
    assert TOKEN not in redactor.request(asking_for(f"a/{TOKEN}")).uri


def test_request_as_it_is_shown_hides_its_own_credentials() -> None:
    redactor = LiveRedactor()
    request = asking_for("a", ("Authorization", f"Bearer {TOKEN}"))
    assert TOKEN not in str(redactor.request(request).headers)
