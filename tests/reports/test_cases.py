"""Whatever a comparison finds is a rule that reports can name."""

from gws_replay.core.comparison.finding import KINDS
from gws_replay.reports.cases import RULES


def test_every_kind_of_finding_is_a_rule() -> None:
    """SARIF has a description for each."""
    assert set(KINDS) <= RULES.keys()
