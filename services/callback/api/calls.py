"""Callback over HTTP: the queue, claims, calls, questionnaires, a month in numbers."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from services.callback.domain import Attempt, Call, Dialler, Matter, Outcome, Summary, Task, field_of
from services.callback.handlers import Callbacks, Sees
from services.callback.store import TaskQuery
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.pages import Cursor, Limit, Page, cursor_of, page_of, place_of
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.identity.vault import ErasedError, mask_name, mask_phone
from shared.rulebook.late_entry import happened_at, must_import
from shared.rulebook.schema import Text
from shared.service.context import ServiceContext
from shared.values.bounds import Instant, Month

router = APIRouter(prefix="/v1", tags=["callbacks"])

Reader = Annotated[Caller, needs("callbacks.read")]
Calls = Annotated[Caller, needs("callbacks.call")]

StatusName = Literal["open", "missed", "completed", "refused", "unreachable", "void"]
Units = Annotated[list[str], Query(description="Only these units and those below them.")]


class ClaimView(BaseModel):
    """Who holds a task, and until when."""

    by: str
    until: AwareDatetime


class AttemptView(BaseModel):
    """One call. Answers in the customer's own words are kept sealed and not shown."""

    number: int
    outcome: str
    by: str
    at: AwareDatetime
    satisfaction: int | None
    satisfied: bool | None
    solved: bool | None
    reopen: bool
    answers: dict[str, str]
    next_from: AwareDatetime | None

    @classmethod
    def of(cls, one: Attempt) -> "AttemptView":
        """Show ``one``."""
        shown = one.model_dump(exclude={"key", "digest", "sealed", "status"})
        return cls(**{**shown, "outcome": str(one.outcome)})


class TaskView(BaseModel):
    """A callback task as callers see it."""

    complaint_id: UUID
    number: str
    occurrence: int
    unit: str
    kind: str
    class_: str = Field(serialization_alias="class")
    grade: str
    tier: str
    service: str
    status: str
    plan: str
    own_unit: bool = Field(description="Whether the unit itself may call.")
    again: bool = Field(description="Somebody above makes a call again that was made.")
    roles: list[str] = Field(description="Roles that make it; empty: whoever may call.")
    clause: str
    problem_user: bool
    closed_at: AwareDatetime
    earliest: AwareDatetime
    due_before: AwareDatetime
    free_from: AwareDatetime
    attempts_made: int
    attempts_wanted: int
    claim: ClaimView | None

    @classmethod
    def of(cls, matter: Matter, task: Task) -> "TaskView":
        """Show ``task``."""
        return cls(
            complaint_id=matter.complaint_id,
            number=matter.number,
            occurrence=task.occurrence,
            unit=task.unit,
            kind=task.kind,
            class_=task.class_,
            grade=task.grade,
            tier=task.tier,
            service=task.service,
            status=str(task.status),
            plan=task.plan,
            own_unit=task.own_unit,
            again=bool(task.first_by),
            roles=list(task.roles),
            clause=task.clause,
            problem_user=task.problem_user,
            closed_at=task.closed_at,
            earliest=task.earliest,
            due_before=task.due_before,
            free_from=task.free_from,
            attempts_made=len(task.attempts),
            attempts_wanted=task.wanted,
            claim=ClaimView(by=task.claim.by, until=task.claim.until) if task.claim else None,
        )


class Contact(BaseModel):
    """Name and telephone number; masked, unless it was revealed for a purpose."""

    name: str
    phone: str


class TaskDetail(TaskView):
    """A task with its calls, the masked contact, and the tasks of earlier closings.

    ``contact`` is null where the customer's data was erased or has not arrived.
    """

    contact: Contact | None
    attempts: list[AttemptView]
    earlier: list[TaskView]


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


class CallView(BaseModel):
    """What a call came to."""

    complaint_id: UUID
    occurrence: int
    status: str
    attempt: AttemptView


class ClaimBody(Body):
    """For how long, and for which units, a caller takes the next task."""

    minutes: int = Field(default=15, ge=1, le=120)
    units: list[str] = Field(default=[], max_length=50)


class RevealBody(Body):
    """Why the contact is opened."""

    purpose: str = Field(min_length=3, max_length=300)


