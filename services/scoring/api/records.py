"""What people record: inspections, findings, reports, assessments, rulings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from services.scoring import domain
from services.scoring.api.disputes import party
from services.scoring.api.entry import Use, rules_at, visible
from services.scoring.api.views import (
    AssessmentView,
    FindingView,
    FulfilmentView,
    InspectionView,
    ReportedView,
    RosteredView,
    RulingView,
)
from services.scoring.handlers import UseCases
from shared.errors import FieldProblem, InvalidInputError
from shared.events import Event
from shared.events.scoring import (
    AssessmentRecorded,
    DisputeRuled,
    DutyFulfilled,
    FigureReported,
    InspectionRecorded,
    OffenceFound,
    ShiftRostered,
)
from shared.http.callers import needs
from shared.http.idempotency import Digest, IdempotencyKey
from shared.http.parameters import Body
from shared.identity.access import Caller
from shared.identity.directory import Unit
from shared.rulebook.late_entry import happened_at
from shared.rulebook.schema import Rules
from shared.service.context import ServiceContext
from shared.service.entry import Context
from shared.values.bounds import Instant, Month, Number

router = APIRouter(prefix="/v1", tags=["record"])
record = partial(router.post, status_code=201, response_model_exclude_unset=True)

Words = Annotated[str, Field(max_length=4000)]
Refs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(max_length=200)]


class Recorded(Body):
    """Base of what people record. ``at``: when it happened; stating it needs the right to import."""

    at: Instant | None = None
    unit: str


class NewInspection(Recorded):
    """An inspection of a unit."""

    kind: str
    assessor: str = Field(default="", max_length=200)
    observations: dict[str, Number] = Field(default_factory=dict)
    failed_aspects: tuple[str, ...] = ()
    fields: dict[str, Words] = Field(default_factory=dict)
    evidence: Refs = ()
    complaint_id: UUID | None = None


class NewFinding(Recorded):
    """An offence that an inspector found."""

    kind: str
    complaint_id: UUID | None = None
    department: str = ""
    person: str = ""
    superior: str = Field(default="", max_length=200)
    norm: str = Field(default="", max_length=200)
    evidence: Refs = ()
    reason: str = Field(min_length=1, max_length=4000)


class NewDuty(Recorded):
    """A report, meeting or other periodic duty that was done."""

    obligation: str
    period: str = Field(max_length=8, description="2026-07, 2026-Q3, 2026 or 2026-W31.")
    sections: tuple[str, ...] = ()
    fields: dict[str, Words] = Field(default_factory=dict)
    text: str = Field(default="", max_length=50_000)
    evidence: Refs = ()
    nil: bool = Field(default=False, description="There was nothing to report.")


class NewAssessment(Recorded):
    """One part of an employee's monthly result (JK-25)."""

    person: str
    month: Month
    scheme: str
    part: str
    score: Number = Field(ge=0, le=100)


class NewFigure(Recorded):
    """A number of a unit and a period that nobody can count from matters (LN-25)."""

    figure: str = Field(max_length=200)
    period: str = Field(max_length=8, description="2026-07, 2026-Q3, 2026 or 2026-W31.")
    value: Number
    evidence: Refs = ()


class NewShift(Recorded):
    """A person is on duty for a time (LN-32). One that ends as it begins takes the person off."""

    roster: str = Field(max_length=200)
    person: str = Field(max_length=200)
    start: Instant
    end: Instant


class Ruling(Recorded):
    """How a dispute over a posting was ruled."""

    upheld: bool
    reasons: str = Field(min_length=1, max_length=4000)


V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """One call that records something: whose it is, what it is kept as, and how that is shown."""

    view: type[V]
    use: UseCases
    context: ServiceContext
    who: Caller
    name: str
    kind: str
    key: str
    digest: str

    @property
    def subject(self) -> str:
        """What is recorded, by the caller's own key."""
        return f"{self.kind}/{self.name}"

    async def before(self) -> V | None:
        """Return the first answer to this key. Before all checks: what was accepted once stays so."""
        state = await self.use.scores.first_answer(self.subject, self.digest)
        return None if state is None else self._shown(state)

    def opened(self, body: Recorded) -> tuple[datetime, Unit]:
        """Return when it happened, and the unit that it is about, once the caller may say so."""
        at = happened_at(self.who.rights, body.at, self.use.scores.clock())
        return at, visible(self.context, self.who, body.unit)

    def rules(self, at: datetime) -> Rules:
        """Return the rules in force at a moment. Raises ``InvalidInputError``."""
        return rules_at(self.context, at)

    async def keep(self, event: Event, at: datetime, unit: Unit) -> V:
        """Keep what was recorded, and tell it."""
        state = await self.use.scores.record(
            self.subject, event, at, unit=unit, key=self.key, digest=self.digest
        )
        return self._shown(state)

    def _shown(self, state: Mapping[str, Any]) -> V:
        said = {"record": self.subject, "type": state["type"], "at": state["at"], **state["data"]}
        return self.view.model_validate(said)


def recording(kind: str, right: str, view: type[V]) -> Any:  # noqa: ANN401  # FastAPI's dependency marker is untyped
    """Return the dependency of a route that records something of this kind."""

    async def entry(
        request: Request,
        use: Use,
        context: Context,
        who: Annotated[Caller, needs(right)],
        key: IdempotencyKey,
        digest: Digest,
    ) -> Entry[V]:
        name = str(uuid5(NAMESPACE_URL, f"{who.unit}#{key}"))
        # The same words about another posting are another record.
        return Entry(view, use, context, who, name, kind, key, digest.about(*request.path_params.values()))

    return Depends(entry)


