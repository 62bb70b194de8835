"""What is to be reached, as the last table of a bench: found, goal, and whether it is met."""

import sys
from collections.abc import Iterable


def met(rows: Iterable[tuple[str, float, float, str]]) -> None:
    """Print rows of what, what was found, the goal, and the unit; a goal that begins with "/" of a unit is a floor."""
    print("\n| goal | found | to reach | met |\n|---|--:|--:|---|")
    for what, found, goal, unit in rows:
        is_floor = unit.startswith(">")
        reached = found >= goal if is_floor else found <= goal
        bound = ">=" if is_floor else "<="
        unit_ = unit.removeprefix(">")
        print(f"| {what} | {found:,.4g}{unit_} | {bound} {goal:,.4g}{unit_} | {'yes' if reached else '**no**'} |")
    sys.stdout.flush()
