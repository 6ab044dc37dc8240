"""A dispute over what costs points: lodged, advised on, ruled. Who may is said by ``shared.rulebook.disputes``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.scoring.domain.facts import History
from services.scoring.domain.overturns import Overturn, hands_in, overturns
from shared.errors import FieldProblem, InvalidInputError
from shared.events import Happened, views_of
from shared.events.callback import CallbackCompleted, CallbackDue, CallbackMissed, CallbackUnreachable
from shared.events.facts import Fact, moment
from shared.events.handling import (
    AppealDecided,
    AppealLodged,
    CaseAssigned,
    CaseClosed,
    CaseResolved,
    CaseTransferred,
    DeadlineMissed,
    FindingMade,
)
from shared.events.intake import ComplaintRegistered
from shared.events.scoring import (
    DisputeAdvised,
    DisputeLodged,
    DisputeOverdue,
    DisputeRuled,
    InspectionRecorded,
    OffenceFound,
)
from shared.rulebook.disputes import (
    Contested,
    DecidedError,
    Party,
    Within,
    check_advice,
    check_lodging,
    check_ruling,
    rule_for,
)
from shared.rulebook.edition import Edition
from shared.rulebook.schema.procedures import Appeals, Contestable
from shared.values.idempotency import must_be_same

ALWAYS_RESTATES = frozenset({"inspection", "callback"})
"""They are in a mean or a share of their month, which no posting of a later month can take back."""

_ENDS_SERVICE = (CaseClosed.TYPE, CaseResolved.TYPE, ComplaintRegistered.TYPE)
_CALLED = views_of(CallbackCompleted, CallbackUnreachable, CallbackMissed)


class Said(BaseModel):
    """Advice or a ruling, and under which idempotency key it came."""

    model_config = ConfigDict(frozen=True)

    by: str
    uphold: bool
    reasons: str
    at: AwareDatetime
    key: str
    digest: str


class Dispute(BaseModel):
    """One dispute, from its lodging to its ruling.

    Attributes:
        rule: Key of the rule in the edition with hash ``edition``, under which it began.
        about: The subject whose points it is about; ``names``: what a ruling names there.
        overdue: Stages of which it was told that they are late.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    rule: str
    edition: str
    against: Contestable
    about: str
    names: str
    since: AwareDatetime
    unit: str
    person: str
    made_in: str
    hands: frozenset[str]
    clauses: tuple[str, ...]
    inspector: str
    standing: str
    grounds: str
    evidence: tuple[str, ...]
    by: str
    by_unit: str
    by_role: str
    at: AwareDatetime
    advise_before: AwareDatetime | None
    decide_before: AwareDatetime
    key: str
    digest: str
    advice: Said | None = None
    ruling: Said | None = None
    overdue: tuple[str, ...] = ()

    @property
    def contested(self) -> Contested:
        """Return what is contested, for whom the rulebook lets advise and rule."""
        return Contested(
            self.against, self.names, self.since, self.unit, self.person, self.made_in, self.hands
        )

    @property
    def lodged_by(self) -> Party:
        """Return who lodged it."""
        return Party(self.by, self.by_unit, self.by_role, frozenset())

    def terms(self) -> list[tuple[str, datetime]]:
        """Return the terms that run: stage and end, of what was not done and not told to be late."""
        running: list[tuple[str, datetime]] = []
        if self.ruling is None:
            if self.advise_before is not None and self.advice is None:
                running.append(("advice", self.advise_before))
            running.append(("ruling", self.decide_before))
        return [(stage, end) for stage, end in running if stage not in self.overdue]