class QuestionView(BaseModel):
    """One question in both languages."""

    key: str
    field: str = Field(
        description="Where its answer goes in the call: a field of its own, or `answers.<key>`."
    )
    kind: str
    required: bool
    title: Text
    choices: dict[str, Text]
    asked_if: dict[str, list[str]] = Field(description="Question → answers after which this one is asked.")
    opens_on: list[str] = Field(description="Answers that are registered as a matter of their own.")


class QuestionnaireView(BaseModel):
    """What is asked after one closing."""

    complaint_id: UUID
    occurrence: int
    title: Text
    questions: list[QuestionView]


class IntervalView(BaseModel):
    """A Wilson 95 % interval."""

    low: Decimal
    high: Decimal


class SummaryView(BaseModel):
    """Counts and shares of one unit, or of all together. A share of nothing is null."""

    unit: str
    required: int
    attempted: int
    completed: int
    in_time: int
    refused: int
    unreachable: int
    missed: int
    open: int
    answers: int
    satisfied: int
    levels: dict[int, int]
    coverage: Decimal | None = Field(description="Attempted ÷ required.")
    completion: Decimal | None = Field(description="Completed ÷ required.")
    timeliness: Decimal | None = Field(description="Completed inside the window ÷ required.")
    satisfaction: Decimal | None = Field(description="Satisfied ÷ answers, without problem users.")
    satisfaction_interval: IntervalView | None
    satisfaction_of_all: Decimal | None = Field(description="The same with problem users.")

    @classmethod
    def of(cls, summary: Summary) -> "SummaryView":
        """Show ``summary``."""
        counts, interval = summary.counts, summary.satisfaction_interval
        return cls(
            unit=summary.unit,
            required=counts.required,
            attempted=counts.attempted,
            completed=counts.completed,
            in_time=counts.in_time,
            refused=counts.refused,
            unreachable=counts.unreachable,
            missed=counts.missed,
            open=counts.open,
            answers=counts.answers,
            satisfied=counts.satisfied,
            levels=counts.levels,
            coverage=summary.coverage,
            completion=summary.completion,
            timeliness=summary.timeliness,
            satisfaction=summary.satisfaction,
            satisfaction_interval=IntervalView(low=interval.low, high=interval.high) if interval else None,
            satisfaction_of_all=summary.satisfaction_of_all,
        )


class MonthView(BaseModel):
    """A month: tasks whose window ends in it, void ones left out."""

    month: str
    total: SummaryView
    units: list[SummaryView]


# --- reading


