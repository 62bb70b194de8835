"""What is to be reached, as the last table of a bench: found, goal, and whether it is met."""

import sys
from collections.abc import Iterable


def met(rows: Iterable[tuple[str, float, float, str]]) -> None:
    """Print rows of what, what was found, the goal, and the unit; with ">" before the unit, more is better."""
    print("\n| goal | found | to reach | met |\n|---|--:|--:|---|")
    for what, found, goal, unit in rows:
        more_is_better = unit.startswith(">")
        reached = found >= goal if more_is_better else found <= goal
        sign, unit_ = (">=", unit[1:]) if more_is_better else ("<=", unit)
        cells = f"{_spelled(found)}{unit_} | {sign} {_spelled(goal)}{unit_}"
        print(f"| {what} | {cells} | {'yes' if reached else '**no**'} |")
    sys.stdout.flush()


def _spelled(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
