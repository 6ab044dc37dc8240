"""What scoring tells and keeps: inspections, reports, postings, published periods."""

from decimal import Decimal
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event


class InspectionRecorded(Event):
    """Someone inspected a unit and recorded what was seen.

    Source: rulebook key ``inspections``.
    """

    TYPE: ClassVar[str] = "inspection.recorded.v1"

    inspection: str
    kind: str
    unit: str
    by: str
    assessor: str = Field(default="", description="Outside body, where a third party assessed (QS-08).")
    observations: dict[str, Decimal] = Field(default_factory=dict, description="Item → points seen.")
    failed_aspects: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    complaint_id: str = Field(default="", description="Matter that was looked into (ZY-11).")


class OffenceFound(Event):
    """An inspector found an offence, with evidence: shirking, bad press, never recorded …"""

    TYPE: ClassVar[str] = "offence.found.v1"

    finding: str
    kind: str
    unit: str
    complaint_id: str = ""
    department: str = ""
    person: str = ""
    evidence: tuple[str, ...]
    reason: str
    by: str
    norm: str = Field(default="", description="Norm that was not followed (LN-15).")
    superior: str = Field(default="", description="Direct superior who answers for it too (LN-24).")


class DutyFulfilled(Event):
    """A report, meeting, inspection round or other periodic duty was done."""

    TYPE: ClassVar[str] = "duty.fulfilled.v1"

    obligation: str
    unit: str
    period: str = Field(description="Period that it answers for: 2026-07, 2026-Q3, 2026-W31 or 2026.")
    sections: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)
    text: str = ""
    evidence: tuple[str, ...] = ()
    by: str
    nil: bool = Field(default=False, description="There was nothing to report, and the unit says so.")


class FigureReported(Event):
    """A number of a unit and a period that nobody can count from matters: turnover, profit, customers (LN-25).

    Source: rulebook key ``obligations.figures``.
    """

    TYPE: ClassVar[str] = "figure.reported.v1"

    figure: str
    unit: str
    period: str
    value: Decimal
    evidence: tuple[str, ...] = ()
    by: str


class ShiftRostered(Event):
    """A person is on duty for a time (LN-32). Source: rulebook key ``obligations.rosters``."""

    TYPE: ClassVar[str] = "shift.rostered.v1"

    roster: str
    unit: str
    person: str
    start: AwareDatetime
    end: AwareDatetime
    by: str


class AssessmentRecorded(Event):
    """One part of an employee's monthly result (JK-25)."""

    TYPE: ClassVar[str] = "assessment.recorded.v1"

    person: str
    unit: str
    month: str
    scheme: str
    part: str
    score: Decimal
    by: str


class DisputeLodged(Event):
    """Somebody contests what costs points (ZY-04, LN-21, XA-05). Source: rulebook key ``procedures.appeals``."""

    TYPE: ClassVar[str] = "dispute.lodged.v1"

    dispute: str
    rule: str
    against: str = Field(description="What is contested: posting, callback, inspection, management …")
    about: str = Field(description="Posting, event, or unit that it is about.")
    unit: str
    standing: str = Field(description="Why this party may: charged-unit, other-side …")
    grounds: str
    evidence: tuple[str, ...] = ()
    advise_before: AwareDatetime | None = None
    decide_before: AwareDatetime
    by: str


class DisputeAdvised(Event):
    """Advice on a dispute, with reasons. The ruling follows it or says why not (ZY-04)."""

    TYPE: ClassVar[str] = "dispute.advised.v1"

    dispute: str
    unit: str
    uphold: bool
    reasons: str
    by: str


class DisputeOverdue(Event):
    """Advice or ruling on a dispute did not come in time. The event's time is the deadline itself."""

    TYPE: ClassVar[str] = "dispute.overdue.v1"

    dispute: str
    unit: str
    stage: str = Field(description="advice | ruling.")
    due_before: AwareDatetime
    clause: str


class DisputeRuled(Event):
    """A dispute over a posting was ruled. Upheld: the posting is reversed."""

    TYPE: ClassVar[str] = "dispute.ruled.v1"

    offence: str = Field(description="Offence id of the posting.")
    about: str = Field(
        default="", description="The posting's subject: its case, or unit/<id>. Else no effect."
    )
    unit: str
    upheld: bool
    reasons: str
    by: str
    dispute: str = ""
    restates: bool = Field(default=False, description="Upheld, it restates the month that was published.")
    clauses: tuple[str, ...] = ()
    inspector: str = Field(default="", description="Person whose finding was contested.")


class ScorePosted(Event):
    """Points were given or taken. Consumers: HR, BI, any other system.

    The posting can be followed down to clause, deadline explanation and evidence.
    """

    TYPE: ClassVar[str] = "score.posted.v1"

    posting: str
    sheet: str
    item: str
    offence: str
    rule: str
    points: Decimal
    unit: str
    month: str
    clause: str
    department: str = ""
    person: str = ""
    evidence: tuple[str, ...] = ()
    reverses: str = ""


class PeriodClosed(Event):
    """A period was closed and published. It says from exactly which facts, under which edition.

    ``watermark`` maps each source to the last sequence that counted; ``backtest`` folds up to it.
    """

    TYPE: ClassVar[str] = "period.closed.v1"

    period: str
    version: int
    as_of: AwareDatetime
    watermark: dict[str, int]
    facts_hash: str
    edition_hash: str
    result_hash: str
    by: str


class ScorecardPublished(Event):
    """A unit's scorecard of a month, for its HR (JK-21)."""

    TYPE: ClassVar[str] = "scorecard.published.v1"

    period: str
    version: int
    sheet: str
    unit: str
    total: Decimal
    items: dict[str, Decimal]
    card: dict[str, Any]


class RankingPublished(Event):
    """A month's or quarter's ranking."""

    TYPE: ClassVar[str] = "ranking.published.v1"

    period: str
    version: int
    ranking: str
    rows: tuple[dict[str, Any], ...]


class IndicatorsPublished(Event):
    """A unit's indicators of a month, each with what it was counted from (ZY-14)."""

    TYPE: ClassVar[str] = "indicators.published.v1"

    period: str
    version: int
    unit: str
    indicators: tuple[dict[str, Any], ...]


class RecommendationMade(Event):
    """The rulebook asks for a talk, advice or another step about a unit (JK-24)."""

    TYPE: ClassVar[str] = "recommendation.made.v1"

    period: str
    unit: str
    rule: str
    clause: str
    text_zh: str
    text_en: str


class AwardGranted(Event):
    """A title and its money (JK-23)."""

    TYPE: ClassVar[str] = "award.granted.v1"

    period: str
    unit: str
    award: str
    amount: Decimal
    currency: str
    paid_by: str
    clause: str
    what: str = Field(default="award", description="award | penalty | red-list | black-list.")
