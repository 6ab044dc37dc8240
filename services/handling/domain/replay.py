"""What-if: how a case would have run under another edition, from what was told of it.

The deeds stay what they were and when they were; limits, and so verdicts, are worked out anew. Commands are not
judged again: a deed that another edition would have refused is still a deed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic_core import to_jsonable_python

from services.handling.domain.case import Case
from services.handling.domain.decide import open_case
from services.handling.domain.evolve import fold
from services.handling.domain.silence import settled
from services.handling.domain.telling import derived
from shared.events import Envelope, Happened, Sealed, typed
from shared.events.facts import Fact, recency
from shared.events.handling import (
    AlertRaised,
    CaseEscalated,
    CaseOpened,
    CaseResolved,
    DeadlineCleared,
    DeadlineMissed,
    SettlementApproved,
    SettlementSigned,
    StepCompleted,
)
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.edition import Edition
from shared.rulebook.steps import CaseRules

REPLAYED = UUID("0b0e8a55-0a0b-5f5c-9a43-6a8f0f6f2b7e")
"""Namespace of the ids of what a replay tells."""

JUDGED = (DeadlineMissed.TYPE, DeadlineCleared.TYPE, AlertRaised.TYPE)
"""What time alone brings about, and a replay works out anew."""

_SEALED = Sealed(key="", box="")


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
    law = CaseRules.of(edition, ComplaintRegistered.view(registered.data).received_at.astimezone(UTC))
    case, opened = open_case(_envelope(registered), edition)
    # When a record was complete is known before anything is judged: the order of two services' logs is not.
    case = fold(case, _amendments(facts, case), law)
    mine = [one for one in sorted(facts, key=recency) if _is_of_handling(one)]
    source = mine[0].source if mine else registered.source
    news = _News(registered.subject, source)
    found = list(news.of(opened))
    for group in _decisions(mine):
        at = group[0].time
        case, before = settled(case, law, at)
        told = [Happened(typed(one.type, one.data), one.time, one.unit) for one in group]
        case = fold(case, (one for one in told if not isinstance(one.event, CaseOpened)), law)
        case, after = settled(case, law, at)
        found += news.of(before)
        found += [_again(fact, one, case) for fact, one in zip(group, told, strict=True)]
        found += news.of(after)
    _, last = settled(case, law, up_to)
    return [*found, *news.of(last)]


def _amendments(facts: Sequence[Fact], case: Case) -> list[Happened]:
    told = sorted((one for one in facts if one.type == RecordAmended.TYPE), key=lambda one: one.time)
    return [Happened(typed(one.type, one.data), max(one.time, case.registered_at)) for one in told]


_FOLLOWING = {one.TYPE for one in (StepCompleted, CaseResolved, SettlementApproved, SettlementSigned)}
"""What a command tells after what it was about."""


def _decisions(told: Sequence[Fact]) -> list[list[Fact]]:
    """Return together what one decision told: only the whole of it brings the clocks up to date.

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


def _again(fact: Fact, told: Happened, case: Case) -> Fact:
    """Return a fact with what the edition makes of it: procedure and grade, and whether a step was in time."""
    fields: Mapping[str, Any] = to_jsonable_python(derived(case, told.event, told.time))
    return fact._replace(data={**fact.data, **fields}) if fields else fact


def under(edition: Edition) -> Edition:
    """Return an edition as if its newest rules had always held: a draft, tried on the past."""
    return replace(edition, slices=((edition.slices[0][0], edition.slices[-1][1]),))
