"""The call to a customer after the matter: when it may be made, by whom, and answers that fit the questionnaire."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from jiandu.demo.habits import Manners
from jiandu.demo.walk import Walk
from services.callback.domain import field_of, plan_for
from shared.events.handling import CaseClosed, CaseResolved
from shared.rulebook.schema.callback import CallbackPlan, Question
from shared.rulebook.steps import window_of

CALLS = "callbacks.call"
_MOMENTS = {CaseResolved: "resolution", CaseClosed: "closing"}
_OPENS, _CLOSES = time(9), time(20)
_LATEST_DAYS = 3
_SATISFIED_FROM = 3


def interview(walk: Walk, manners: Manners, rng: Random) -> tuple[datetime, dict[str, Any]] | None:
    """Return when the customer of a closed matter is called and what is answered; None: nobody calls.

    Of a sample nobody knows beforehand whom it picks, so only plans that call everybody are played. Answers that
    would re-open a case are left out: they come no lower than one above.
    """
    found = _plan(walk)
    if found is None or rng.randrange(100) < manners.uncalled:
        return None
    over_at, plan = found
    window = window_of(plan, over_at, walk.edition.calendar)
    length = min(window.due_before - window.earliest, timedelta(days=_LATEST_DAYS))
    begins = window.earliest + length * rng.uniform(0.1, 0.9)
    at = _in_hours(walk, begins, timedelta(minutes=rng.randint(1, 150)))
    if at >= window.due_before:
        return None
    drawn = rng.choices(range(1, 6), manners.answers)[0]
    satisfaction = max(drawn, plan.reopen_at + 1)
    body: dict[str, Any] = {"at": at, "outcome": "completed", "satisfaction": satisfaction}
    questions = walk.edition.at(over_at).callback.questionnaires[plan.questionnaire].questions
    if "solved" in questions:
        body["solved"] = satisfaction >= _SATISFIED_FROM
    if answers := _answers(questions, body.get("solved")):
        body["answers"] = answers
    hand = walk.cast.hand(walk.case.unit, CALLS, apart=not plan.own_unit)
    body["acting_for"] = {"person": hand.person, "role": hand.role, "unit": hand.unit}
    return at, body


def _plan(walk: Walk) -> tuple[datetime, CallbackPlan] | None:
    """Return the moment that the window counts from, and the plan, where it calls everybody."""
    for one in walk.happened:
        if isinstance(one.event, CaseResolved | CaseClosed):
            named = plan_for(one.event, walk.edition, walk.edition.calendar.local_day(one.time))
            if named and named[1].after == _MOMENTS[type(one.event)] and named[1].ratio == 1:
                return one.time, named[1]
    return None


def _in_hours(walk: Walk, at: datetime, after: timedelta) -> datetime:
    """Return the moment, or else one some time after customers may be called again."""
    calendar = walk.edition.calendar
    local = at.astimezone(calendar.zone)
    if local.time() < _OPENS:
        at = calendar.at(local.date(), _OPENS) + after
    elif local.time() >= _CLOSES:
        at = calendar.at(local.date() + timedelta(days=1), _OPENS) + after
    return at.replace(microsecond=0)


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
