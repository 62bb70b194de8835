"""Every fault of the sandbox is caught by the oracle on every channel, and named by what is wrong.

Without sockets or a clock, so that the whole table is cheap; a few of its cells run through real sockets in
`test_oracle_end_to_end`.
"""

import random
from pathlib import Path

import pytest

from gws_replay.sandbox.channels import CHANNELS as GWS
from gws_replay.sandbox.faults import FAULTS
from gws_replay.sandbox.userdata import Operation, Outcome, faithful
from gws_replay.sandbox.workspace_v3 import WORKSPACE
from tests.support.fault_scenario import operations, played

CHANNELS = {**GWS, **WORKSPACE}
# The reason, or a part of it, that the verdict must give for each fault.
NAMED = {
    "extra-key": "changed besides: FirstName",
    "added-key": "changed besides: SandboxAddedKey: added",
    "dropped-key": "changed besides: Attached2: removed",
    "replaced": "changed besides: LastName: removed",
    "not-written": "the notification is stale",
    "partly-written": "UserData1: sent 987654321",
    "null-dropped": "Nothing: sent null, the notification does not show it",
    "deleted-to-null": "Attached: should be deleted, the notification shows null",
    "key-case": 'changed besides: aTTACHED: added "one"',
    "key-twice": 'UserData1: sent 987654321 (integer), the notification shows {"repeated key": [987654321, "old"]}',
    "overwritten": "changed besides: Count: removed, was 42",
    "wrong-value": "UserData1: sent 987654321 (integer), the notification shows 987654322",
    "nested-value": "List: sent [1, 0, 3, 2] (array), the notification shows [2, 0, 3, 2]",
    "number-to-string": 'Count: sent 42 (integer), the notification shows "42" (string)',
    "string-to-number": 'Digits: sent "00042" (string), the notification shows 42 (integer)',
    "int-to-float": "Count: sent 42 (integer), the notification shows 42.0 (number)",
    "float-to-int": "Price: sent 1234.5678912 (number), the notification shows 1234 (integer)",
    "bool-to-int": "Flag: sent true (boolean), the notification shows 1 (integer)",
    "one-to-true": "List: sent [1, 0, 3, 2] (array), the notification shows [true, false, 3, 2]",
    "big-int-rounded": "Big: sent 9007199254740993 (integer), the notification shows 9007199254740992",
    "float-rounded": "Price: sent 1234.5678912 (number), the notification shows 1234.57",
    "null-to-string": 'Nothing: sent null (null), the notification shows "null" (string)',
    "empty-to-null": 'Empty: sent "" (string), the notification shows null (null)',
    "truncated": "Long: sent",
    "mis-decoded": "Composed: sent",
    "decomposed": "Composed: sent",
    "composed": "Decomposed: sent",
    "stripped": 'Space: sent "  two  " (string), the notification shows "two"',
    "escaped": 'the notification shows "&lt;b&gt;R &amp; D&lt;/b&gt;"',
    "reordered": "List: sent [1, 0, 3, 2] (array), the notification shows [0, 1, 2, 3]",
    "appended": "List: sent [1, 0, 3, 2] (array), the notification shows [1, 0, 3, 2, 1, 0, 3, 2]",
    "lost-update": "the next GET does not show it",
    "not-stored": "disagrees with the notification: Attached: removed",
    "stored-otherwise": "disagrees with the notification: FirstName",
    "other-session": "changed too, from",
    "other-attribute": "state",
    "refused-written": "changed though it was refused: Attached: added",
    "error-written": "changed though it was refused: Attached: added",
    "not-notified": "answers it, though others were recorded",
    "stale-notification": "the notification is stale",
    "other-write": "changed besides: SandboxOtherKey: added",
    "delta-only": "changed besides: FirstName: removed",
    "without-userdata": "userData",
    "doubled": 'FirstName: "',
    "misdirected": "changed too, from",
}
# The other reason on some channels.
NAMED_THERE = {
    # There a notification that leaves userData out says that there is none.
    ("without-userdata", "voice"): "changed besides: FirstName: removed",
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "oracle.md"


@pytest.mark.parametrize("channel", CHANNELS)
def test_correct_server_passes(channel: str) -> None:
    """The same operations on a server without a fault: each is judged, and passes."""
    verdicts = [(update.operation, update.verdict, update.reasons) for update in played(CHANNELS[channel])]

    assert [(operation, "passed", ()) for operation, _, _ in verdicts] == verdicts
    assert len(operations(CHANNELS[channel])) == len(verdicts)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_caught_and_named(fault: str, channel: str) -> None:
    """On every channel."""
    failed = [update for update in played(CHANNELS[channel], FAULTS[fault].apply) if update.verdict == "failed"]

    named = NAMED_THERE.get((fault, channel), NAMED[fault])
    reasons = [reason for update in failed for reason in update.reasons]
    assert any(named in reason for reason in reasons), reasons


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("seed", range(20))
def test_several_faults_at_once_never_pass(seed: int, channel: str) -> None:
    """One fault does not hide another: an operation passes only if nothing is wrong with it."""
    chosen = random.Random(seed)
    wrong = []

    def apply(operation: Operation) -> Outcome:
        outcome = FAULTS[chosen.choice(sorted(FAULTS))].apply(operation)
        wrong.append(outcome != faithful(operation))
        return outcome

    verdicts = [update.verdict for update in played(CHANNELS[channel], apply)]

    assert any(wrong)
    assert "failed" in verdicts


def test_every_fault_has_its_reason() -> None:
    """The table of this file is complete."""
    assert list(FAULTS) == list(NAMED)
    assert NAMED_THERE.keys() <= {(fault, channel) for fault in FAULTS for channel in CHANNELS}


def test_document_has_the_table_of_faults() -> None:
    """A row for each fault, with its description, and a column for each channel."""
    assert table() in DOCUMENT.read_text("utf-8")


def table() -> str:
    """Write the table of the document: every cell of it is a test above."""
    rows = [
        ("fault", "what the server does", *CHANNELS),
        ("---",) * (len(CHANNELS) + 2),
        *((f"`{name}`", fault.description, *("caught",) * len(CHANNELS)) for name, fault in FAULTS.items()),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
