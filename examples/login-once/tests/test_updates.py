"""Updates of userData: each is seen by the module's CometD client, and changes nothing else."""

import pytest
from agent_client import Rest

pytestmark = pytest.mark.gws_cassette

SESSION, OTHER = "0002DaAVKJ0V0095", "0002DaAVKJ0V0097"
VALUES = [1, -5, 2.5, "5", "", "Grüße", True, None, ["a", 1], {"nested": {"deep": 1}}]


@pytest.mark.parametrize("session_id", [SESSION, OTHER], ids=["first", "second"])
@pytest.mark.parametrize("value", VALUES, ids=[f"value{number}" for number, _ in enumerate(VALUES)])
def test_update(rest, notifications, gws, session_id, value):
    """The server keeps value and type, and pushes the whole userData."""
    before = len(notifications.received)
    rest.sessions()
    with gws.expect_userdata(session_id, written={"Probe": value}):
        assert rest.operate(session_id, "UpdateUserData", userData={"Probe": value}) == 0
        shown = notifications.wait_for(session_id, "Probe", value, after=before)
    assert len(shown) > 5
    assert gws.requests[-1].json["userData"] == {"Probe": value}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_several_updates_in_a_row(rest, notifications, count):
    """Each of them is pushed, in the order in which they were sent."""
    before = len(notifications.received)
    for number in range(count):
        rest.operate(SESSION, "UpdateUserData", userData={"Step": f"{count}.{number}"})
    for number in range(count):
        notifications.wait_for(SESSION, "Step", f"{count}.{number}", after=before)


@pytest.mark.parametrize("key", ["Added", "Added later"])
def test_attach_and_delete(rest, notifications, key):
    """A key comes and goes."""
    before = len(notifications.received)
    rest.operate(OTHER, "AttachUserData", userData={key: "new"})
    assert key in notifications.wait_for(OTHER, key, "new", after=before)
    rest.operate(OTHER, "DeleteUserData", keys=[key])
    rest.operate(OTHER, "UpdateUserData", userData={"After": key})
    assert key not in notifications.wait_for(OTHER, "After", key, after=before)


@pytest.mark.parametrize("number", range(4))
def test_login_of_its_own(number):
    """A test may have a session of its own beside the fixtures'."""
    rest = Rest()
    rest.login()
    assert rest.version()
    rest.http.close()
