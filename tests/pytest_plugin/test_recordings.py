"""Record modes as a user meets them: small projects against a live sandbox, run by pytest inside pytest."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

from gws_replay.pytest_plugin.recordings import InProcessRecording
from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette, pending_path
from tests.support.builders import exchange
from tests.support.commands import saved, small

AGENT = """
import base64, os, requests
SESSION = "0002DaAVKJ0V0095"
class Agent:
    def __init__(self, url):
        self.api = url + "/api/v2/me"
        self.http = requests.Session()
        self.http.auth = ("agent1", "sandbox")
        self.http.headers["X-CSRF-TOKEN"] = self.http.get(self.api, timeout=60).headers["X-CSRF-TOKEN"]
    def sessions(self):
        return self.http.get(self.api + "/facebooksessions?fields=*", timeout=60).json()["facebooksessions"]
    def update(self, **data):
        sent = {"operationName": "UpdateUserData", "userData": data}
        return self.http.post(f"{self.api}/facebooksessions/{SESSION}", json=sent, timeout=60).json()
    def listen(self):
        self.bayeux = lambda **m: self.http.post(self.api[:-3] + "/notifications", json=[m], timeout=60).json()
        self.client = self.bayeux(channel="/meta/handshake")[0]["clientId"]
        self.bayeux(channel="/meta/subscribe", clientId=self.client, subscription="/v2/me/*")
        self.connect()
    def connect(self):
        answers = self.bayeux(channel="/meta/connect", clientId=self.client, connectionType="long-polling")
        return [each["data"] for each in answers if "data" in each]
"""
HEAD = """
import os
import pytest
from agent import SESSION, Agent
URL = {url!r}
"""
LIVES = """
    agent = Agent(URL)
    agent.listen()
    agent.sessions()
    with gws.expect_userdata(SESSION, changed={"UserData1": 1}):
        agent.update(UserData1=1)
        (told,) = agent.connect()
        assert told["facebooksession"]["userData"]["UserData1"] == 1
"""


class Project:
    """A user's folder with an agent that sends to a live sandbox."""

    def __init__(self, pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
        self.pytester = pytester
        self.url = sandbox.url
        pytester.makepyfile(agent=AGENT)
        pytester.syspathinsert()
        self.cassette = pytester.path / "cassettes" / "one.yaml"

    def run(self, body: str, *options: str, marker: str = "'one'", fixture: str = "gws") -> pytest.RunResult:
        test = f"{HEAD.format(url=self.url)}\n@pytest.mark.gws_cassette({marker})\ndef test_it({fixture}):{body}"
        self.pytester.makepyfile(test_agent=test)
        return self.pytester.runpytest_inprocess(*options)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Iterator[Project]:
    with serving() as sandbox:
        yield Project(pytester, sandbox)


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_writing_mode_creates_the_cassette(project: Project, mode: str) -> None:
    """From live requests in the test process, with notifications; then it replays without the sandbox."""
    project.run(LIVES, f"--gws-record={mode}").assert_outcomes(passed=1)
    cassette = load_cassette(project.cassette)
    paths = [exchange.request.path for exchange in cassette.interactions]
    assert ["/api/v2/me", "/api/v2/me/facebooksessions", "/api/v2/me/facebooksessions/0002DaAVKJ0V0095"] == paths
    assert ["content"] == [notification.cause.rule for notification in cassette.notifications if notification.cause]
    assert ["passed"] == [update.verdict for update in cassette.updates()]
    text = project.cassette.read_text("utf-8")
    assert "c2FuZGJveA" not in text
    assert "<redacted:authorization>" in text
    assert [project.cassette] == list(project.cassette.parent.iterdir())
    project.url = "http://nowhere.example"
    project.run(LIVES).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [("none", "replayed"), ("once", "replayed"), ("new_episodes", "replayed"), ("all", "live"), ("rewrite", "live")],
)
def test_each_mode_with_an_existing_cassette(project: Project, mode: str, outcome: str) -> None:
    """It is replayed, or recorded again."""
    saved(small(), project.cassette)
    body = "\n    import requests\n    url = URL + '/api/v2/me/facebooksessions?fields=*'"
    body += "\n    keys = requests.get(url, auth=('agent1', 'sandbox')).json()['facebooksessions'][0]['userData']"
    body += f"\n    assert ('A' in keys) == {outcome == 'replayed'}\n"
    project.run(body, f"--gws-record={mode}", marker="'one', allow_unplayed=True").assert_outcomes(passed=1)
    shows = load_cassette(project.cassette).interactions[0].response_json["facebooksessions"][0]["userData"]
    assert ("A" in shows) == (outcome == "replayed")


