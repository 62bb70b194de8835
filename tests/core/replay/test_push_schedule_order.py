"""Which notifications go, and in which order: the rule of `pushes` against a plain model of it."""

from collections.abc import Sequence
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import INSTANT, RECORDED, PushSchedule
from tests.support.cassette_indexes import MOMENTS, cassette_index, times

What = Literal["ask", "answer"]


def out_of(played: CassetteIndex, events: Sequence[tuple[What, int]]) -> list[list[int]]:
    """A model: which notifications have gone after each event. Each event looks at all that are left, from the first.

    One that is open goes; one that was passed by once no longer holds up others; any other one ends the look.
    """
    done: dict[What, set[int]] = {"ask": set(), "answer": set()}
    gone: list[int] = []
    stepped_over: set[int] = set()
    found = []
    for what, interaction in events:
        done[what].add(interaction)
        began = max(played.interactions[index].began for index in done["ask"])
        for number, told in enumerate(played.cassette.notifications):
            if number in gone:
                continue
            assert told.cause
            cause = told.cause.interaction
            if cause in done["ask" if told.cause.after == "request" else "answer"]:
                gone.append(number)
            elif cause not in done["ask"] and played.interactions[cause].ended <= began:
                stepped_over.add(number)
            elif number not in stepped_over:
                break
        found.append(list(gone))
    return found


@st.composite
def runs(draw: st.DrawFn) -> tuple[CassetteIndex, list[tuple[What, int]]]:
    """A cassette whose updates may overlap, and a client that asks in any order and is answered in any order."""
    spans = [
        (began, began + draw(st.integers(1, 5))) for began in sorted(draw(st.lists(st.integers(0, 12), max_size=5)))
    ]
    causes = st.tuples(st.integers(0, len(spans) - 1), st.sampled_from(MOMENTS))
    pushed = draw(st.lists(causes, max_size=6)) if spans else []
    played = cassette_index(spans, [(20.0 + n, cause, after) for n, (cause, after) in enumerate(pushed)])
    open_: list[int] = []
    events: list[tuple[What, int]] = []
    for index in draw(st.permutations(range(len(spans)))):
        events.append(("ask", index))
        open_.append(index)
        answers = draw(st.permutations(open_))[: draw(st.integers(0, len(open_)))]
        events.extend(("answer", answered) for answered in answers)
        open_ = [each for each in open_ if each not in answers]
    return played, [*events, *(("answer", index) for index in open_)]


@given(runs(), st.sampled_from([INSTANT, RECORDED]))
@settings(max_examples=120)
def test_what_goes_and_in_which_order_is_as_the_rule_says(
    run: tuple[CassetteIndex, list[tuple[What, int]]], factor: float
) -> None:
    """For any order of requests and answers; when all were answered none is left."""
    played, events = run
    pushes = PushSchedule(played, factor=factor, start=0.0)
    taken: list[int] = []
    for (what, index), expected in zip(events, out_of(played, events), strict=True):
        if what == "ask":
            pushes.asked(index, 1.0)
        else:
            pushes.answered(index, 1.0)
        taken.extend(index for _, index in times(pushes))
        assert expected == taken
    if events:
        assert sorted(taken) == list(range(len(played.cassette.notifications)))
        assert () == pushes.not_shown
