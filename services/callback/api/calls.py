"""Callback over HTTP: the queue, claims, calls, questionnaires, a month in numbers."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.callback.api.entry import Reader, Seen, Use, Within
from services.callback.api.views import (
    AttemptView,
    CallView,
    Contact,
    MonthView,
    QuestionnaireView,
    QuestionView,
    SummaryView,
    TaskDetail,
    TaskView,
)
from services.callback.domain import Call, Dialler, Outcome, field_of
from services.callback.store import TaskQuery
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, by_moment, page_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.identity.vault import ErasedError, mask_name, mask_phone
from shared.rulebook.late_entry import happened_at, must_import
from shared.service.context import ServiceContext
from shared.service.entry import Context
from shared.values.bounds import Instant, Month

router = APIRouter(prefix="/v1", tags=["callbacks"])

Calls = Annotated[Caller, needs("callbacks.call")]

StatusName = Literal["open", "missed", "completed", "refused", "unreachable", "void"]
Units = Annotated[list[str], Query(description="Only these units and those below them.")]


class Behalf(Body):
    """Whose call it was, where somebody else enters it."""

    person: str = Field(min_length=1, max_length=100)
    role: str = Field(default="", max_length=100)
    unit: str = Field(default="", max_length=100)


class CallBody(Body):
    """A call that was made."""

    outcome: Outcome
    answers: dict[str, Annotated[str, Field(max_length=2000)]] = Field(default={}, max_length=50)
    satisfaction: int | None = Field(
        default=None, ge=1, le=5, description="1 very dissatisfied … 5 very satisfied."
    )
    solved: bool | None = None
    call_back_at: Instant | None = None
    at: Instant | None = Field(
        default=None, description="When it was made, for late entries; needs the right 'complaints.import'."
    )
    acting_for: Behalf | None = Field(
        default=None, description="Who made it, for late entries; needs the right 'complaints.import'."
    )


class ClaimBody(Body):
    """For how long, and for which units, a caller takes the next task."""

    minutes: int = Field(default=15, ge=1, le=120)
    units: list[str] = Field(default=[], max_length=50)


class RevealBody(Body):
    """Why the contact is opened."""

    purpose: str = Field(min_length=3, max_length=300)


# --- reading


@router.get("/tasks", summary="List callback tasks", dependencies=[needs("callbacks.read")])
async def page(
    use: Use,
    within: Within,
    cursor: Cursor,
    status: Annotated[list[StatusName], Query()] = ["open"],  # noqa: B006  # FastAPI copies it
    unit: Units = [],  # noqa: B006  # as above
    due_from: Instant | None = None,
    due_before: Instant | None = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """List the tasks of the caller's units, due soonest first. ``due_from`` and ``due_before`` bound the window's end."""
    wanted = TaskQuery(
        units=within(unit),
        statuses=list(dict.fromkeys(status)),
        due_from=due_from,
        due_before=due_before,
        after=cursor.moment(),
        limit=limit,
    )
    found = [(matter, matter.current) for matter in await use.calls.page(wanted)]
    shown = [TaskView.of(matter, task) for matter, task in found if task]
    return page_of(
        shown, limit, lambda one: one, cursor, lambda one: by_moment(one.due_before, one.complaint_id)
    )


@router.get("/tasks/{complaint_id}", summary="Read a callback task")
async def read(complaint_id: UUID, use: Use, sees: Seen, who: Reader) -> TaskDetail:
    """Read the task of a complaint's last closing, with the contact masked."""
    matter, task = await use.calls.get(str(complaint_id), sees)
    try:
        found = await use.calls.contact(matter) if matter.boxes else {}
    except ErasedError:
        found = {}
    contact = Contact(name=mask_name(found.get("name", "")), phone=mask_phone(found.get("phone", "")))
    return TaskDetail(
        **TaskView.of(matter, task).model_dump(),
        contact=contact if found else None,
        attempts=[AttemptView.model_validate(one) for one in task.attempts],
        earlier=[TaskView.of(matter, one) for one in matter.tasks[:-1]],
    )


