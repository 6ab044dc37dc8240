"""Which procedure a case follows, which steps it owes, and the moments from which their limits count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.handling.domain.case import Case, Done, Settlement
from shared.errors import RulebookGapError
from shared.rulebook.edition import Edition
from shared.rulebook.grading import grade_of, tier_of
from shared.rulebook.schema import Match, Rules
from shared.rulebook.schema.procedures import MOMENTS, Procedure, Step, TableRow, TableUse
from shared.timekeeping.calendar import WorkingCalendar
from shared.timekeeping.limits import Limit, Moment


@dataclass(frozen=True, slots=True)
class Law:
    """What a case stands under: the rules of the day of its receipt, and the calendar.

    Attributes:
        known: Duties that were worked out before, by the facts that they hang on. Only saves work.
    """

    rules: Rules
    calendar: WorkingCalendar
    group: str
    day: str
    known: dict[tuple[str, ...], "dict[str, Duty]"] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, edition: Edition, received_at: datetime) -> "Law":
        """Return the law for a matter received at a moment."""
        day = edition.calendar.local_day(received_at)
        return cls(edition.on(day), edition.calendar, edition.group, day.isoformat())

    def gap(self, key: str) -> RulebookGapError:
        """Return the error that names a missing key."""
        return RulebookGapError(group=self.group, on=self.day, key=key)


@dataclass(frozen=True, slots=True)
class Duty:
    """A step that the case owes, or owed, and the procedure that asks for it."""

    key: str
    step: Step
    procedure: str
    rule: Procedure

    @property
    def source(self) -> tuple[str, ...]:
        """Catalogue ids that ask for the step."""
        return self.step.source or self.rule.source


def facts_of(case: Case, law: Law) -> dict[str, str]:
    """Return what conditions may ask about. Until a finding, the validity is the presumed one."""
    return {
        "kind": case.kind,
        "class": case.class_,
        "validity": case.validity or presumed(law.rules),
        "procedure": case.procedure if case.procedures else "",
        "item": case.item,
        "channel": case.channel,
        "way": case.way,
        "liable": case.finding.liable if case.finding else "",
        "service": case.service,
        "tier": case.tier,
        "grade": case.grade,
    }


def presumed(rules: Rules) -> str:
    """Return the validity that a matter is taken for until something is found."""
    return next((key for key, rule in rules.procedures.validities.items() if rule.presumed), "valid")


def described(case: Case, law: Law) -> Case:
    """Bring tier and grade up to what is known of the matter."""
    facts = facts_of(case, law) | {"tier": "", "grade": ""}
    facts["tier"] = tier_of(facts, case.flags, law.rules)
    grade = grade_of(case.stated_grade, facts, case.flags, law.rules)
    return case.with_(tier=facts["tier"], grade=grade)


def choose(case: Case, law: Law) -> str:
    """Return the procedure for the case as it is known now.

    Raises:
        RulebookGapError: No procedure applies, or two of one rank do.
    """
    facts, flags = facts_of(case, law), tuple(case.flags)
    found = [
        (rule.rank, key)
        for key, rule in law.rules.procedures.procedures.items()
        if not rule.overlay and rule.applies.holds(facts, flags)
    ]
    best = [key for rank, key in found if rank == max(found)[0]]
    if len(best) != 1:
        clash = f" ({' and '.join(best)} both apply)" if best else ""
        raise law.gap(f"procedures.procedures for kind {case.kind}, class {case.class_ or '-'}{clash}")
    return best[0]


def duties(case: Case, law: Law) -> dict[str, Duty]:
    """Return every step that the case's procedure and overlays know under the facts found, by name.

    Steps that hang on the way to settle are all among them: that is decided along the way (see ``is_owed``).
    """
    facts, flags = facts_of(case, law), tuple(case.flags)
    key = (*facts.values(), *flags)
    if key not in law.known:
        law.known[key] = _duties(case.procedure, facts, flags, law)
    return law.known[key]


def _duties(procedure: str, facts: Mapping[str, str], flags: tuple[str, ...], law: Law) -> dict[str, Duty]:
    procedures = law.rules.procedures.procedures
    overlays = (key for key, rule in procedures.items() if rule.overlay and rule.applies.holds(facts, flags))
    found: dict[str, Duty] = {}
    for key in (procedure, *overlays):
        for name, step in procedures[key].steps.items():
            if _holds_but_for_way(step.when, facts, flags):
                found.setdefault(name, Duty(name, step, key, procedures[key]))
    return found


def is_owed(case: Case, duty: Duty) -> bool:
    """Say whether the way to settle, as it stands, asks for the step."""
    return not duty.step.when.way or case.way in duty.step.when.way


def _holds_but_for_way(when: Match, facts: Mapping[str, str], flags: tuple[str, ...]) -> bool:
    if when.way:
        facts = {**facts, "way": when.way[0]}
    return when.holds(facts, flags)


def voided_by(case: Case, duty: Duty) -> Done | None:
    """Return the deed that made the duty void in its present run, or None."""
    since = owed_again_at(case, duty.key)
    done = [one for one in case.done if one.step in duty.step.unless and (since is None or one.at >= since)]
    return min(done, key=lambda one: one.at) if done else None


def owed_again_at(case: Case, step: str) -> datetime | None:
    """Return from when a step is owed again, or None in its first run."""
    return max((one.at for one in case.rounds if step in (*one.direct, *one.dependent)), default=None)


def way_ended_at(case: Case, duty: Duty) -> datetime | None:
    """Return when the way to settle stopped asking for the step; None where it asks now, or never did."""
    if is_owed(case, duty):
        return None
    ended: datetime | None = None
    for since, way in reversed(_ways(case)):
        if way in duty.step.when.way:
            return ended
        ended = since
    return None


def _ways(case: Case) -> list[tuple[datetime, str]]:
    """Return the ways that held, each with since when: a proposal holds only while none is approved."""
    held: list[tuple[datetime, str]] = []
    is_approved = False
    for one in case.settlements:
        if not is_approved:
            held.append((one.at, one.way))
        if one.approved_at:
            is_approved = True
            held.append((one.approved_at, one.way))
    return held


def rows_of(case: Case, use: TableUse, law: Law) -> list[TableRow]:
    """Return the row of each table that the case's item, grade, tier or service names; none where it names none."""
    named = {"item": case.item, "grade": case.grade, "tier": case.tier, "service": case.service}
    found: list[TableRow] = []
    for name in use.table:
        table = law.rules.limits.tables.get(name)
        if table is None:
            raise law.gap(f"limits.tables.{name}")
        if named[table.by] in table.rows:
            found.append(table.rows[named[table.by]])
    return found


