"""What the tests share."""

import os

import pytest
from agent_desktop import Desktop


@pytest.fixture
def desktop():
    """A desktop. The environment matters only while recording: a replay answers whatever host and agent it is asked."""
    desktop = Desktop(
        os.environ.get("GWS_URL", "https://gws.example.com"),
        os.environ.get("GWS_USER", "anybody"),
        os.environ.get("GWS_PASSWORD", "anything"),
    )
    yield desktop
    desktop.rest.http.close()