def test_new_episodes_are_appended(project: Project) -> None:
    """Recorded requests are replayed, others go live and are appended."""
    saved(small(), project.cassette)
    body = "\n    agent = Agent(URL)\n    assert agent.sessions()[0]['userData'] == {'A': 1, 'B': 'b'}\n"
    project.run(body, "--gws-record=new_episodes").assert_outcomes(passed=1)
    cassette = load_cassette(project.cassette)
    assert 3 == len(cassette.interactions)
    assert ("/api/v2/me", 1) == (cassette.interactions[2].request.path, len(cassette.notifications))
    assert cassette.interactions[2].began > cassette.notifications[0].seen


@pytest.mark.parametrize("fixture", ["gws", "gws_server"])
def test_a_recording_says_what_was_not_examined(fixture: str, project: Project) -> None:
    """As the end of `gws-replay record` does: bodies that nobody could read, and keys that lack a rule."""
    url = "gws_server.url" if fixture == "gws_server" else "URL"
    body = f"""
    agent = Agent({url})
    agent.update(memberTag="x")
    requests.post({url} + "/api/v2/me", data=b"\\x00\\x01\\xff" * 9, timeout=60)
"""
    options = ("--gws-record=rewrite", f"--gws-upstream={project.url}") if url != "URL" else ("--gws-record=rewrite",)
    result = project.run(body.replace("    requests.", "    import requests\n    requests."), *options, fixture=fixture)
    result.stdout.fnmatch_lines(["*note: not examined for secrets and personal data: 1 binary*"])


def test_failed_test_does_not_change_the_cassette(project: Project) -> None:
    """Its recording is kept as pending, and replaces the cassette when the test passes."""
    saved(small(), project.cassette)
    before = project.cassette.read_bytes()
    result = project.run(f"{LIVES}    assert 0\n", "--gws-record=rewrite")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*3 exchanges recorded to *one.pending.yaml, since the test failed*"])
    assert before == project.cassette.read_bytes()
    assert 3 == len(load_cassette(pending_path(project.cassette)).interactions)
    again = LIVES.replace("UserData1=1", "UserData1=2").replace('"UserData1": 1', '"UserData1": 2')
    project.run(again.replace("== 1", "== 2"), "--gws-record=rewrite").assert_outcomes(passed=1)
    assert before != project.cassette.read_bytes()
    assert [project.cassette] == list(project.cassette.parent.iterdir())


@pytest.mark.parametrize(
    ("given", "records"),
    [
        ({"marker": "once"}, True),
        ({"ini": "once"}, True),
        ({"line": "once"}, True),
        ({"marker": "none", "ini": "once"}, False),
        ({"line": "none", "marker": "once"}, False),
        ({"line": "once", "marker": "none", "ini": "none"}, True),
        ({"marker": "once", "CI": "true"}, False),
        ({"ini": "all", "CI": "1"}, False),
        ({"line": "once", "CI": "true"}, True),
        ({"marker": "once", "CI": "false"}, True),
        ({}, False),
    ],
    ids=str,
)
def test_precedence_of_the_record_mode(
    project: Project, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], records: bool
) -> None:
    """The command line before the marker before the ini file; in CI only the command line can write."""
    if "CI" in given:
        monkeypatch.setenv("CI", given["CI"])
    if "ini" in given:
        project.pytester.makeini(f"[pytest]\ngws_record = {given['ini']}\n")
    marker = f"'one', record_mode={given['marker']!r}" if "marker" in given else "'one'"
    options = [f"--gws-record={given['line']}"] if "line" in given else []
    result = project.run("\n    Agent(URL)\n", *options, marker=marker)
    assert (records, records) == (result.parseoutcomes().get("passed") == 1, project.cassette.exists())


@pytest.mark.parametrize("given", ["line", "marker", "ini"])
def test_unknown_mode_is_reported(project: Project, given: str) -> None:
    """In each of these places."""
    if given == "ini":
        project.pytester.makeini("[pytest]\ngws_record = twice\n")
    options = ["--gws-record=twice"] if given == "line" else []
    marker = "'one', record_mode='twice'" if given == "marker" else "'one'"
    result = project.run("\n    pass\n", *options, marker=marker)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*is one of none, once, new_episodes, all, rewrite, not 'twice'*"])


def test_gws_server_records_through_the_proxy(project: Project) -> None:
    """The .url is the same; expectations are judged by the recorded traffic; the cassette replays the same test."""
    body = LIVES.replace("URL", "gws_server.url").replace("gws.expect", "gws_server.expect")
    options = ("--gws-record=once", f"--gws-upstream={project.url}")
    project.run(body, *options, fixture="gws_server").assert_outcomes(passed=1)
    assert ["passed"] == [update.verdict for update in load_cassette(project.cassette).updates()]
    assert [project.cassette] == list(project.cassette.parent.iterdir())
    project.run(body, fixture="gws_server").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gws-record=once"], "*say where to, --gws-upstream https://YOUR-GWS*"),
        (["--gws-record=once", "--gws-upstream=nowhere"], "*'nowhere' is not an address*"),
        (["--gws-record=new_episodes", "--gws-upstream=http://x"], "*new_episodes is for gws*"),
    ],
)
def test_option_for_the_proxy_without_its_use_is_refused(project: Project, options: list[str], message: str) -> None:
    """The sentence shows what to write."""
    result = project.run("\n    pass\n", *options, fixture="gws_server")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_a_cassette_that_another_run_records_is_refused(project: Project) -> None:
    """Two workers cannot damage it: the error of the second names the first."""
    inner = LIVES + "    from gws_replay.pytest_plugin.recordings import InProcessRecording\n"
    inner += "    from pathlib import Path\n"
    inner += "    with pytest.raises(Exception, match='is being written by another recorder'):\n"
    inner += f"        InProcessRecording(Path({str(project.cassette)!r}))\n"
    project.run(inner, "--gws-record=once").assert_outcomes(passed=1)