@router.get("/questionnaire/{complaint_id}", summary="Read what is asked")
async def questionnaire(complaint_id: UUID, use: Use, sees: Seen, who: Reader) -> QuestionnaireView:
    """Read the questions of a task, in both languages, in the order in which they are asked."""
    task, asked = await use.calls.questionnaire(str(complaint_id), sees)
    return QuestionnaireView(
        complaint_id=complaint_id,
        occurrence=task.occurrence,
        title=asked.title,
        questions=[
            QuestionView(
                key=key,
                field=field_of(key, one),
                kind=one.kind,
                required=one.required,
                title=one.title,
                choices=dict(one.choices),
                asked_if={name: list(answers) for name, answers in one.asked_if.items()},
                opens_on=list(one.opens_on),
            )
            for key, one in asked.questions.items()
        ],
    )


@router.get("/summary", summary="Read a month in numbers")
async def summary(use: Use, within: Within, who: Reader, month: Month, unit: Units = []) -> MonthView:  # noqa: B006  # FastAPI copies it
    """Read how many calls were owed, tried, answered and answered in time, and how satisfied customers were.

    A task belongs to the month that its window ends in. A customer who was not reached gave no answer.
    """
    total, units = await use.calls.summary(month, within(unit))
    return MonthView(month=month, total=SummaryView.of(total), units=[SummaryView.of(one) for one in units])


# --- commands


@router.post("/tasks/claim", summary="Take the next task")
async def claim(body: ClaimBody, use: Use, context: Context, within: Within, who: Calls) -> TaskView:
    """Take the task that is due soonest, for some minutes. No other caller gets it meanwhile.

    A caller who holds a task gets that one again, so the call may be repeated. When none is free: 404
    ``queue-empty``.
    """
    caller, lasts = _dialler(context, who, None), timedelta(minutes=body.minutes)
    matter, task = await use.calls.claim(caller, within(body.units), lasts)
    return TaskView.of(matter, task)


@router.post("/tasks/{complaint_id}/release", summary="Give a task back")
async def release(complaint_id: UUID, use: Use, sees: Seen, who: Calls) -> TaskView:
    """Give a claimed task back, so that another caller may take it."""
    matter, task = await use.calls.release(str(complaint_id), who.account, sees)
    return TaskView.of(matter, task)


@router.post("/tasks/{complaint_id}/reveal", summary="See a customer's contact")
async def reveal(
    complaint_id: UUID,
    body: RevealBody,
    use: Use,
    sees: Seen,
    who: Calls,
    key: IdempotencyKey,
    digest: Digest,
) -> Contact:
    """See name and telephone number for a stated purpose. Who looked, and why, is told as an event first."""
    found = await use.calls.reveal(str(complaint_id), who.person, body.purpose, key, digest, sees)
    return Contact(name=found.get("name", ""), phone=found.get("phone", ""))


@router.post("/tasks/{complaint_id}/attempts", status_code=201, summary="Record a call")
async def attempt(
    complaint_id: UUID,
    body: CallBody,
    use: Use,
    context: Context,
    sees: Seen,
    who: Calls,
    key: IdempotencyKey,
    digest: Digest,
) -> CallView:
    """Record a call and its outcome. It belongs to the last closing before it was made.

    Outside the calling hours, before the window opens, too soon after the last attempt, too often, by a caller whom
    the plan bars, or on an ended task it answers 409 with the reason; answers that do not fit the questionnaire answer 422.
    """
    call = Call(
        outcome=body.outcome,
        at=happened_at(who.rights, body.at, context.clock()),
        who=_dialler(context, who, body.acting_for),
        key=key,
        digest=digest,
        satisfaction=body.satisfaction,
        solved=body.solved,
        answers=body.answers,
        call_back_at=body.call_back_at,
    )
    task, one = await use.calls.attempt(str(complaint_id), call, sees)
    return CallView(
        complaint_id=complaint_id,
        occurrence=task.occurrence,
        status=str(one.status),
        attempt=AttemptView.model_validate(one),
    )


# --- parts


def _dialler(context: ServiceContext, who: Caller, behalf: Behalf | None) -> Dialler:
    if behalf is None:
        return Dialler(who.person, who.account, who.role, context.directory.above(who.unit))
    must_import(who.rights)
    return Dialler(behalf.person, who.account, behalf.role, context.directory.above(behalf.unit))