@record("/inspections", summary="Record an inspection")
async def inspect(
    body: NewInspection,
    entry: Annotated[Entry[InspectionView], recording("inspection", "inspections.record", InspectionView)],
) -> InspectionView:
    """Record an inspection, with the points and fields that the rulebook asks for."""
    if before := await entry.before():
        return before
    (at, unit), who = entry.opened(body), entry.who
    rules = entry.rules(at)
    about = str(body.complaint_id or "")
    said = body.model_dump(exclude={"at", "complaint_id"})
    event = InspectionRecorded(inspection=entry.name, by=who.person, complaint_id=about, **said)
    domain.check_inspection(event, rules, unit.kind)
    await _check_about(entry, about, unit)
    if body.at is None:
        own = entry.context.directory.within(who.unit, body.unit)
        domain.check_inspector(body.kind, rules, who.role, is_own_unit=own, sees_all=who.sees_all)
    return await entry.keep(event, at, unit)


@record("/findings", summary="Record an offence")
async def find(
    body: NewFinding,
    entry: Annotated[Entry[FindingView], recording("finding", "findings.record", FindingView)],
) -> FindingView:
    """Record an offence that was found, with its evidence.

    One about a complaint that has not arrived here answers 404 ``not-yet-here``: send it again in a second.
    """
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    about = str(body.complaint_id or "")
    said = body.model_dump(exclude={"at", "complaint_id"})
    event = OffenceFound(finding=entry.name, by=entry.who.person, complaint_id=about, **said)
    domain.check_finding(event, entry.rules(at))
    await _check_about(entry, about, unit)
    return await entry.keep(event, at, unit)


async def _check_about(entry: Entry[V], complaint: str, unit: Unit) -> None:
    """Refuse what names a complaint that is not here, not the caller's to see, or of another site."""
    if complaint:
        had = await entry.use.scores.units_of(complaint)
        seen = any(entry.context.access.sees(entry.who, one.unit) for one in had)
        domain.check_about([one.site for one in had], unit.site, is_seen=seen)


@record("/duties", summary="Record that a duty was done")
async def fulfil(
    body: NewDuty,
    entry: Annotated[Entry[FulfilmentView], recording("duty", "reports.submit", FulfilmentView)],
) -> FulfilmentView:
    """Submit a report or record another periodic duty. A missing section is taken, and counted."""
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    rules = entry.rules(at)
    event = DutyFulfilled(by=entry.who.person, **body.model_dump(exclude={"at"}))
    domain.check_duty(event, rules, unit.kind)
    domain.check_begun("period", body.period, entry.context.directory.edition, at)
    entry.who.must(rules.obligations.obligations[body.obligation].right)
    return await entry.keep(event, at, unit)


@record("/assessments", summary="Record a part of an assessment")
async def assess(
    body: NewAssessment,
    entry: Annotated[Entry[AssessmentView], recording("assessment", "assessments.record", AssessmentView)],
) -> AssessmentView:
    """Record one part of an employee's monthly result, by who gives that part."""
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    rules, directory = entry.rules(at), entry.context.directory
    event = AssessmentRecorded(by=entry.who.person, **body.model_dump(exclude={"at"}))
    domain.check_assessment(event, rules)
    domain.check_begun("month", body.month, directory.edition, at)
    domain.check_assessor(event, rules, entry.who.role, is_import=body.at is not None)
    domain.check_assessed(event, directory.people.get(body.person), rules)
    return await entry.keep(event, at, unit)


@record("/figures", summary="Report a figure")
async def report(
    body: NewFigure,
    entry: Annotated[Entry[ReportedView], recording("figure", "figures.report", ReportedView)],
) -> ReportedView:
    """Report a figure of a unit and a period, by the role that reports it. The one told last counts."""
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    rules = entry.rules(at)
    event = FigureReported(by=entry.who.person, **body.model_dump(exclude={"at"}))
    domain.check_figure(event, rules, unit.kind)
    domain.check_begun("period", body.period, entry.context.directory.edition, at)
    domain.check_reporter(event, rules, entry.who.role, is_import=body.at is not None)
    return await entry.keep(event, at, unit)


@record("/rosters", summary="Put a person on duty")
async def roster(
    body: NewShift, entry: Annotated[Entry[RosteredView], recording("shift", "rosters.keep", RosteredView)]
) -> RosteredView:
    """Put a person on duty for a time. The same person and begin again: the shift told last counts."""
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    directory = entry.context.directory
    event = ShiftRostered(by=entry.who.person, **body.model_dump(exclude={"at"}))
    person = directory.people.get(body.person)
    domain.check_shift(event, entry.rules(at), unit.kind, person, directory.edition)
    return await entry.keep(event, at, unit)


@record("/postings/{posting}/ruling", summary="Rule over a posting")
async def rule(
    posting: str,
    body: Ruling,
    entry: Annotated[Entry[RulingView], recording("ruling", "disputes.rule", RulingView)],
) -> RulingView:
    """Rule over a posting that nobody lodged a dispute about. Upheld: it is reversed in the month of the ruling.

    Who found it, answers for it, or is of the charged unit does not rule it; roles and tier are those of a dispute.
    """
    if before := await entry.before():
        return before
    at, unit = entry.opened(body)
    found = await entry.use.scores.posting(posting)
    if found["unit"] != body.unit:
        raise InvalidInputError(
            "The ruling was not stored.", [FieldProblem("unit", "the posting is another unit's")]
        )
    ruled = await entry.use.disputes.correctable(posting, party(entry.who))
    event = DisputeRuled(
        offence=ruled.contested.key,
        about=ruled.about,
        by=entry.who.person,
        clauses=ruled.clauses,
        inspector=ruled.inspector,
        **body.model_dump(exclude={"at"}),
    )
    return await entry.keep(event, at, unit)