def test_recording_without_live_requests_writes_no_cassette(project: Project) -> None:
    """It is reported."""
    result = project.run("\n    pass\n", "--gws-record=once", "-rA")
    result.stdout.fnmatch_lines(["*nothing was recorded: no request went live*"])
    assert not project.cassette.exists()
    assert [] == list(project.cassette.parent.iterdir())


PERSONAL = """
    agent = Agent(URL)
    agent.listen()
    agent.sessions()
    with gws.expect_userdata(SESSION, changed={"FirstName": %r}):
        agent.update(FirstName=%r)
        (told,) = agent.connect()
        assert told["facebooksession"]["userData"]["FirstName"] == %r
"""


def test_personal_data_are_expected_as_they_were_sent(project: Project) -> None:
    """While recording, where only stand-ins are seen, and in replay with another value."""
    project.run(PERSONAL % (("Peter Live",) * 3), "--gws-record=once").assert_outcomes(passed=1)
    assert "Peter" not in project.cassette.read_text("utf-8")
    project.url = "http://nowhere.example"
    project.run(PERSONAL % (("Paul Else",) * 3)).assert_outcomes(passed=1)
    project.run(PERSONAL % ("Peter Live", "Paul Else", "Paul Else")).assert_outcomes(failed=1)


REDACTION = "\n@pytest.fixture\ndef gws_redaction():\n    return %s\n"


def test_test_can_have_its_own_redaction_rules(project: Project) -> None:
    """By the fixture gws_redaction; a wrong rule is reported, and nothing is recorded."""
    body = "\n    Agent(URL).sessions()\n"
    rules = REDACTION % "{'keep': ['FirstName'], 'personal': ['RTenant']}"
    project.run(body + rules, "--gws-record=once").assert_outcomes(passed=1)
    shown = load_cassette(project.cassette)
    user_data = shown.interactions[1].response_json["facebooksessions"][0]["userData"]
    assert ("Vitaliy", True) == (user_data["FirstName"], user_data["RTenant"] != "Environment")
    assert shown.header["policy"].startswith("own ")
    for wrong, message in (
        ("{'secret': ['pattern:(']}", "secret: 'pattern:('"),
        ("[1]", "gws_redaction must return a"),
    ):
        result = project.run(body + REDACTION % wrong, "--gws-record=all")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"*{message}*"])


def test_proxy_uses_the_rules_of_the_test(project: Project) -> None:
    """A recording of gws_server expects personal data as they were sent, too."""
    body = PERSONAL.replace("Agent(URL)", "Agent(gws_server.url)").replace("with gws.", "with gws_server.")
    body = body % (("Peter Live",) * 3) + REDACTION % "{'keep': ['LastName']}"
    ran = project.run(body, "--gws-record=once", f"--gws-upstream={project.url}", fixture="gws_server")
    ran.assert_outcomes(passed=1)
    text = project.cassette.read_text("utf-8")
    assert (False, True) == ("Peter" in text, '"LastName": "Onv"' in text)


def test_users_are_distinguished_in_the_test_process(tmp_path: Path) -> None:
    """By a login, its token and a cookie; none of them is in the journal or the cassette."""
    path = tmp_path / "c.yaml"
    run = InProcessRecording(path)
    form = b"grant_type=password&username=bobby.brown&password=x"
    run.take(exchange("POST", "/auth/v3/oauth/token", form, {"access_token": "token-number-1"}, began=0))
    anna = base64.b64encode(b"anna.keller:secret").decode()
    cookie = ("Set-Cookie", "JSESSIONID=cookie-of-anna")
    run.take(exchange(began=1, request_headers=[("Authorization", f"Basic {anna}")], response_headers=[cookie]))
    run.take(exchange(began=2, request_headers=[("Authorization", "Bearer token-number-1")]))
    run.take(exchange(began=3, request_headers=[("Cookie", "JSESSIONID=cookie-of-anna")]))
    journal = next(tmp_path.glob("*.journal")).read_text()
    run.save()
    cassette = load_cassette(run.pending)
    assert [0, 1, 0, 1] == [each.user for each in cassette.interactions]
    assert 2 == len({user.name for user in cassette.users})
    text = journal + run.pending.read_text("utf-8")
    assert [] == [each for each in ("anna", "keller", "bobby", "brown", "token-number", "cookie-of") if each in text]
