"""Fixtures as one always writes them. Nothing in them knows of gws_replay."""

import pytest
from agent_client import Notifications, Rest


@pytest.fixture(scope="session")
def rest():
    """An agent who has logged in, once for the whole session."""
    rest = Rest()
    assert rest.login()["userName"]
    yield rest
    rest.http.close()


@pytest.fixture(scope="module")
def notifications():
    """A CometD client that polls for all tests of a module, in an HTTP session of its own."""
    rest = Rest()
    rest.login()
    notifications = Notifications(rest)
    yield notifications
    notifications.close()
    rest.http.close()
