"""The fixture gws_vcr_config as a user overrides it: fewer matched parts, filters, hooks, hosts that go live."""

import pytest

from gws_replay.storage.files import load_cassette
from tests.pytest_plugin.projects import Project, marked
from tests.support.builders import cassette, exchange
from tests.support.clients import live_server

CONFIG = "\n@pytest.fixture\ndef gws_vcr_config():\n    return {}\n\n"
ASK = "\n    import requests\n    answer = requests.{}\n    assert answer.json() == {}\n"
URL = "http://gws.example/api/v2/x"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    built = Project(pytester)
    recorded = exchange("POST", "/api/v2/x?view=abc&n=1", {"a": 1, "note": "x"}, {"from": "cassette"})
    built.cassette("small.yaml", cassette(recorded))
    return built


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ("{'match_on': ['method', 'path']}", f"post('{URL}?n=2', json={{}}, timeout=60)"),
        ("{'match_on': ['path', 'body']}", f"put('{URL}', json={{'a': 1, 'note': 'x'}}, timeout=60)"),
        ("{'filter_query_parameters': ['view']}", f"post('{URL}?n=1&view=other', json={{'a': 1, 'note': 'x'}})"),
        ("{'filter_post_data_parameters': ['note']}", f"post('{URL}?view=abc&n=1', json={{'a': 1, 'note': 'y'}})"),
    ],
)
def test_excluded_part_does_not_count_in_matching(project: Project, config: str, sent: str) -> None:
    """Also if the cassette was recorded before the configuration was written."""
    body = ASK.format(sent, "{'from': 'cassette'}")
    project.run(CONFIG.format(config) + marked(body)).assert_outcomes(passed=1)
    project.run(CONFIG.format("{}") + marked(body)).assert_outcomes(failed=1)


def test_fields_that_the_project_ignores_do_not_count(project: Project) -> None:
    """The table of pyproject.toml is the same for the plugin and for `serve`."""
    body = ASK.format(f"post('{URL}?view=other&n=1', json={{'a': 1, 'note': 'y'}})", "{'from': 'cassette'}")
    project.run(marked(body)).assert_outcomes(failed=1)
    nested = project.pytester.mkdir("nested")
    table = '[tool.gws_replay.matching]\nignore_query = ["view"]\nignore_body = ["$.note"]\n'
    (nested / "pyproject.toml").write_text(table)
    project.pytester.path.joinpath("cassettes").rename(nested / "cassettes")
    project.run(marked(body), f"--gws-cassette-dir={nested / 'cassettes'}").assert_outcomes(passed=1)


def test_unsupported_key_is_refused_by_name(project: Project) -> None:
    """With the alternative."""
    result = project.run(CONFIG.format("{'record_mode': 'all'}") + marked("\n    pass\n"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*record_mode*--gws-record*"])


def test_a_request_that_a_hook_leaves_out_is_a_miss(project: Project) -> None:
    """It does not go live unseen, as it would with vcrpy."""
    config = CONFIG.format("{'before_record_request': lambda request: None}")
    result = project.run(config + marked(ASK.format(f"get('{URL}', timeout=60)", "{}")))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*before_record_request leaves it out; name its host in ignore_hosts to let it go live*"]
    )


def test_an_ignored_host_goes_live_and_is_not_recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """In replay and in recording."""
    monkeypatch.delenv("CI", raising=False)
    with live_server() as live:
        config = CONFIG.format("{'ignore_hosts': ['127.0.0.1']}")
        body = ASK.format(f"get('{live.url}/y', timeout=60)", "{'from': 'live'}")
        body += f"    requests.post('{URL}?view=abc&n=1', json={{'a': 1, 'note': 'x'}}, timeout=60)\n"
        project.run(config + marked(body)).assert_outcomes(passed=1)
        new = body.replace(URL, live.url.replace("127.0.0.1", "localhost"))
        project.run(config + marked(new, "'new'"), "--gws-record=once").assert_outcomes(passed=1)
        assert 3 == len(live.hits)
    recorded = load_cassette(project.pytester.path / "cassettes" / "new.yaml").interactions
    assert ["POST"] == [each.request.method for each in recorded]


def test_hooks_change_what_is_recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter removes a header, a hook a response; an exchange that a hook drops is not in the cassette."""
    monkeypatch.delenv("CI", raising=False)
    hooks = """{
        "filter_headers": ["X-Private"],
        "before_record_request": lambda request: None if request.path == "/left" else request,
        "before_record_response": lambda response: {**response, "body": {"string": b'{"made_by": "hook"}'}},
    }"""
    with live_server() as live:
        body = ASK.format(f"get('{live.url}/kept', headers={{'X-Private': 'me'}}, timeout=60)", "{'from': 'live'}")
        body += f"    requests.get('{live.url}/left', timeout=60)\n"
        project.run(CONFIG.format(hooks) + marked(body, "'new'"), "--gws-record=once").assert_outcomes(passed=1)
    (only,) = load_cassette(project.pytester.path / "cassettes" / "new.yaml").interactions
    assert ("/kept", None, {"made_by": "hook"}) == (
        only.request.path,
        only.request.headers.get("x-private"),
        only.response_json,
    )


def test_hooks_with_the_proxy_are_refused(project: Project) -> None:
    """They are functions of the test process: it is reported."""
    config = CONFIG.format("{'filter_headers': ['X']}")
    options = ("--gws-record=rewrite", "--gws-upstream=http://127.0.0.1:9")
    result = project.run(config + marked("\n    pass\n", head="def test_it(gws_server):"), *options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*filters and hooks of gws_vcr_config are not for the proxy: record with gws*"])


def test_secret_never_counts_in_matching(project: Project) -> None:
    """A secret in a cassette of another tool causes no miss, and is in no message."""
    recorded = exchange("POST", "/api/v2/x?token=abc&n=1", {"a": 1, "password": "hidden"}, {"made_by": "cassette"})
    project.cassette("small.yaml", cassette(recorded))
    sent = "post('{}?token=other&n=1', json={{'a': {}, 'password': 'live'}}, timeout=60)"
    project.run(marked(ASK.format(sent.format(URL, 1), "{'made_by': 'cassette'}"))).assert_outcomes(passed=1)
    result = project.run(marked(ASK.format(sent.format(URL, 2), "{}")))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*body.a: sent 2, recorded 1"])
    result.stdout.no_fnmatch_line("*hidden*")
