"""SARIF is valid whatever was recorded."""

import json
from pathlib import Path

import jsonschema
import pytest

from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Results
from gws_replay.reports.formats.sarif import sarif
from tests.support.report_cases import evil

SCHEMA = Path(__file__).parents[2] / "js/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.mark.skipif(not SCHEMA.is_file(), reason="needs the packages of tests/js/package.json: make test installs them")
@pytest.mark.parametrize("results", [evil(), Results()], ids=["evil", "nothing"])
def test_log_satisfies_the_schema(results: Results) -> None:
    """The whole schema of SARIF 2.1.0, formats of addresses included."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(json.loads(sarif(results)))


def test_results_name_their_rules() -> None:
    """By id and by index, which are of one rule; the level in SARIF's words."""
    run = json.loads(sarif(evil()))["runs"][0]
    assert ["error", "note"] == [each["level"] for each in run["results"]]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[each["ruleIndex"]] for each in run["results"]] == [each["ruleId"] for each in run["results"]]


def test_file_is_a_uri() -> None:
    """What has a meaning in URIs is escaped."""
    issue = Issue(level="error", rule="value", message="m", file="a folder/50%#1.yaml")
    results = Results(cases=[Case(name="n", file="f", issues=(issue,))])
    (result,) = json.loads(sarif(results))["runs"][0]["results"]
    (place,) = result["locations"]
    assert "a%20folder/50%25%231.yaml" == place["physicalLocation"]["artifactLocation"]["uri"]
