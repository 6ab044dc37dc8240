"""What callback answers: tasks, calls, questionnaires, a month in numbers."""

from dataclasses import asdict
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.callback.domain import Matter, Summary, Task
from shared.http.answers import View
from shared.rulebook.schema import Text


class ClaimView(View):
    """Who holds a task, and until when."""

    by: str
    until: AwareDatetime


class AttemptView(View):
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


class TaskView(View):
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
        return cls.showing(
            task,
            complaint_id=matter.complaint_id,
            number=matter.number,
            again=bool(task.first_by),
            attempts_made=len(task.attempts),
            attempts_wanted=task.wanted,
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


class CallView(BaseModel):
    """What a call came to."""

    complaint_id: UUID
    occurrence: int
    status: str
    attempt: AttemptView


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


class IntervalView(View):
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
        return cls.model_validate({**asdict(summary), **asdict(summary.counts)})


class MonthView(BaseModel):
    """A month: tasks whose window ends in it, void ones left out."""

    month: str
    total: SummaryView
    units: list[SummaryView]