def within_of(case: Case, duty: Duty) -> Limit | TableUse | None:
    """Return what limits the present run of a step: a later round may have a limit of its own."""
    if duty.step.again_within and case.run_of(duty.key) > 1:
        return duty.step.again_within
    return duty.step.within


def limit_of(case: Case, duty: Duty, start: datetime, law: Law) -> tuple[Limit, tuple[Moment, ...]] | None:
    """Return the limit of a step that starts at ``start``, with the moments that it may run until.

    Of several tables the row that ends first holds (XA-13). None where the step has no limit, where the case names
    no row, or where a moment is not known yet.
    """
    within = within_of(case, duty)
    moments = moments_of(case)
    if within is None:
        return None
    if isinstance(within, TableUse):
        limits = [row.limit for row in rows_of(case, within, law)]
        if not limits:
            return None
        limit = Limit(shorter_of=tuple(limits)) if len(limits) > 1 else limits[0]
        # A warranty that had ended before the works began no longer covers the item and bounds nothing.
        if within.outer and any(one.name == within.outer and one.at > start for one in moments):
            limit = Limit(shorter_of=(limit, Limit(until=within.outer)))
    else:
        limit = within
    known = {one.name for one in moments}
    return (limit, moments) if all(not part.until or part.until in known for part in limit.parts) else None


def moments_of(case: Case) -> tuple[Moment, ...]:
    """Return the moments that limits may run until."""
    named = (("handover", case.handover_on), ("warranty", case.warranty_before))
    return tuple(Moment(name=name, at=at) for name, at in named if at is not None)


def start_of(case: Case, duty: Duty, law: Law) -> datetime | None:
    """Return when the present run of a step began: the first of the moments it counts from, or None."""
    rounds = [one for one in case.rounds if duty.key in one.direct or duty.key in one.dependent]
    since = rounds[-1].at if rounds else None
    if rounds and duty.key in rounds[-1].direct:
        return since
    found = recorded(case, duty, law)
    later = [at for at in found if since is None or at >= since]
    if not later:
        return None
    clock = case.clock(duty.key)
    is_new = clock is None or (case.reopened_at is not None and clock.started_at >= case.reopened_at)
    if case.reopened_at and is_new and not any(one.step == duty.key for one in case.done):
        # A duty that only a later opening found cannot have been late before it.
        return max(min(later), case.reopened_at)
    return min(later)


def recorded(case: Case, duty: Duty, law: Law) -> list[datetime]:
    """Return every moment recorded that could start a step, also from before it is owed again."""
    return [at for name in starts_from(case, duty, law) for at in _recorded(case, name, duty)]


def starts_from(case: Case, duty: Duty, law: Law) -> tuple[str, ...]:
    """Return the names of the moments that start a step: its own, or those of its row in the table."""
    within = duty.step.within
    if isinstance(within, TableUse):
        steps = law.rules.procedures.procedures[duty.procedure].steps
        for row in rows_of(case, within, law)[:1]:
            if row.counts_from in steps or row.counts_from in MOMENTS or not duty.step.after:
                return (row.counts_from,)
    return duty.step.after


def _recorded(case: Case, name: str, duty: Duty) -> Iterator[datetime]:
    done = case.done_in_run(name)
    if done:
        yield done.at
        return
    match name:
        case "receipt" | "registration":
            yield case.received_at if name == "receipt" else case.registered_at
        case "graded" if case.grade:
            yield graded_since(case)
        case "finding" if case.finding:
            yield found_since(case)
        case "flagged":
            flags = duty.rule.applies.flag or duty.step.when.flag
            yield from (max(case.flags[flag] for flag in flags),) if flags else tuple(case.flags.values())
        case "works-start":
            yield from case.works
        case "settlement":
            yield from (one.at for one in _settlements(case, duty))
        case "approval":
            yield from (one.approved_at for one in _settlements(case, duty) if one.approved_at)
        case "closing" if case.ended_at and case.status == "closed":
            yield case.ended_at


def graded_since(case: Case) -> datetime:
    """Return since when the matter has been of its grade (XA-02): receipt, where its registration showed it."""
    since = case.received_at
    for one in reversed(case.procedures):
        if one.grade != case.grade:
            break
        since = one.since
    return since


def found_since(case: Case) -> datetime:
    """Return since when the complaint is found what it is found to be."""
    since = case.findings[-1]
    for one in reversed(case.findings):
        if one.overturned or one.validity != since.validity:
            break
        since = one
    return since.at


def _settlements(case: Case, duty: Duty) -> list[Settlement]:
    ways = duty.step.when.way
    return [
        one for one in case.settlements if one.occurrence == case.occurrence and (not ways or one.way in ways)
    ]
