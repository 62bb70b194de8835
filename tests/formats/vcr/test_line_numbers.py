"""The lines of interactions and notifications, in files of ours and of vcrpy, as YAML and as JSON."""

import json

import pytest

from gws_replay.formats.vcr.line_numbers import lines_of

VCRPY = """interactions:
- request:
    body: |-
      {
        "list": [
      - 1
      - request:
      notifications:
    headers:
      Accept:
      - '*/*'
  response: {}
- request:
    uri: http://gws.example
version: 1
"""
INDENTED = """version: 1
interactions:
  - request: {}
    response:
      headers:
        X:
          - y
  - request: {}
notifications:
  - channel: /a
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VCRPY, {"interaction 0": 2, "interaction 1": 13}),
        (INDENTED, {"interaction 0": 3, "interaction 1": 8, "notification 0": 10}),
        ("version: 1\ninteractions: []\n", {}),
    ],
    ids=["vcrpy", "indented", "empty"],
)
def test_yaml(text: str, expected: dict[str, int]) -> None:
    """Lists inside an item, and what looks like one inside a body, are none of ours."""
    assert expected == lines_of(text, as_json=False)


def test_json() -> None:
    """Laid out, and all on one line."""
    document = {
        "version": 1,
        "interactions": [{"request": {"headers": {"A": ["{"]}}}, {"request": {}}],
        "notifications": [{"channel": "/a"}],
    }
    names = ["interaction 0", "interaction 1", "notification 0"]
    assert dict.fromkeys(names, 1) == lines_of(json.dumps(document), as_json=True)
    text = json.dumps(document, indent=2)
    lines = text.splitlines()
    assert {name: lines[line - 1] for name, line in lines_of(text, as_json=True).items()} == dict.fromkeys(
        names, "    {"
    )
