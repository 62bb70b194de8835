"""Further rules for a marked test: required headers, notifications, plugins that exclude each other."""

import pytest

import gws_replay.interception.interceptor  # noqa: F401 (once, here: the inner runs forget what they import)
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers
from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.support.builders import cassette, exchange, push, update
from tests.support.commands import small


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    built = Project(pytester)
    built.cassette("small.yaml")
    return built


def test_the_requests_that_were_sent_are_shown_with_live_values(project: Project) -> None:
    """In order, with method, path, operation, parsed body and header fields; without CometD."""
    body = PLAYED + (
        "    first, second = gws.requests\n"
        "    assert (first.method, first.path, first.operation) == ('GET', '/api/v2/me/facebooksessions', None)\n"
        "    assert (second.operation, second.json['userData']) == ('UpdateUserData', {'A': 2})\n"
        "    assert second.header('content-type') == 'application/json'\n"
        "    assert dict(first.headers)['Cookie'].startswith('JSESSIONID=')\n"
        "    assert repr(second) == '<SentRequest POST /api/v2/me/facebooksessions/S1 UpdateUserData>'\n"
    )
    project.run(marked(body)).assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ["'small', required_headers=['X-CSRF-TOKEN']", "'small'"])
def test_a_required_header_that_is_missing_fails_the_test(project: Project, arguments: str) -> None:
    """By the marker or the ini option; if no recorded request has it, of requests that change something."""
    project.pytester.makeini("[pytest]\ngws_required_headers = X-CSRF-TOKEN\n")
    result = project.run(marked(PLAYED, arguments))
    result.assert_outcomes(passed=1, errors=1)
    message = "*request 2, POST /api/v2/me/facebooksessions/S1 UpdateUserData, was sent without the header X-CSRF-TOKEN"
    result.stdout.fnmatch_lines([message])
    assert "request 1" not in str(result.stdout)


def test_a_header_is_required_where_it_was_recorded(project: Project) -> None:
    """A POST that was recorded without it need not have it."""
    first, second = (
        exchange("POST", path, {"n": 1}, {}, request_headers=fields)
        for path, fields in (("/plain", []), ("/with", [("X-Token", "1")]))
    )
    project.cassette("headers.yaml", Cassette(interactions=(first, second), header={"format": 1}))
    body = (
        "\n    import requests\n    requests.post('http://gws.example/plain', json={'n': 1})\n"
        "    requests.post('http://gws.example/with', json={'n': 1}, headers=HEADERS)\n"
    )
    tests = marked(body, "'headers', required_headers=['x-token']")
    project.run(f"HEADERS = {{'X-TOKEN': '2'}}\n{tests}").assert_outcomes(passed=1)
    result = project.run(f"HEADERS = {{}}\n{tests}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*request 2, POST /with, was sent without the header x-token"])


@pytest.mark.parametrize(
    ("arguments", "ini", "fails"),
    [
        ("'told'", "", False),
        ("'told', allow_undelivered=False", "", True),
        ("'told'", "gws_allow_undelivered = false", True),
        ("'told', allow_undelivered=True", "gws_allow_undelivered = false", False),
    ],
)
def test_undelivered_notification_is_counted(project: Project, arguments: str, ini: str, fails: bool) -> None:
    """With the reason; it fails the test unless it is allowed."""
    recorded = cassette(update({"A": 2}, began=0.0), push({"A": 2}, seen=1.0))
    project.cassette("told.yaml", recorded)
    project.pytester.makeini(f"[pytest]\n{ini}\n")
    url = recorded.interactions[0].request.uri
    body = f"\n    import requests\n    requests.post({url!r}, json={recorded.interactions[0].request_json!r})\n"
    result = project.run(marked(body, arguments))
    result.assert_outcomes(passed=1, errors=int(fails))
    result.stdout.fnmatch_lines(["gws_replay: 1 test, 1 played, 0 missed, 0 unplayed, 1 undelivered, 0 connections*"])
    result.stdout.fnmatch_lines(["*notification 0 on *reached nobody: *"])


def test_two_plugins_for_one_test_are_refused(project: Project) -> None:
    """Both would respond to its requests."""
    result = project.run(f"@pytest.mark.vcr\n{marked(PLAYED)}", "-W", "ignore::pytest.PytestUnknownMarkWarning")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*::test_it has both @pytest.mark.vcr and @pytest.mark.gws_cassette: *so use one"])


def test_misspelled_cassette_name_gets_a_suggestion(project: Project) -> None:
    """The nearest name in its folder."""
    result = project.run(marked(PLAYED, "'smal'"))
    result.stdout.fnmatch_lines(["*cassette_not_found: cassettes/smal.yaml does not exist (did you mean 'small'?). *"])


def test_small_has_no_header() -> None:
    """The tests above rely on it."""
    assert all(each.request.headers == Headers() for each in small().interactions)