@router.get("/tasks", summary="List callback tasks")
async def page(
    request: Request,
    who: Reader,
    status: Annotated[list[StatusName], Query()] = ["open"],  # noqa: B006  # FastAPI copies it
    unit: Units = [],  # noqa: B006  # as above
    due_from: Instant | None = None,
    due_before: Instant | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[TaskView]:
    """List the tasks of the caller's units, due soonest first. ``due_from`` and ``due_before`` bound the window's end."""
    wanted = TaskQuery(
        units=_units(request, who, unit),
        statuses=list(dict.fromkeys(status)),
        due_from=due_from,
        due_before=due_before,
        after=place_of(cursor) if cursor else None,
        limit=limit,
    )
    found = [(matter, matter.current) for matter in await _use(request).page(wanted)]
    shown = [TaskView.of(matter, task) for matter, task in found if task]
    return page_of(shown, limit, lambda one: one, lambda one: cursor_of(one.due_before, one.complaint_id))


@router.get("/tasks/{complaint_id}", summary="Read a callback task")
async def read(complaint_id: UUID, request: Request, who: Reader) -> TaskDetail:
    """Read the task of a complaint's last closing, with the contact masked."""
    use = _use(request)
    matter, task = await use.get(str(complaint_id), _sees(request, who))
    try:
        found = await use.contact(matter) if matter.boxes else {}
    except ErasedError:
        found = {}
    contact = Contact(name=mask_name(found.get("name", "")), phone=mask_phone(found.get("phone", "")))
    return TaskDetail(
        **TaskView.of(matter, task).model_dump(),
        contact=contact if found else None,
        attempts=[AttemptView.of(one) for one in task.attempts],
        earlier=[TaskView.of(matter, one) for one in matter.tasks[:-1]],
    )


@router.get("/questionnaire/{complaint_id}", summary="Read what is asked")
async def questionnaire(complaint_id: UUID, request: Request, who: Reader) -> QuestionnaireView:
    """Read the questions of a task, in both languages, in the order in which they are asked."""
    task, asked = await _use(request).questionnaire(str(complaint_id), _sees(request, who))
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
async def summary(request: Request, who: Reader, month: Month, unit: Units = []) -> MonthView:  # noqa: B006  # FastAPI copies it
    """Read how many calls were owed, tried, answered and answered in time, and how satisfied customers were.

    A task belongs to the month that its window ends in. A customer who was not reached gave no answer.
    """
    total, units = await _use(request).summary(month, _units(request, who, unit))
    return MonthView(month=month, total=SummaryView.of(total), units=[SummaryView.of(one) for one in units])


# --- commands


@router.post("/tasks/claim", summary="Take the next task")
async def claim(body: ClaimBody, request: Request, who: Calls) -> TaskView:
    """Take the task that is due soonest, for some minutes. No other caller gets it meanwhile.

    A caller who holds a task gets that one again, so the call may be repeated. When none is free: 404
    ``queue-empty``.
    """
    units = _units(request, who, body.units)
    matter, task = await _use(request).claim(
        _dialler(request, who, None), units, timedelta(minutes=body.minutes)
    )
    return TaskView.of(matter, task)


@router.post("/tasks/{complaint_id}/release", summary="Give a task back")
async def release(complaint_id: UUID, request: Request, who: Calls) -> TaskView:
    """Give a claimed task back, so that another caller may take it."""
    matter, task = await _use(request).release(str(complaint_id), who.account, _sees(request, who))
    return TaskView.of(matter, task)


@router.post("/tasks/{complaint_id}/reveal", summary="See a customer's contact")
async def reveal(
    complaint_id: UUID, body: RevealBody, request: Request, who: Calls, key: IdempotencyKey, digest: Digest
) -> Contact:
    """See name and telephone number for a stated purpose. Who looked, and why, is told as an event first."""
    found = await _use(request).reveal(
        str(complaint_id), who.person, body.purpose, key, digest, _sees(request, who)
    )
    return Contact(name=found.get("name", ""), phone=found.get("phone", ""))


@router.post("/tasks/{complaint_id}/attempts", status_code=201, summary="Record a call")
async def attempt(
    complaint_id: UUID, body: CallBody, request: Request, who: Calls, key: IdempotencyKey, digest: Digest
) -> CallView:
    """Record a call and its outcome. It belongs to the last closing before it was made.

    Outside the calling hours, before the window opens, too soon after the last attempt, too often, by a caller whom
    the plan bars, or on an ended task it answers 409 with the reason; answers that do not fit the questionnaire answer 422.
    """
    context: ServiceContext = request.app.state.context
    call = Call(
        outcome=body.outcome,
        at=happened_at(who.rights, body.at, context.clock()),
        who=_dialler(request, who, body.acting_for),
        key=key,
        digest=digest,
        satisfaction=body.satisfaction,
        solved=body.solved,
        answers=body.answers,
        call_back_at=body.call_back_at,
    )
    task, one = await _use(request).attempt(str(complaint_id), call, _sees(request, who))
    return CallView(
        complaint_id=complaint_id,
        occurrence=task.occurrence,
        status=str(one.status),
        attempt=AttemptView.of(one),
    )


# --- parts


def _use(request: Request) -> Callbacks:
    found: Callbacks = request.app.state.use.calls
    return found


def _sees(request: Request, who: Caller) -> Sees:
    context: ServiceContext = request.app.state.context
    return lambda unit: context.access.sees(who, unit)


def _units(request: Request, who: Caller, asked: list[str]) -> list[str] | None:
    """Return the units that the caller both may see and asked for; None: all there are."""
    context: ServiceContext = request.app.state.context
    if not asked:
        return None if who.sees_all else context.directory.below(who.unit)
    wanted = sorted({below for top in asked for below in context.directory.below(top)})
    return [unit for unit in wanted if context.access.sees(who, unit)]


def _dialler(request: Request, who: Caller, behalf: Behalf | None) -> Dialler:
    context: ServiceContext = request.app.state.context
    if behalf is None:
        return Dialler(who.person, who.account, who.role, context.directory.above(who.unit))
    must_import(who.rights)
    return Dialler(behalf.person, who.account, behalf.role, context.directory.above(behalf.unit))
