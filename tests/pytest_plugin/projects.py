"""Small projects of a user, for pytest to run inside pytest."""

from pathlib import Path

import pytest

from gws_replay.core.cassette import Cassette
from tests.support.commands import saved, small

AGENT = '''
"""The client under test, with credentials that must appear nowhere."""
import asyncio
import aiohttp, httpx, requests

URL = "http://gws.example/api/v2/me/facebooksessions"
SECRET = {"Authorization": "Basic " + "c2VjcmV0".ljust(20, "x"), "Cookie": "JSESSIONID=c2VjcmV0c2VjcmV0"}

class OwnAdapter(requests.adapters.HTTPAdapter):
    def send(self, request, **options):
        return super().send(request, **options)

class Agent:
    def __init__(self):
        self.session = requests.Session()
        self.session.headers.update(SECRET)
    def sessions(self):
        return self.session.get(URL, params={"fields": "*"}, timeout=9).json()
    def update(self, **data):
        sent = {"operationName": "UpdateUserData", "userData": data}
        return self.session.post(URL + "/S1", json=sent, timeout=9).json()
    def by_httpx(self):
        return httpx.get(URL + "/nowhere", headers=SECRET, verify=False)
    def by_aiohttp(self):
        async def ask():
            async with aiohttp.ClientSession(headers=SECRET) as session:
                async with session.get(URL + "/nowhere") as answer:
                    return answer.status
        return asyncio.run(ask())
    def by_requests(self):
        return requests.get(URL + "/nowhere", headers=SECRET, timeout=9)
    def own_adapter(self):
        with requests.Session() as session:
            session.mount("http://", OwnAdapter())
            return session.get(URL + "/nowhere", headers=SECRET, timeout=9)
    def wrapping(self):
        try:
            self.by_requests()
        except Exception as error:
            raise RuntimeError("the agent failed") from error
    def swallowing(self):
        try:
            self.by_requests()
        except BaseException:
            pass
'''
HEAD = """
import asyncio, socket, unittest
import pytest
from agent import Agent
"""
PLAYED = """
    agent = Agent()
    agent.sessions()
    agent.update(A=2)
"""


class Project:
    """A folder with the agent, its cassettes and its tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.makepyfile(agent=AGENT)
        pytester.syspathinsert()

    def cassette(self, name: str, cassette: Cassette | None = None) -> Path:
        return saved(small() if cassette is None else cassette, self.pytester.path / "cassettes" / name)

    def run(self, tests: str, *options: str, apart: bool = False, file: str = "test_agent") -> pytest.RunResult:
        self.pytester.makepyfile(**{file: HEAD + tests})
        if apart:  # Hypothesis, which no inner test uses, takes half of the time that a process needs to start
            return self.pytester.runpytest_subprocess("-p", "no:hypothesispytest", *options)
        return self.pytester.runpytest_inprocess(*options)


def marked(body: str, arguments: str = "'small'", head: str = "def test_it(gws):") -> str:
    return f"@pytest.mark.gws_cassette({arguments})\n{head}{body}"
