"""Half surrogate pairs, which JSON can write and no output can print: recorded, saved, and shown by every command."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gws_replay import cli
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Recording
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.builders import exchange
from tests.support.redactors import redactor

SENT = b'{"operationName":"UpdateUserData","userData":{"FirstName":"\\ud83dAnna","\\ud800Key":"\\udfff"}}'
VERSION = b'{"statusCode":0,"version":"\\ud800"}'
NOTIFIED = (
    b'[{"channel":"/v2/me/facebooksession","data":{"notificationType":"PropertiesUpdated","facebooksession":{"id":"1",'
)
NOTIFIED += b'"userData":{"FirstName":"\\ud83dAnna","\\ud800Key":"\\udffe"}}}}]'


@pytest.mark.parametrize(
    "command", [("show",), ("show", "--json"), ("verify",), ("verify", "--json"), ("verify", "--format", "junit")]
)
def test_every_command_shows_half_a_surrogate_pair(command: tuple[str, ...], tmp_path: Path) -> None:
    """It is escaped; no command ends in a traceback."""
    exchanges = (
        exchange("POST", "/api/v2/me/facebooksessions/1", SENT, b'{"statusCode":0}', began=1),
        exchange("GET", "/api/v2/diagnostics/version", None, VERSION, began=2),
        exchange("POST", "/api/v2/notifications", b'[{"channel":"/meta/connect"}]', NOTIFIED, began=3),
    )
    using = redactor()
    recording = Recording(exchanges=tuple(map(using.exchange, exchanges)))
    cassette = compile_recording(recording, using.header).cassette
    assert 1 == len(cassette.notifications)
    save_cassette(cassette, tmp_path / "c.yaml")
    assert cassette == load_cassette(tmp_path / "c.yaml").named(cassette.source)
    done = CliRunner().invoke(cli.group, [*command, str(tmp_path / "c.yaml")], standalone_mode=False)
    assert done.exception is None
    assert done.stdout.encode()
