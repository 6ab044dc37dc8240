"""What scoring answers: what was recorded, what is owed, what it costs as it stands now.

Instants and numbers of what was kept stand as they were written down (``shared.http.answers``).
"""

from pydantic import AwareDatetime, BaseModel, Field

from services.scoring.domain.obligations import Duty, Status
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
    ShiftRostered,
)
from shared.http.answers import ExactText, InstantText, View
from shared.values.canonical import plain


class Recorded(BaseModel):
    """What is said of everything that people record."""

    record: str = Field(description="Kind, and the name that came from the caller's own key.")
    type: str = Field(description="Type of the event that tells it.")
    at: InstantText = Field(description="When it happened.")


class InspectionView(Recorded, InspectionRecorded):
    """An inspection that was recorded."""


class FindingView(Recorded, OffenceFound):
    """An offence that was found."""


class FulfilmentView(Recorded, DutyFulfilled):
    """A report that was submitted, or another periodic duty that was done."""


class AssessmentView(Recorded, AssessmentRecorded):
    """One part of an employee's monthly result (JK-25)."""


class ReportedView(Recorded, FigureReported):
    """A figure that was reported (LN-25)."""


class RosteredView(Recorded, ShiftRostered):
    """A shift that was put on a roster (LN-32)."""


class RulingView(Recorded, DisputeRuled):
    """A ruling over a posting."""


class ListedInspection(InspectionRecorded):
    """An inspection: who inspected, and which outside body assessed."""

    record: str = Field(description="Kind and name of the record.")
    event: str
    at: InstantText
    external: bool = Field(description="An outside body assessed (QS-08).")


class DutyView(View):
    """A duty of one unit for one period, and why it is due then."""

    obligation: str
    unit: str = Field(description="Who owes it.")
    about: str = Field(description="Unit that it is about; the same where nobody else is.")
    period: str = Field(description="2026-06, 2026-Q3, 2026-W31 or 2026.")
    begins: InstantText
    ends: InstantText
    due_before: InstantText
    provisional: bool = Field(description="It leans on a year whose holidays are not published yet.")
    month: str = Field(description="Month that it counts in.")
    status: Status
    title_zh: str
    title_en: str
    clauses: list[str]
    times: int = Field(description="How often it is owed in the period.")
    nil: bool = Field(description="It may be said that there was nothing to report.")
    sections: list[str] = Field(description="What a report must hold.")
    fields: list[str]
    explanation_zh: list[str]
    explanation_en: list[str]

    @classmethod
    def of(cls, found: tuple[Duty, Status]) -> "DutyView":
        """Show a duty and how it stands."""
        duty, status = found
        return cls.showing(
            duty,
            begins=plain(duty.begins),
            ends=plain(duty.ends),
            due_before=plain(duty.due_before),
            month=str(duty.month),
            status=status,
            title_zh=duty.rule.title.zh,
            title_en=duty.rule.title.en,
            clauses=list(duty.rule.source),
            times=duty.rule.times,
            nil=duty.rule.nil,
            sections=sorted(duty.rule.sections),
            fields=sorted(duty.rule.fields),
            explanation_zh=[line.zh for line in duty.lines],
            explanation_en=[line.en for line in duty.lines],
        )


class FigureView(BaseModel):
    """A figure that stands for a month (LN-25)."""

    figure: str
    unit: str
    value: ExactText
    with_problem_users: ExactText


class ShiftView(BaseModel):
    """A person is on duty for a time."""

    roster: str
    unit: str
    start: InstantText
    end: InstantText
    person: str


class GapView(BaseModel):
    """A time in which nobody is on duty though somebody must be (QS-01)."""

    roster: str
    unit: str
    start: InstantText
    end: InstantText
    clauses: list[str]


class RosterView(BaseModel):
    """The rosters of a month."""

    shifts: list[ShiftView]
    gaps: list[GapView]


class PostingView(BaseModel):
    """Points of one unit in one month, with everything needed to follow them down."""

    id: str
    sheet: str
    item: str
    offence: str
    rule: str = Field(description="Key of the rulebook's `scoring.offences`.")
    subject: str = Field(description="The matter, or `unit/<unit>`.")
    points: ExactText = Field(description="Signed. A forfeited item costs its full marks.")
    unit: str = Field(description="Who is charged; empty where no unit of the sheet's kind answers for it.")
    month: str
    at: InstantText = Field(description="When the offence was complete.")
    clauses: list[str]
    department: str
    person: str
    evidence: list[str] = Field(description="Events that show it.")
    explanation_zh: list[str]
    explanation_en: list[str]
    reverses: str = Field(default="", description="Posting that this one takes back.")


class SetAside(BaseModel):
    """A fact that is here, could not be applied, and waits for an operator."""

    event: str
    type: str
    subject: str
    unit: str
    source: str
    sequence: int
    cause: str
    since: InstantText


class WatermarkView(BaseModel):
    """How far each source's facts have arrived."""

    received: dict[str, int] = Field(description="Source → up to here without a gap.")
    heads: dict[str, int] = Field(description="Source → as far as it is known to reach.")
    missing: int
    aside: list[SetAside]


# --- disputes


class SaidView(View):
    """Advice or a ruling, with reasons."""

    by: str
    uphold: bool
    reasons: str
    at: AwareDatetime


class DisputeView(View):
    """A dispute, from its lodging to its ruling (ZY-04)."""

    id: str
    rule: str = Field(description="Key of the rulebook's `procedures.appeals`.")
    against: str = Field(description="What is contested: posting, callback, inspection, management …")
    about: str = Field(description="Subject whose points it is about.")
    names: str = Field(description="What a ruling names there.")
    since: AwareDatetime
    unit: str
    person: str
    made_in: str
    clauses: list[str]
    inspector: str
    standing: str = Field(description="Why this party may: charged-unit, other-side …")
    grounds: str
    evidence: list[str]
    by: str
    by_unit: str
    by_role: str
    at: AwareDatetime
    advise_before: AwareDatetime | None
    decide_before: AwareDatetime
    advice: SaidView | None
    ruling: SaidView | None
    overdue: list[str] = Field(description="Stages that are late: advice, ruling.")


class OverturnView(BaseModel):
    """How often rulings upheld what contested one clause, or one person's findings."""

    of: str = Field(description="The clause or the person.")
    ruled: int
    upheld: int
    share: ExactText
    interval: tuple[ExactText, ExactText] = Field(description="Wilson's 95 % interval of the share.")


class OverturnsView(BaseModel):
    """How often what was contested was overturned."""

    by_clause: list[OverturnView]
    by_inspector: list[OverturnView]
