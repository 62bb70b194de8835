"""Reading: a unittest class, tests in coroutines, and a CometD client of this module's own."""

import base64
import unittest

import aiohttp
import pytest
from agent_client import URL, USER, Rest

pytestmark = pytest.mark.gws_cassette

SESSION = "0002DaAVKJ0V0095"


class TestDesk(unittest.TestCase):
    """unittest's fixtures are recorded as pytest's are."""

    @classmethod
    def setUpClass(cls):
        """Log in once for the class."""
        cls.rest = Rest()
        cls.user = cls.rest.login()

    @classmethod
    def tearDownClass(cls):
        """Read once more at the end."""
        cls.rest.version()
        cls.rest.http.close()

    def test_user(self):
        """The agent's name is known from the login alone; a request follows, as a marked test has to send one."""
        self.assertTrue(self.user["userName"])
        self.rest.version()

    def test_version(self):
        """The version is that of the server."""
        self.assertRegex(self.rest.version(), r"^\d+\.")

    def test_sessions(self):
        """There are two sessions."""
        self.assertEqual(2, len(self.rest.sessions()))

    def test_unknown_session(self):
        """An operation on a session that does not exist is refused."""
        self.assertNotEqual(0, self.rest.operate("0000", "UpdateUserData", userData={"A": 1}))


@pytest.fixture(scope="module", params=["/api/v2/me", "/api/v2/diagnostics/version"], ids=["me", "version"])
def address(request, rest):
    """An address that was read when the fixture was set up."""
    assert rest.http.get(URL + request.param, timeout=30).ok
    return URL + request.param


@pytest.mark.parametrize("number", range(6))
def test_read_again(rest, address, number):
    """The k-th test of a parametrized fixture reads the same."""
    assert rest.http.get(address, timeout=30).json()["statusCode"] == 0


@pytest.fixture(scope="module")
async def http():
    """An aiohttp session for the module, logged in."""
    credentials = base64.b64encode(":".join(USER).encode()).decode()
    async with aiohttp.ClientSession(base_url=URL, headers={"Authorization": f"Basic {credentials}"}) as session:
        async with session.get("/api/v2/me") as response:
            session.headers["X-CSRF-TOKEN"] = response.headers["X-CSRF-TOKEN"]
        yield session


@pytest.mark.parametrize("number", range(8))
async def test_read_in_a_coroutine(http, number):
    """Eight tests share the session and its loop."""
    async with http.get("/api/v2/diagnostics/version") as response:
        assert (await response.json())["version"]


@pytest.mark.parametrize("value", [f"async {number}" for number in range(6)])
async def test_update_in_a_coroutine(http, notifications, value):
    """The module's CometD client, in its thread, sees what a coroutine sends."""
    before = len(notifications.received)
    body = {"operationName": "UpdateUserData", "userData": {"Async": value}}
    async with http.post(f"/api/v2/me/facebooksessions/{SESSION}", json=body) as response:
        assert (await response.json())["statusCode"] == 0
    assert notifications.wait_for(SESSION, "Async", value, after=before)