@dataclass(frozen=True, slots=True)
class Found:
    """What is contested and what a ruling over it will say.

    Attributes:
        about: The subject of the points.
        clauses: By which it costs points; ``inspector``: who found it, where a person did.
    """

    contested: Contested
    about: str
    clauses: tuple[str, ...] = ()
    inspector: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says for or against, and under which key."""

    text: str
    evidence: tuple[str, ...]
    key: str
    digest: str


def posting_contested(posting: Mapping[str, Any], facts: Sequence[Fact], people: Mapping[str, Any]) -> Found:
    """Return what is contested with a posting, from the facts of its subject."""
    if posting["reverses"]:
        raise _invalid("about", "this posting takes another back; contest that one")
    evidence = [fact for fact in facts if fact.id in posting["evidence"]]
    inspector = next((_finder(fact) for fact in evidence if _finder(fact)), "")
    contested = Contested(
        what="posting",
        key=posting["offence"],
        at=moment(posting["at"]),
        unit=posting["unit"],
        person=posting["person"],
        made_in=unit_of(inspector, people, moment(posting["at"]).date()) or posting["unit"],
        hands=hands_in(evidence),
        other_side=other_side(facts),
    )
    return Found(contested, posting["subject"], tuple(posting["clauses"]), inspector)


def callback_contested(facts: Sequence[Fact], occurrence: int, edition: Edition) -> Found:
    """Return what is contested with how a callback ended."""
    ended = [
        one for one in facts if one.type in _CALLED and _CALLED[one.type](one.data).occurrence == occurrence
    ]
    if not ended:
        raise _invalid("occurrence", "no callback of this occurrence has ended")
    fact = ended[-1]
    all_due = (CallbackDue.view(one.data) for one in History.of(facts).all(CallbackDue))
    due = [one for one in all_due if one.occurrence == occurrence]
    plans = edition.at(fact.time).callback.plans
    clauses = plans[due[-1].plan].source if due and due[-1].plan in plans else ()
    contested = Contested(
        what="callback",
        key=fact.id,
        at=CallbackMissed.view(fact.data).due_before if fact.type == CallbackMissed.TYPE else fact.time,
        unit=fact.unit,
        made_in=fact.unit,
        hands=hands_in([fact]),
        other_side=other_side(facts),
    )
    by = CallbackCompleted.view(fact.data).by if fact.type == CallbackCompleted.TYPE else ""
    return Found(contested, fact.subject, clauses, by)


def inspection_contested(fact: Fact, edition: Edition, people: Mapping[str, Any]) -> Found:
    """Return what is contested with an inspection."""
    inspected = InspectionRecorded.view(fact.data)
    rule = edition.at(fact.time).obligations.inspections.get(inspected.kind)
    by, unit = inspected.by, inspected.unit
    contested = Contested(
        what="inspection",
        key=fact.id,
        at=fact.time,
        unit=unit,
        made_in=unit_of(by, people, fact.time.date()) or unit,
        hands=hands_in([fact]),
    )
    return Found(contested, f"unit/{unit}", rule.source if rule else (), by)


def service_contested(facts: Sequence[Fact]) -> Found:
    """Return what is contested with the service that a matter was given: since it ended, or was registered."""
    found = next(one for kind in _ENDS_SERVICE for one in reversed(facts) if one.type == kind)
    contested = Contested(
        "service-quality", found.subject, found.time, found.unit, other_side=other_side(facts)
    )
    return Found(contested, found.subject)


def management_contested(unit: str, office: str, since: datetime) -> Found:
    """Return what is contested with how an office manages and supports a unit (LN-21)."""
    contested = Contested("management", f"{office}|{unit}|{since.isoformat()}", since, unit, made_in=office)
    return Found(contested, f"unit/{unit}")


def other_side(facts: Iterable[Fact]) -> frozenset[str]:
    """Return who stands for the customer of a matter: who registered it, and the unit that did for another."""
    found: set[str] = set()
    for fact in facts:
        if fact.type == ComplaintRegistered.TYPE:
            registered = ComplaintRegistered.view(fact.data)
            found |= {registered.registered_by, *({registered.unit} - {fact.unit})}
    return frozenset(found)


def unit_of(person: str, people: Mapping[str, Any], day: date) -> str:
    """Return the unit of a person on a day, empty where nobody knows it."""
    held = [
        one
        for one in (people.get(person) or {}).get("appointments", ())
        if date.fromisoformat(one["since"]) <= day
    ]
    return str(held[-1]["unit"]) if held else ""


def lodged(
    id_: str, found: Found, words: Words, by: Party, at: datetime, edition: Edition, within: Within
) -> tuple[Dispute, list[Happened]]:
    """Lodge a dispute. Raises what ``check_lodging`` raises."""
    contested = found.contested
    key, rule = rule_for(contested.what, edition.at(at))
    terms = check_lodging(rule, contested, by, at, edition.calendar, within)
    dispute = Dispute(
        id=id_,
        rule=key,
        edition=edition.hash,
        against=contested.what,
        about=found.about,
        names=contested.key,
        since=contested.at,
        unit=contested.unit,
        person=contested.person,
        made_in=contested.made_in or contested.unit,
        hands=contested.hands,
        clauses=found.clauses,
        inspector=found.inspector,
        standing=terms.standing,
        grounds=words.text,
        evidence=words.evidence,
        by=by.person,
        by_unit=by.unit,
        by_role=by.role,
        at=at,
        advise_before=terms.advise_before,
        decide_before=terms.decide_before,
        key=words.key,
        digest=words.digest,
    )
    event = DisputeLodged(
        dispute=id_,
        rule=key,
        against=contested.what,
        about=contested.key,
        unit=contested.unit,
        standing=terms.standing,
        grounds=words.text,
        evidence=words.evidence,
        advise_before=terms.advise_before,
        decide_before=terms.decide_before,
        by=by.person,
    )
    return dispute, [Happened(event, at)]


def advised(
    dispute: Dispute, rule: Appeals, words: Words, by: Party, at: datetime, *, uphold: bool
) -> tuple[Dispute, list[Happened]]:
    """Give advice. Raises what ``check_advice`` raises."""
    if dispute.ruling is not None or dispute.advice is not None:
        done = "ruled" if dispute.ruling else "advised on"
        msg = f"The dispute is {done} already; that stands."
        raise DecidedError(msg)
    check_advice(rule, dispute.contested, dispute.lodged_by, by)
    _not_before(at, dispute.at)
    event = DisputeAdvised(
        dispute=dispute.id, unit=dispute.unit, uphold=uphold, reasons=words.text, by=by.person
    )
    return dispute.model_copy(update={"advice": _said(words, by, at, uphold=uphold)}), [Happened(event, at)]


def ruled(
    dispute: Dispute, rule: Appeals, words: Words, by: Party, at: datetime, within: Within, *, upheld: bool
) -> tuple[Dispute, list[Happened]]:
    """Rule it. Raises what ``check_ruling`` raises."""
    if dispute.ruling is not None:
        msg = "The dispute is ruled already; its ruling stands."
        raise DecidedError(msg)
    check_ruling(
        rule,
        dispute.contested,
        dispute.lodged_by,
        by,
        at,
        within,
        advised_by=dispute.advice.by if dispute.advice else "",
        advise_before=dispute.advise_before,
    )
    _not_before(at, dispute.at)
    # What has no points of its own is ruled in words; nothing is taken back.
    names = "" if dispute.against in ("management", "service-quality") else dispute.names
    event = DisputeRuled(
        offence=names,
        about=dispute.about,
        unit=dispute.unit,
        upheld=upheld,
        reasons=words.text,
        by=by.person,
        dispute=dispute.id,
        restates=upheld and bool(names) and (rule.restates or dispute.against in ALWAYS_RESTATES),
        clauses=dispute.clauses,
        inspector=dispute.inspector,
    )
    return dispute.model_copy(update={"ruling": _said(words, by, at, uphold=upheld)}), [Happened(event, at)]


def told_overdue(dispute: Dispute, rule: Appeals, now: datetime) -> tuple[Dispute, list[Happened]]:
    """Tell the terms that have passed, each at its own moment."""
    over = [(stage, end) for stage, end in dispute.terms() if end <= now]
    clause = ", ".join(rule.source)
    happened = [
        Happened(
            DisputeOverdue(dispute=dispute.id, unit=dispute.unit, stage=stage, due_before=end, clause=clause),
            end,
        )
        for stage, end in over
    ]
    stages = (*dispute.overdue, *(stage for stage, _ in over))
    return dispute.model_copy(update={"overdue": stages}), happened


def same_words(key: str, digest: str, words: Words) -> bool:
    """Say whether these words were said before under their key.

    Raises:
        KeyReusedError: The key came before with another body.
    """
    if key != words.key:
        return False
    must_be_same(digest, words.digest)
    return True


def overturned(rulings: Iterable[tuple[Sequence[str], str, bool]]) -> dict[str, tuple[Overturn, ...]]:
    """Return how often rulings upheld what was contested, by clause and by inspector.

    Args:
        rulings: Of each the clauses, the inspector where there is one, and whether it was upheld.
    """
    told = list(rulings)
    return {
        "by_clause": overturns((clause, upheld) for clauses, _, upheld in told for clause in clauses),
        "by_inspector": overturns((who, upheld) for _, who, upheld in told if who),
    }


def appealed(
    ruling: Fact, facts: Sequence[Fact], posted: Iterable[Mapping[str, Any]]
) -> tuple[tuple[str, ...], str]:
    """Return the clauses by which what an appeal in handling was about cost points, and who had found it.

    Args:
        ruling: The decision on the appeal.
        facts: The facts of the matter.
        posted: What was ever posted about it.
    """
    decided = AppealDecided.view(ruling.data)
    against, appeal = decided.against, decided.appeal
    lodged_at = next(
        (
            one.time
            for one in facts
            if one.type == AppealLodged.TYPE and AppealLodged.view(one.data).appeal == appeal
        ),
        ruling.time,
    )
    kinds = _APPEALED.get(against, (DeadlineMissed.TYPE,))
    found = [
        one
        for one in facts
        if one.type in kinds
        and one.time <= lodged_at
        and (against in _APPEALED or _is_of(DeadlineMissed.view(one.data), against))
    ]
    if not found:
        return (), ""
    about = found[-1]
    clauses = dict.fromkeys(
        clause
        for one in posted
        if about.id in one["evidence"] and not one["reverses"]
        for clause in one["clause"].split(", ")
    )
    if about.type == DeadlineMissed.TYPE:
        told = DeadlineMissed.view(about.data).clause
        return tuple(clauses) or tuple(told.split(", ") if told else ()), ""
    return tuple(clauses), _MADE[about.type](about.data).by


def _is_of(missed: DeadlineMissed, against: str) -> bool:
    clock, _, run = against.partition("#")
    return missed.clock == clock and run in {"", str(missed.occurrence)}


_APPEALED: Mapping[str, tuple[str, ...]] = {
    "finding": (FindingMade.TYPE,),
    "grade": (FindingMade.TYPE,),
    "responsibility": (CaseAssigned.TYPE, CaseTransferred.TYPE),
}
"""What an appeal is against → the facts that made it; anything else is a clock with its occurrence."""

_MADE = views_of(FindingMade, CaseAssigned, CaseTransferred)

_FOUND = views_of(OffenceFound, InspectionRecorded, FindingMade)


def _finder(fact: Fact) -> str:
    view = _FOUND.get(fact.type)
    return view(fact.data).by if view else ""


def _said(words: Words, by: Party, at: datetime, *, uphold: bool) -> Said:
    return Said(by=by.person, uphold=uphold, reasons=words.text, at=at, key=words.key, digest=words.digest)


def _not_before(at: datetime, lodged_at: datetime) -> None:
    if at < lodged_at:
        raise _invalid("at", f"before the dispute was lodged, at {lodged_at.isoformat()}")


def _invalid(field: str, reason: str) -> InvalidInputError:
    return InvalidInputError("The dispute was not stored.", [FieldProblem(field, reason)])
