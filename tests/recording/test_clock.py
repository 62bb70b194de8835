"""Times without the jumps of the system's clock."""

from gws_replay.recording.clock import SteadyTimes


def test_clock_ignores_jumps_only() -> None:
    """Back by an hour, ahead by a day; a clock that is adjusted slowly or read late is kept."""
    clock = {"wall": 1000.0, "steady": 5.0}

    def passed(seconds: float, jump: float = 0.0) -> float:
        clock["steady"] += seconds
        clock["wall"] += seconds + jump
        return steady(clock["wall"])

    steady = SteadyTimes(lambda: clock["wall"], lambda: clock["steady"])
    times = [passed(1), passed(1, -3600), passed(1), passed(1, 86_400), passed(1, 0.2), passed(1)]
    assert [1001, 1002, 1003, 1004, 1005.2, 1006.2] == [round(each, 6) for each in times]
