"""A recording without its proxy: its parts lose nothing, and report what they cannot know."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gws_replay.core.model import Headers, Request, Response
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.recording.journal_file import recover
from gws_replay.recording.session import RecordingSession
from gws_replay.recording.split import Split
from gws_replay.settings.redaction import redactor
from gws_replay.storage.files import load_cassette

if TYPE_CHECKING:
    from gws_replay.core.compile.compiler import Compiled

URL = "http://gws.example/api/v2"
EVERY = Split(size=1)  # each request that begins begins a part
NAME = "Kunigunde"


class Recording:
    """A recording, and its reports."""

    def __init__(self, cassette: Path, split: Split, *, force: bool = False) -> None:
        self.saved: dict[str, Compiled] = {}
        self.failed: list[str] = []
        self.session = RecordingSession(
            cassette,
            redactor(Policy()),
            "me",
            force=force,
            split=split,
            saved=lambda path, compiled: self.saved.update({path.name: compiled}),
            failed=lambda error: self.failed.append(str(error)),
        )

    def requested(self, id_: str, at: float, path: str, body: object = None) -> None:
        """A request begins."""
        sent = b"" if body is None else json.dumps(body).encode()
        self.session.begun(id_, at, Request(method="POST" if sent else "GET", uri=f"{URL}{path}", body=sent))

    def answered(self, id_: str, at: float, body: object) -> None:
        """A response is complete."""
        fields = Headers((("Content-Type", "application/json"),))
        self.session.answered(id_, at, Response(status=200, headers=fields, body=json.dumps(body).encode()))

    def passed(self, id_: str, at: float, path: str, body: object = None, response: object = None) -> None:
        """A request that gets its response at once."""
        self.requested(id_, at, path, body)
        self.answered(id_, at + 0.1, response or {"statusCode": 0})


@contextmanager
def recording(cassette: Path, split: Split = EVERY, *, force: bool = False) -> Iterator[Recording]:
    """A recording that is saved at the end."""
    running = Recording(cassette, split, force=force)
    yield running
    running.session.finish()


def paths(cassette: Path) -> list[str]:
    """The recorded paths of a cassette."""
    return [exchange.request.path.removeprefix("/api/v2") for exchange in load_cassette(cassette).interactions]


def update(user_data: object) -> object:
    """An UpdateUserData."""
    return {"operationName": "UpdateUserData", "userData": user_data}


def notified(user_data: object, reference: int) -> object:
    """The response of a poll with a notification."""
    shown = {"id": "S1", "userData": user_data}
    data = {"referenceId": reference, "notificationType": "PropertiesUpdated", "facebooksession": shown}
    return [{"channel": "/v2/me/facebooksession", "data": data}]


def test_exchange_belongs_to_the_part_of_its_response(tmp_path: Path) -> None:
    """Complete, once, and no part reports it as lost; each part is a cassette of its own."""
    with recording(tmp_path / "day.yaml") as run:
        run.requested("1", 1.0, "/me/slow")
        run.passed("2", 2.0, "/me/2")
        run.passed("3", 3.0, "/me/3")
        run.answered("1", 4.0, {"statusCode": 0})
    assert ["day.2.yaml", "day.3.yaml"] == sorted(path.name for path in tmp_path.iterdir())
    assert [["/me/2"], ["/me/slow", "/me/3"]] == [paths(tmp_path / name) for name in ("day.2.yaml", "day.3.yaml")]
    assert [(), ()] == [compiled.notes for compiled in run.saved.values()]
    assert [] == run.failed
    assert 3 == load_cassette(tmp_path / "day.3.yaml").header["part"]


def test_notification_of_an_earlier_part_gets_no_other_cause(tmp_path: Path) -> None:
    """It is reported, and the operation of this part keeps its own notification."""
    with recording(tmp_path / "day.yaml") as run:
        run.passed("1", 1.0, "/me/facebooksessions/S1", update({"A": 1}))
        run.passed("2", 2.0, "/me/facebooksessions/S1", update({"B": 2}))
        run.session._split = Split(size=1e9)  # the polls come into the same part
        run.passed("p1", 2.2, "/notifications", [{"channel": "/meta/connect"}], notified({"A": 1}, 7))
        run.passed("p2", 2.4, "/notifications", [{"channel": "/meta/connect"}], notified({"A": 1, "B": 2}, 8))
    second = load_cassette(tmp_path / "day.2.yaml")
    assert [None, 0] == [each.cause and each.cause.interaction for each in second.notifications]
    assert [[{"B": 2}]] == [[each.request_json["userData"]] for each in second.interactions]
    (note,) = run.saved["day.2.yaml"].notes
    assert "notification 0 on /v2/me/facebooksession answers an operation of the previous part" in note


def test_value_found_in_one_part_is_redacted_in_the_next(tmp_path: Path) -> None:
    """By the same stand-in, also in text without a key; both headers list it."""
    with recording(tmp_path / "day.yaml") as run:
        run.passed("1", 1.0, "/me/facebooksessions/S1", update({"FirstName": NAME}))
        run.passed("2", 2.0, "/me/facebooksessions/S1", update({"Note": f"called {NAME} back"}))
    first, second = (load_cassette(tmp_path / name) for name in ("day.yaml", "day.2.yaml"))
    replaced = first.interactions[0].request_json["userData"]["FirstName"]
    assert f"called {replaced} back" == second.interactions[0].request_json["userData"]["Note"]
    assert replaced != NAME
    assert [[replaced], [replaced]] == [list(each.header["stand_ins"]) for each in (first, second)]


def test_the_journal_of_a_part_can_be_recovered(tmp_path: Path) -> None:
    """Like that of any recording; the content of earlier parts is not in it twice."""
    run = Recording(tmp_path / "day.yaml", EVERY)
    run.passed("1", 1.0, "/me/facebooksessions/S1", update({"A": 1}))
    run.passed("2", 2.0, "/me/2")
    run.session.close()
    recover(tmp_path / "day.2.yaml.journal", tmp_path / "day.2.yaml")
    assert ["/me/2"] == paths(tmp_path / "day.2.yaml")
    run.session.finish()


def test_part_that_cannot_be_created_loses_nothing(tmp_path: Path) -> None:
    """The recording continues in the current part, and that is reported."""
    with recording(tmp_path / "day.yaml") as run:
        run.passed("1", 1.0, "/me/1")
        (tmp_path / "day.2.yaml").write_text("precious")
        run.passed("2", 2.0, "/me/2")
        run.passed("3", 3.0, "/me/3")
    assert ["/me/1", "/me/2", "/me/3"] == paths(tmp_path / "day.yaml")
    assert [f"{tmp_path / 'day.2.yaml'} exists: choose another name"] == [each.split(",")[0] for each in run.failed]
    assert "precious" == (tmp_path / "day.2.yaml").read_text()


def test_existing_parts_are_refused_at_the_start(tmp_path: Path) -> None:
    """Not hours later; force replaces cassettes, and never an unsaved recording."""
    (tmp_path / "day.7.yaml").write_text("precious")
    with pytest.raises(GwsReplayError, match=r"day\.7\.yaml is a part of another recording"):
        Recording(tmp_path / "day.yaml", EVERY)
    (tmp_path / "day.7.yaml.journal").write_text("precious")
    with pytest.raises(GwsReplayError, match=r"day\.7\.yaml\.journal was left by a recording that was interrupted"):
        Recording(tmp_path / "day.yaml", EVERY, force=True)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("", Split()),
        ("100MB", Split(size=1e8)),
        ("2 gb", Split(size=2e9)),
        ("30min", Split(seconds=1800)),
        ("1h", Split(seconds=3600)),
    ],
)
def test_sizes_and_times(text: str, split: Split) -> None:
    """Both may be given, in upper or lower case."""
    assert split == Split.parse(text)


@pytest.mark.parametrize("text", ["0MB", "5", "5 m", "-1h", "1.5h", "MB"])
def test_wrong_size_or_time_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(GwsReplayError, match=r"--split needs a size or a time \(100MB"):
        Split.parse(text)


def headers_of(name: str = "", token: str = "", cookie: str = "") -> Headers:
    """The credentials of a request: a user name, a token, a cookie."""
    login = base64.b64encode(f"{name}:secret".encode()).decode()
    fields = (
        ("Authorization", f"Basic {login}" if name else f"Bearer {token}" if token else ""),
        ("Cookie", f"JSESSIONID={cookie}" if cookie else ""),
    )
    return Headers(tuple(each for each in fields if each[1]))


def sent(run: Recording, at: float, headers: Headers, given: tuple[tuple[str, str], ...] = ()) -> None:
    """A GET with credentials, and the cookie or token of its response."""
    id_ = str(at)
    run.session.begun(id_, at, Request(method="GET", uri=f"{URL}/me/devices", headers=headers))
    run.session.answered(id_, at + 0.1, Response(status=200, headers=Headers(given), body=b'{"statusCode": 0}'))


def test_users_are_distinguished_though_their_credentials_are_redacted(tmp_path: Path) -> None:
    """Cassette and journal hold stand-ins of names, and nothing of tokens and cookies."""
    with recording(tmp_path / "c.yaml", Split()) as run:
        for at, name in ((1.0, "anna.keller"), (2.0, "bela.szabo")):
            sent(run, at, headers_of(name), (("Set-Cookie", f"JSESSIONID=cookie-of-{name}"),))
        for at, name in ((3.0, "bela.szabo"), (4.0, "anna.keller")):
            sent(run, at, headers_of(cookie=f"cookie-of-{name}"))
        lines = run.session.journal.read_text()
    cassette = load_cassette(tmp_path / "c.yaml")
    assert [0, 1, 1, 0] == [each.user for each in cassette.interactions]
    text = lines + (tmp_path / "c.yaml").read_text("utf-8")
    assert [] == [each for each in ("anna", "keller", "bela", "szabo", "cookie-of") if each in text]
    assert all(user.name and user.name in cassette.header["stand_ins"] for user in cassette.users)


def test_a_fingerprint_cannot_be_tested_without_its_key(tmp_path: Path) -> None:
    """Two recordings of the same cookie have different ones; one recording always has the same."""
    found = []
    for name in ("a.yaml", "b.yaml"):
        with recording(tmp_path / name, Split()) as run:
            for at in (1.0, 2.0):
                sent(run, at, headers_of(cookie="the-same-cookie"))
            found.append(re.findall(r'\["cookie","([0-9a-f]+)"\]', run.session.journal.read_text()))
    assert [2, 1, 2, 1] == [len(each) for pair in ((one, set(one)) for one in found) for each in pair]
    assert not set(found[0]) & set(found[1])


def test_every_part_has_the_users_of_the_whole_recording(tmp_path: Path) -> None:
    """A part that shows only cookies knows whose they are; the indices and names are those of the first part."""
    with recording(tmp_path / "day.yaml", Split(size=1e9)) as run:
        for at, name in ((1.0, "anna.keller"), (2.0, "bela.szabo")):
            sent(run, at, headers_of(name), (("Set-Cookie", f"JSESSIONID=cookie-of-{name}"),))
            sent(run, at + 4, headers_of(cookie=f"cookie-of-{name}"))
        run.session._split = EVERY
        sent(run, 7.0, headers_of(cookie="cookie-of-bela.szabo"))
        run.session._split = Split(size=1e9)
        sent(run, 8.0, headers_of(cookie="cookie-of-anna.keller"))
    first, second = (load_cassette(tmp_path / name) for name in ("day.yaml", "day.2.yaml"))
    assert [0, 1, 0, 1] == [each.user for each in first.interactions]
    assert [1, 0] == [each.user for each in second.interactions]
    assert first.users == second.users
    assert all(user.name for user in first.users)


def test_end_of_a_recording_lists_what_was_not_examined(tmp_path: Path) -> None:
    """With the last part: binary bodies, and keys that suggest a missing rule."""
    with recording(tmp_path / "a.yaml", Split()) as running:
        running.passed("1", 0, "/me", None, {"SpousePhone2": "1", "queue": "2"})
        for number, body in enumerate((b"\x89PNG\x00\xff\xfe", b"\x00\xff\x01"), 2):
            running.requested(str(number), number, "/me/picture")
            fields = Headers((("Content-Type", "image/png"),))
            running.session.answered(str(number), number + 0.1, Response(status=200, headers=fields, body=body))
    notes = running.saved["a.yaml"].notes
    assert "not examined for secrets and personal data: 2 binary image/png" in notes
    output = 'keys without a rule sound secret or personal: add personal = ["SpousePhone2"] to pyproject.toml'
    assert output in notes
