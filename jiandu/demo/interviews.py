"""The calls to a customer after the matter: when they may be made, by whom, and answers that fit the questionnaire."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from jiandu.demo.habits import Manners
from jiandu.demo.hours import Hours
from jiandu.demo.walk import Walk
from services.callback.domain import field_of, plan_for
from shared.events.callback import CallbackCompleted
from shared.events.handling import CaseClosed, CaseResolved
from shared.rulebook.schema.callback import CallbackPlan, Question
from shared.rulebook.steps import window_of
from shared.timekeeping.limits import due_before

CALLS = "callbacks.call"
Outcome = int | str
"""An answer from 1 to 5, or why there is none."""

_MOMENTS = {CaseResolved: "resolution", CaseClosed: "closing"}
_OPENS, _CLOSES = time(9), time(20)
_LATEST_DAYS = 3
_SATISFIED_FROM = 3
_BETWEEN = timedelta(hours=6)
"""Between two attempts, where the plan asks for less."""

_NO_ANSWERS = 3


def outcomes(manners: Manners, rng: Random) -> tuple[Outcome, ...]:
    """Draw what comes of the calls: most customers answer, some only at last, a few never; a few are forgotten.

    Who is dissatisfied is called again once the matter was taken up again, and is satisfied then.
    """
    draw = rng.randrange(100)
    answer = rng.choices(range(1, 6), manners.answers)[0]
    kinds: tuple[tuple[int, tuple[Outcome, ...]], ...] = (
        (manners.uncalled, ()),
        (manners.unreached, ("unreachable",) * _NO_ANSWERS),
        (manners.refusing, ("refused",)),
        (manners.second, (rng.choice(("unreachable", "call-back-at")), answer, rng.randint(3, 5))),
    )
    for percent, found in kinds:
        if draw < percent:
            return found
        draw -= percent
    return (answer, rng.randint(3, 5))


def interviews(
    walk: Walk, planned: Sequence[Outcome], rng: Random
) -> Iterator[tuple[datetime, dict[str, Any], bool]]:
    """Give the attempts at a closed matter: when, what came of it, and whether the matter is taken up again then.

    What is planned for later is not used where the customer was satisfied. Of a sample nobody knows beforehand whom
    it picks, so only plans that call everybody are played.
    """
    found = _plan(walk)
    if found is None:
        return
    over_at, plan = found
    calendar = walk.edition.calendar
    hours = Hours(calendar, rng, _OPENS, _CLOSES)
    window = window_of(plan, over_at, calendar)
    opens, latest = window.earliest, window.due_before
    at = opens + min(latest - opens, timedelta(days=_LATEST_DAYS)) * rng.uniform(0.1, 0.9)
    if any(isinstance(one, int) and one <= plan.reopen_at for one in planned):
        # What is taken up again was closed before.
        at = max(at, walk.now + timedelta(minutes=rng.randint(10, 120)))
    for outcome in planned:
        at = hours.within(at).replace(microsecond=0)
        if at >= latest:
            return
        hand = walk.cast.hand(walk.case.unit, CALLS, apart=not plan.own_unit)
        body: dict[str, Any] = {"at": at, "outcome": outcome}
        if isinstance(outcome, int):
            body |= _answered(walk, plan, outcome, over_at)
        elif outcome == "call-back-at":
            body["call_back_at"] = at + timedelta(hours=rng.randint(4, 24))
        body["acting_for"] = {"person": hand.person, "role": hand.role, "unit": hand.unit}
        reopens = isinstance(outcome, int) and outcome <= plan.reopen_at
        yield at, body, reopens
        if isinstance(outcome, int) or outcome == "refused":
            return
        apart = due_before(plan.apart, at, calendar).due_before - at if plan.apart else _BETWEEN
        at = body.get("call_back_at", at + apart) + timedelta(minutes=rng.randint(10, 240))


def dissatisfied(walk: Walk, at: datetime, answer: int, by: str) -> CallbackCompleted:
    """Return what callback tells of an answer that takes the matter up again."""
    return CallbackCompleted(
        complaint_id=walk.case.complaint_id,
        occurrence=walk.case.occurrence,
        satisfaction=answer,
        satisfied=False,
        solved=False,
        reopen=True,
        by=by,
    )


def _plan(walk: Walk) -> tuple[datetime, CallbackPlan] | None:
    """Return the moment that the window counts from, and the plan, where it calls everybody."""
    for one in reversed(walk.happened):
        if isinstance(one.event, CaseResolved | CaseClosed):
            named = plan_for(one.event, walk.edition, walk.edition.calendar.local_day(one.time))
            if named and named[1].after == _MOMENTS[type(one.event)] and named[1].ratio == 1:
                return one.time, named[1]
    return None


def _answered(walk: Walk, plan: CallbackPlan, satisfaction: int, over_at: datetime) -> dict[str, Any]:
    body: dict[str, Any] = {"outcome": "completed", "satisfaction": satisfaction}
    questions = walk.edition.at(over_at).callback.questionnaires[plan.questionnaire].questions
    if "solved" in questions:
        body["solved"] = satisfaction >= _SATISFIED_FROM
    if answers := _answers(questions, body.get("solved")):
        body["answers"] = answers
    return body


def _answers(questions: Mapping[str, Question], solved: object) -> dict[str, str]:
    """Answer what must be answered: choices and yes-no so that nothing is opened and nothing more is asked."""
    given = {"solved": "yes" if solved else "no"}
    for key, one in questions.items():
        if key == "solved" or one.kind == "satisfaction" or not one.required:
            continue
        if not all(given.get(name, "") in wanted for name, wanted in one.asked_if.items()):
            continue
        match one.kind:
            case "choice":
                given[key] = next(choice for choice in one.choices if choice not in one.opens_on)
            case "yes-no":
                given[key] = "yes"
            case "recommendation":
                given[key] = "8"
            case _:
                given[key] = "没有其他意见"
    return {
        key: value
        for key, value in given.items()
        if key in questions and field_of(key, questions[key]) != "solved"
    }
