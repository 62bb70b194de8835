"""What is to be reached, as the last table of a bench: found, goal, and whether it is met.

The goals are times of the machine they were set on. A machine of another speed meets or misses them by its own doing,
so a goal also names a peer: what the peer took then, and takes in this run. Then the ratio is what counts.
"""

import sys
from collections.abc import Iterable
from typing import NamedTuple


class Peer(NamedTuple):
    """Who does the same work in the same run, and what it took when the goal was set, in the goal's unit."""

    name: str
    now: float
    then: float


class Goal(NamedTuple):
    """What was found and what is to be reached, in a unit; with ">" before the unit, more is better."""

    what: str
    found: float
    to_reach: float
    unit: str
    peer: Peer | None = None


def met(goals: Iterable[Goal]) -> None:
    """Print the goals, each also as a ratio to its peer."""
    print("\n| goal | found | to reach | met | beside its peer | to reach | met |\n|---|--:|--:|---|--:|--:|---|")
    for goal in goals:
        sign = ">=" if goal.unit.startswith(">") else "<="
        unit = goal.unit.removeprefix(">")
        cells = [goal.what, _spelled(goal.found) + unit, f"{sign} {_spelled(goal.to_reach)}{unit}"]
        cells.append(_answer(goal.found, goal.to_reach, sign))
        if goal.peer:
            found, to_reach = goal.found / goal.peer.now, goal.to_reach / goal.peer.then
            cells += [f"{_spelled(found)} x {goal.peer.name}", f"{sign} {_spelled(to_reach)}"]
            cells.append(_answer(found, to_reach, sign))
        else:
            cells += ["", "", ""]
        print(f"| {' | '.join(cells)} |")
    sys.stdout.flush()


def _answer(found: float, to_reach: float, sign: str) -> str:
    return "yes" if (found >= to_reach if sign == ">=" else found <= to_reach) else "**no**"


def _spelled(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
