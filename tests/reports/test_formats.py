"""The reports of judging commands: each well-formed whatever was recorded, and none can be steered by it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from gws_replay.core.comparison.finding import KINDS
from gws_replay.reports.cases import RULES, Case, Issue
from gws_replay.reports.github import github
from gws_replay.reports.junit import junit
from gws_replay.reports.markdown import markdown
from gws_replay.reports.sarif import sarif

SCHEMA = Path(__file__).parents[1] / "js/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
EVIL = "a\x1b[31m\nb::error::c%0A\r<script>|`x`</script>]]>&\ud800\x00@all [l](http://e.example) \u202e"


def evil() -> list[Case]:
    """A case whose every text was made by somebody who wants to get out of it."""
    issue = Issue(level="error", rule="value", message=EVIL, file=f"cassettes/{EVIL}.yaml", line=3)
    return [
        Case(name=EVIL, file=issue.file, issues=(issue,), fails=True),
        Case(name="fine", file="cassettes/b.yaml"),
        Case(
            name="told", file="cassettes/b.yaml", issues=(Issue(level="info", rule="timing", message="slow", file="b"),)
        ),
    ]


@pytest.mark.skipif(not SCHEMA.is_file(), reason="needs the packages of tests/js/package.json: make test installs them")
@pytest.mark.parametrize("cases", [evil(), []], ids=["evil", "nothing"])
def test_sarif_is_as_its_schema_says(cases: list[Case]) -> None:
    """The whole schema of SARIF 2.1.0, formats of addresses included."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(json.loads(json.dumps(sarif(cases, "1.0"))))


def test_results_of_sarif_name_their_rules() -> None:
    """By id and by index, which are of one rule; the level in SARIF's words."""
    run = sarif(evil(), "1.0")["runs"][0]
    assert ["error", "note"] == [each["level"] for each in run["results"]]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[each["ruleIndex"]] for each in run["results"]] == [each["ruleId"] for each in run["results"]]


def test_junit_is_xml_whatever_was_recorded() -> None:
    """It parses, counts, and keeps apart what fails and what is only told."""
    suites = ET.fromstring(junit(evil()))
    assert ("3", "1") == (suites.get("tests"), suites.get("failures"))
    assert 1 == len(suites.findall(".//failure"))
    assert 1 == len(suites.findall(".//system-out"))
    assert not any(character in ET.tostring(suites, "unicode") for character in "\x1b\x00\u202e")


def test_an_annotation_is_one_line_and_one_command() -> None:
    """Nothing recorded begins a line, ends a property or starts another command."""
    first, second = github(evil()).splitlines()
    assert first.startswith("::error file=cassettes/a\\u001b[31m\\u000ab%3A%3Aerror%3A%3Ac%250A\\u000d<script>")
    assert 2 == first.replace("b::error::c", "").count("::")
    assert second.startswith("::notice file=b,line=1,title=gws-replay%3A timing::slow")


def test_markdown_shows_what_was_recorded_as_text() -> None:
    """No markup, cell, link or mention comes of it."""
    row = next(line for line in markdown(evil(), EVIL).splitlines() if line.startswith("| error"))
    assert 5 == row.count("|")
    assert not set("<>`@[]*") & set(row)
    assert "http://" not in row


def test_markdown_stops_somewhere() -> None:
    """A step summary is not filled by one cassette."""
    issue = Issue(level="error", rule="value", message="m", file="f")
    text = markdown([Case(name="n", file="f", issues=[issue] * 501, fails=True)], "sum")
    assert "and 1 more" in text
    assert 500 == text.count("| error |")


def test_every_kind_is_a_rule() -> None:
    """What can be found can be reported."""
    assert set(KINDS) <= RULES.keys()


def test_the_address_of_a_file_is_an_address() -> None:
    """SARIF wants URIs: what has a meaning in them is escaped."""
    issue = Issue(level="error", rule="value", message="m", file="a folder/50%#1.yaml")
    (result,) = sarif([Case(name="n", file="f", issues=(issue,))], "1.0")["runs"][0]["results"]
    (place,) = result["locations"]
    assert "a%20folder/50%25%231.yaml" == place["physicalLocation"]["artifactLocation"]["uri"]
