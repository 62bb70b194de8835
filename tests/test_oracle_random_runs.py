"""A correct run never fails, whatever it does: Hypothesis plays random ones on every channel."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gws_replay.sandbox.channels import CHANNELS as GWS
from gws_replay.sandbox.workspace_v3 import WORKSPACE
from tests.support.random_runs import Run, runs

CHANNELS = {**GWS, **WORKSPACE}
FEW = 25
# For each channel; docs/oracle.md shows how to run more.
RUNS = int(os.environ.get("GWS_REPLAY_RUNS", FEW))


@pytest.mark.parametrize("channel", CHANNELS)
@settings(max_examples=RUNS, deadline=None, derandomize=RUNS == FEW, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_correct_run_never_fails(channel: str, data: Any) -> None:
    """Any userData, any operations, two sessions, overlapping, any latencies: no verdict is "failed"."""
    requests = data.draw(runs(CHANNELS[channel]))
    run = Run(channel=CHANNELS[channel], requests=requests, shown_late=data.draw(st.booleans()))

    assert [] == [(update.operation, update.reasons) for update in run.verdicts() if update.verdict == "failed"]
