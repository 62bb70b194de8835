"""Who may come in."""

import pytest
from agent_desktop import GwsError


class TestLogin:
    """Each test has a cassette of its own: cassettes/test_login/TestLogin.<test>.yaml."""

    def test_the_answer_names_the_agent(self, gws, desktop):
        """The desktop shows whose it is."""
        assert "agent1" == desktop.rest.login()["userName"]

    def test_operations_carry_the_csrf_token(self, gws, desktop):
        """GWS names the header and gives the token with the first answer, and takes no operation without."""
        desktop.rest.login()
        desktop.rest.operate("/me", "StartContactCenterSession", channels=["facebooksession"])
        assert "X-CSRF-TOKEN" in desktop.rest.comet_headers()

    def test_an_operation_without_login_is_refused(self, gws, desktop):
        """The error is what GWS said, here as text and not as JSON."""
        with pytest.raises(GwsError, match="Csrf token") as refused:
            desktop.rest.operate("/me", "StartContactCenterSession")
        assert 403 == refused.value.status_code
