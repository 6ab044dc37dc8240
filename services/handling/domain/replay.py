"""What-if: how a case would have run under another edition, from what was told of it.

The deeds stay what they were and when they were; limits, and so verdicts, are worked out anew. Commands are not
judged again: a deed that another edition would have refused is still a deed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from services.handling.domain import appeals, changes, ending, settlement, steps
from services.handling.domain.case import (
    Actor,
    Agreement,
    Appeal,
    Approval,
    Case,
    Charge,
    ClockState,
    Confirmation,
    Done,
    Escalated,
    Finding,
    Pause,
    Settlement,
    Status,
)
from services.handling.domain.clockwork import add_event
from services.handling.domain.deadlines import settled, sync
from services.handling.domain.decide import open_case
from services.handling.domain.findings import adopt, determinations
from services.handling.domain.procedure import Law, duties, is_owed, voided_by
from services.handling.domain.scene import Scene
from shared.events import Envelope, Happened, Sealed
from shared.events.facts import Fact, moment, recency
from shared.events.handling import AlertRaised, CaseEscalated, DeadlineCleared, DeadlineMissed
from shared.events.intake import ComplaintRegistered
from shared.rulebook.disputes import rules_for
from shared.rulebook.edition import Edition
from shared.timekeeping.clocks import Extended, Paused, Resumed

REPLAYED = UUID("0b0e8a55-0a0b-5f5c-9a43-6a8f0f6f2b7e")
"""Namespace of the ids of what a replay tells."""

JUDGED = (DeadlineMissed.TYPE, DeadlineCleared.TYPE, AlertRaised.TYPE)
"""What time alone brings about, and a replay works out anew."""

_NOBODY = Actor(person="", unit="", role="")
_SEALED = Sealed(key="", box="")


@dataclass(frozen=True, slots=True)
class _Told:
    """A fact in hand, and the law that the case stands under."""

    fact: Fact
    law: Law

    @property
    def data(self) -> Mapping[str, Any]:
        return self.fact.data

    @property
    def at(self) -> datetime:
        return self.fact.time

    @property
    def scene(self) -> Scene:
        return Scene(self.law, _NOBODY, self.at, None)


def replayed(facts: Sequence[Fact], edition: Edition, up_to: datetime) -> list[Fact]:
    """Return what handling would have told of one matter under an edition, silence judged up to a moment.

    Args:
        facts: What was told of the matter by any service.
        edition: The edition that it is played under. What the matter was received under does not count.
        up_to: As far as silence speaks.

    Raises:
        RulebookGapError: The edition has no procedure for the matter.
    """
    registered = next((one for one in facts if one.type == ComplaintRegistered.TYPE), None)
    if registered is None:
        return []
    law = Law.of(edition, moment(registered.data["received_at"]).astimezone(UTC))
    case, opened = open_case(_envelope(registered), edition)
    mine = [one for one in sorted(facts, key=recency) if _is_of_handling(one)]
    source = mine[0].source if mine else registered.source
    news = _News(registered.subject, source)
    found = list(news.of(opened))
    for group in _commands(mine):
        at = group[0].time
        case, before = settled(case, law, at)
        for fact in group:
            if fact.type in _APPLY:
                case = _APPLY[fact.type](case, _Told(fact, law))
        case = sync(case, law)
        case, after = settled(case, law, at)
        found += news.of(before)
        found += [_judged(fact, case) for fact in group]
        found += news.of(after)
    _, last = settled(case, law, up_to)
    return [*found, *news.of(last)]


_FOLLOWING = frozenset(
    {"step.completed.v1", "case.resolved.v1", "settlement.approved.v1", "settlement.signed.v1"}
)
"""What a command tells after what it was about."""


def _commands(told: Sequence[Fact]) -> list[list[Fact]]:
    """Return together what one command told: only the whole of it brought the clocks up to date.

    A step that a finding carried over is told after it, with its own earlier time.
    """
    groups: list[list[Fact]] = []
    for fact in told:
        if fact.type in JUDGED:
            continue
        if groups and fact.type in _FOLLOWING and fact.time <= groups[-1][0].time:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return groups


def _is_of_handling(fact: Fact) -> bool:
    return fact.source.startswith("jiandu/handling/")


class _News:
    """Makes facts of what a replay tells, in the order in which it tells them."""

    def __init__(self, subject: str, source: str) -> None:
        self._subject, self._source, self._told = subject, source, 0

    def of(self, happened: Sequence[Happened]) -> Iterator[Fact]:
        for one in happened:
            if one.event.TYPE not in JUDGED and one.event.TYPE != CaseEscalated.TYPE:
                continue
            self._told += 1
            name = f"{self._subject}|{one.event.TYPE}|{self._told}"
            yield Fact(
                id=str(uuid5(REPLAYED, name)),
                source=self._source,
                sequence=self._told,
                type=one.event.TYPE,
                subject=self._subject,
                unit=one.unit,
                time=one.time,
                edition="",
                data=one.event.model_dump(mode="json"),
            )


def _envelope(registered: Fact) -> Envelope:
    """Return the registration as it travelled; what an export leaves out is not needed here."""
    return Envelope(
        id=UUID(registered.id),
        source=registered.source,
        type=registered.type,
        subject=registered.subject,
        time=registered.time,
        group="",
        unit=registered.unit,
        ordinal=1,
        recordedtime=registered.time,
        correlationid="",
        data={**registered.data, "sealed": _SEALED.model_dump()},
    )


def _judged(fact: Fact, case: Case) -> Fact:
    """Return a fact with what the edition makes of it: procedure and grade, and whether a step was in time."""
    data = dict(fact.data)
    if fact.type == "step.completed.v1":
        clock = case.clock(data["step"])
        runs = clock is not None and clock.occurrence == data["occurrence"] and not clock.void
        due = clock.due if clock is not None and runs else None
        data["clock"] = data["step"] if due else ""
        data["due_before"] = due.isoformat() if due else None
        data["in_time"] = fact.time < due if due else None
    elif "procedure" in data:
        known = {"procedure": case.procedure, "grade": case.grade, "tier": case.tier}
        data |= {name: value for name, value in known.items() if name in data}
    return fact._replace(data=data)


# --- what each fact does to the case


def _step(case: Case, told: _Told) -> Case:
    data = told.data
    done = Done(
        step=data["step"],
        run=data["occurrence"],
        at=told.at,
        by=data["by"],
        evidence=tuple(data.get("evidence", ())),
        signatures=tuple(data.get("signatures", ())),
        outcome=data.get("outcome", ""),
    )
    duty = duties(case, told.law).get(done.step)
    if duty is None:
        return case.with_(done=(*case.done, done))
    if duty.step.done_by == "works-start":
        case = case.with_(works=(*case.works, told.at))
    return steps.with_done(case, duty, done)


def _proposed(case: Case, told: _Told) -> Case:
    return _found(case, told, confirmed=False)


def _made(case: Case, told: _Told) -> Case:
    confirmed = told.data.get("confirmed_by", ())
    standing = case.findings[-1] if case.findings else None
    if standing is not None and confirmed and standing.awaits and standing.by == told.data["by"]:
        return case.with_(findings=(*case.findings[:-1], _confirmed(standing, confirmed[-1], told.at)))
    return _found(case, told, confirmed=True)


def _found(case: Case, told: _Told, *, confirmed: bool) -> Case:
    data = told.data
    finding = Finding(
        at=told.at,
        by=data["by"],
        validity=data["validity"],
        liable=data.get("liable", ""),
        reason=data.get("reason", ""),
        determinations=tuple(determinations(case, told.law)),
    )
    if confirmed:
        by = (*data.get("confirmed_by", ()), data["by"])
        finding = _confirmed(finding, by[0], told.at)
    warranty = data.get("warranty_before")
    case = case.with_(
        class_=data["class_"] or case.class_,
        item=data.get("item") or case.item,
        warranty_before=moment(warranty).astimezone(UTC) if warranty else case.warranty_before,
        stated_grade=data.get("grade") or case.stated_grade,
        findings=(*case.findings, finding),
    )
    return adopt(case, told.law, told.at)


def _confirmed(finding: Finding, by: str, at: datetime) -> Finding:
    confirmations = tuple(Confirmation(determination=key, at=at, by=by) for key in finding.awaits)
    return finding.model_copy(update={"confirmations": (*finding.confirmations, *confirmations)})


def _reclassified(case: Case, told: _Told) -> Case:
    data = told.data
    handover = data.get("handover_on")
    case = case.with_(
        class_=data["class_"] or case.class_,
        item=data.get("item", ""),
        service=data.get("service") or case.service,
        flags={flag: case.flags.get(flag, told.at) for flag in data.get("flags", ())},
        handover_on=moment(handover).astimezone(UTC) if handover else case.handover_on,
    )
    return adopt(case, told.law, told.at)


def _settlement(case: Case, told: _Told) -> Case:
    data = told.data
    proposed = Settlement(
        at=told.at,
        by=data["by"],
        way=data["way"],
        amount=None if data.get("amount") is None else Decimal(data["amount"]),
        reason=data.get("reason", ""),
        owner_consents=data.get("owner_consents", False),
        occurrence=case.occurrence,
    )
    if any(one.approved_at for one in case.settlements):
        case = settlement.reached_anew(case, told.scene)
    return case.with_(settlements=(*case.settlements, proposed))


def _approved(case: Case, told: _Told) -> Case:
    if case.settlement is None:
        return case
    signed = (one.partition(":") for one in told.data.get("approvals", ()))
    approvals = tuple(Approval(role=role, by=by, at=told.at) for role, _, by in signed)
    held = case.settlement.model_copy(update={"approved_at": told.at, "approvals": approvals})
    return case.with_(settlements=(*case.settlements[:-1], held))


def _accepted(case: Case, told: _Told) -> Case:
    return case.with_(accepted_at=told.at)


def _refused(case: Case, told: _Told) -> Case:
    known = duties(case, told.law).values()
    again = [duty for duty in known if is_owed(case, duty) and not voided_by(case, duty)]
    names = tuple(duty.key for duty in again if duty.step.again_on_refusal)
    return steps.begin_again(case, names, "refused", told.law, told.at)


def _resolved(case: Case, told: _Told) -> Case:
    if case.status is not Status.OPEN:
        return case
    return case.with_(status=Status.RESOLVED, resolved_at=told.at, outcome=told.data.get("outcome", ""))


def _ended(status: Status) -> Callable[[Case, _Told], Case]:
    return lambda case, told: case.with_(status=status, ended_at=told.at)


def _reopened(case: Case, told: _Told) -> Case:
    case = sync(case, told.law)
    if case.status is Status.OPEN:
        return case
    return ending.reopened(case, told.data["reason"], told.data["by"], told.at, told.law)[0]


def _merged(case: Case, told: _Told) -> Case:
    return case.with_(status=Status.MERGED, ended_at=told.at, merged_into=UUID(str(told.data["into"])))


def _parted(case: Case, _: _Told) -> Case:
    status = Status.RESOLVED if case.resolved_at else Status.OPEN
    return case.with_(status=status, ended_at=None, merged_into=None)


def _charged(case: Case, told: _Told) -> Case:
    data = told.data
    unit = data.get("to_unit") or case.unit
    charge = Charge(since=told.at, unit=unit, department=data["department"], person=data["person"])
    return case.with_(charges=(*case.charges, charge))


def _escalated(case: Case, told: _Told) -> Case:
    taken = Escalated(at=told.at, level=told.data["level"], by=told.data["by"])
    return case.with_(escalations=(*case.escalations, taken))


def _clock_changed(case: Case, told: _Told) -> Case:
    """Let a clock be changed as it was, where under this edition it runs at all."""
    case = sync(case, told.law)
    change, clock = told.data["change"], case.clock(told.data["clock"])
    if change == "agreed":
        return _agreed(case, told)
    if clock is None or not clock.runs:
        return case
    return _CHANGES[change](case, clock, told) if change in _CHANGES else case


def _ends(told: _Told) -> datetime | None:
    ends = told.data.get("ends")
    return moment(ends).astimezone(UTC) if ends else None


def _agreed(case: Case, told: _Told) -> Case:
    name = told.data["clock"]
    due = _ends(told) or moment(told.data["due_before"]).astimezone(UTC)
    one = Agreement(step=name, run=case.run_of(name), at=told.at, due_before=due, by=told.data["by"])
    return case.with_(agreements=(*case.agreements, one))


def _extended(case: Case, clock: ClockState, told: _Told) -> Case:
    asked = told.data.get("asked_at")
    event = Extended(
        at=told.at,
        until=_ends(told) or moment(told.data["due_before"]).astimezone(UTC),
        approval=told.data.get("approved_by", ""),
        asked_at=moment(asked).astimezone(UTC) if asked else None,
    )
    clock = add_event(clock, event, told.law.calendar)
    return case.with_clock(clock.model_copy(update={"extended": clock.extended + 1}))


def _paused(case: Case, clock: ClockState, told: _Told) -> Case:
    if clock.due <= told.at:
        # Under this edition the deadline had passed, and nothing moves it any more.
        return case
    reason, ends = told.data["reason"].partition(": ")[0], _ends(told)
    clock = add_event(clock, Paused(at=told.at, reason=reason), told.law.calendar)
    if ends:
        clock = add_event(clock, Resumed(at=ends), told.law.calendar)
    record = Pause(at=told.at, reason=reason, clocks=(clock.name,), ends=ends)
    return case.with_clock(clock).with_(pauses=(*case.pauses, record))


def _resumed(case: Case, clock: ClockState, told: _Told) -> Case:
    at = told.at
    standing = [
        one for one in case.pauses if clock.name in one.clocks and (one.ends is None or one.ends > at)
    ]
    if not standing:
        return case
    clock = changes.resumed(clock, {one.ends for one in standing}, at, told.law)
    ended = tuple(one.model_copy(update={"ends": at}) if one in standing else one for one in case.pauses)
    return case.with_clock(clock).with_(pauses=ended)


_CHANGES: Mapping[str, Callable[[Case, ClockState, _Told], Case]] = {
    "extended": _extended,
    "paused": _paused,
    "resumed": _resumed,
}


def _appealed(case: Case, told: _Told) -> Case:
    data = told.data
    what = appeals.kind_of(data["against"])
    rules = rules_for(what, told.law.rules)
    if not rules:
        return case
    one = Appeal(
        id=data["appeal"],
        at=told.at,
        against=data["against"],
        what=what,
        by=data["by"],
        unit=told.fact.unit,
        rule=rules[0][0],
    )
    return case.with_(appeals=(*case.appeals, one))


def _appeal_decided(case: Case, told: _Told) -> Case:
    data = told.data
    found = next((one for one in case.appeals if one.id == data["appeal"]), None)
    if found is None:
        return case
    decided = found.model_copy(update={"decided_at": told.at, "upheld": data["upheld"]})
    case = case.with_(appeals=tuple(decided if one is found else one for one in case.appeals))
    if not data["upheld"]:
        return case
    if found.against == appeals.RESPONSIBILITY:
        was = case.charge_at(found.at)
        unit, person = data.get("answers_unit") or was.unit, data.get("answers_person", "")
        charge = Charge(since=was.since, unit=unit, person=person)
        return case.with_(charges=tuple(charge if one is was else one for one in case.charges))
    case = appeals.upheld(case, found)
    return adopt(case, told.law, told.at) if found.against == appeals.GRADE else case


_APPLY: Mapping[str, Callable[[Case, _Told], Case]] = {
    "step.completed.v1": _step,
    "finding.proposed.v1": _proposed,
    "finding.made.v1": _made,
    "case.reclassified.v1": _reclassified,
    "settlement.proposed.v1": _settlement,
    "settlement.approved.v1": _approved,
    "result.accepted.v1": _accepted,
    "result.refused.v1": _refused,
    "case.resolved.v1": _resolved,
    "case.closed.v1": _ended(Status.CLOSED),
    "case.withdrawn.v1": _ended(Status.WITHDRAWN),
    "case.reopened.v1": _reopened,
    "case.merged.v1": _merged,
    "case.parted.v1": _parted,
    "case.assigned.v1": _charged,
    "case.transferred.v1": _charged,
    "case.escalated.v1": _escalated,
    "clock.changed.v1": _clock_changed,
    "appeal.lodged.v1": _appealed,
    "appeal.decided.v1": _appeal_decided,
}
"""How each fact changes the case. What is not here changes nothing that a clock hangs on."""


def under(edition: Edition) -> Edition:
    """Return an edition as if its newest rules had always held: a draft, tried on the past."""
    return replace(edition, slices=((edition.slices[0][0], edition.slices[-1][1]),))
