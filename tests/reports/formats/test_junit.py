"""JUnit XML is well-formed whatever was recorded."""

from xml.etree import ElementTree as ET

from gws_replay.reports.formats.junit import junit
from tests.support.report_cases import evil, skipped


def test_only_failures_are_failures() -> None:
    """It parses, counts, and separates what fails from what is only noted."""
    suites = ET.fromstring(junit(evil()))
    assert ("3", "1") == (suites.get("tests"), suites.get("failures"))
    assert 1 == len(suites.findall(".//failure"))
    assert 1 == len(suites.findall(".//system-out"))
    assert not any(character in ET.tostring(suites, "unicode") for character in "\x1b\x00\u202e")


def test_what_was_not_compared_is_skipped() -> None:
    """It is neither passed nor failed."""
    assert 'skipped="1"' in junit(skipped())
