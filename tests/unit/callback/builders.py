"""What callback is told, and matters that grew from it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.callback import domain
from services.callback.domain import Call, Checked, Dialler, Matter, Outcome
from shared.events import Envelope, Event, Happened, Sealed, event_id, source_of
from shared.events.handling import CaseClosed, CaseReopened, CaseWithdrawn
from shared.events.intake import ComplaintRegistered, RecordAmended
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from tests.builders_rules import an_edition, an_edition_with

SHANGHAI = ZoneInfo("Asia/Shanghai")
COMPLAINT = UUID("8f6f1c1e-7f3a-5d5b-9a57-0d8a5f0c7a11")
UNIT = "chongqing-branch"
ME = Dialler("li", "caller-1")
ANOTHER = Dialler("wang", "caller-2")


def at(local: str) -> datetime:
    """Return the instant that a Shanghai clock shows, in UTC: ``at("2026-07-01 10:00")``."""
    return datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)


def told(
    event: Event, time: datetime, ordinal: int = 1, service: str = "handling", about: UUID = COMPLAINT
) -> Envelope:
    source = source_of(service, "chongqing")
    subject = str(about)
    return Envelope(
        id=event_id(source, subject, ordinal),
        source=source,
        type=event.TYPE,
        subject=subject,
        time=time,
        group="jinke",
        unit=UNIT,
        sequence=ordinal,
        ordinal=ordinal,
        recordedtime=time,
        correlationid="c",
        data=event.model_dump(mode="json"),
    )


def registered(
    complaint: UUID = COMPLAINT, *, imported: bool = False, sealed: Sealed | None = None
) -> Envelope:
    time = at("2026-07-01 09:00")
    event = ComplaintRegistered(
        complaint_id=complaint,
        number="CQ-202607-000001",
        site="chongqing",
        unit=UNIT,
        kind="complaint",
        class_="general",
        channel="telephone",
        received_at=time,
        registered_at=time,
        registered_by="clerk",
        complete=True,
        customer="customer/1",
        imported=imported,
        sealed=sealed or Sealed(key="customer/1", box="first"),
        command_key="key-1",
    )
    return told(event, time, service="intake", about=complaint)


def amended(box: str, time: datetime, ordinal: int) -> Envelope:
    event = RecordAmended(
        complaint_id=COMPLAINT,
        complete=True,
        by="clerk",
        reason="another number",
        sealed=Sealed(key="customer/1", box=box),
    )
    return told(event, time, ordinal, "intake")


def closed(
    time: datetime,
    occurrence: int = 1,
    ordinal: int = 1,
    *,
    complaint: UUID = COMPLAINT,
    kind: str = "complaint",
    problem_user: bool = False,
    imported: bool = False,
) -> Envelope:
    event = CaseClosed(
        complaint_id=complaint,
        occurrence=occurrence,
        kind=kind,
        class_="general",
        validity="valid",
        way="explanation",
        outcome="",
        customer="customer/1",
        problem_user=problem_user,
        imported=imported,
    )
    return told(event, time, ordinal, about=complaint)


def reopened(time: datetime, occurrence: int = 1, ordinal: int = 2) -> Envelope:
    event = CaseReopened(complaint_id=COMPLAINT, occurrence=occurrence, reason="again", by="officer")
    return told(event, time, ordinal)


def withdrawn(time: datetime, ordinal: int = 2) -> Envelope:
    return told(CaseWithdrawn(complaint_id=COMPLAINT, reason="no longer", by="officer"), time, ordinal)


def grown(events: Iterable[Envelope], edition: Edition | None = None) -> tuple[Matter, list[Happened]]:
    """Return the matter that follows from events, in the order given, and everything told on the way."""
    matter: Matter | None = None
    happened: list[Happened] = []
    for event in events:
        matter, new = domain.follow(matter, event, lambda _: edition or an_edition())
        happened.extend(new)
    assert matter is not None
    return matter, happened


def a_matter(closed_at: str = "2026-07-01 10:00", edition: Edition | None = None) -> Matter:
    return grown([registered(), closed(at(closed_at))], edition)[0]


def with_plan(**changes: object) -> Edition:
    """Return the jinke edition with fields of its plan changed."""

    def change(rules: Rules) -> Rules:
        plan = rules.callback.plans["complaints"].model_copy(update=changes)
        callback = rules.callback.model_copy(update={"plans": {"complaints": plan}})
        return rules.model_copy(update={"callback": callback})

    return an_edition_with(change)


def a_call(
    moment: str,
    outcome: Outcome = Outcome.UNREACHABLE,
    *,
    satisfaction: int | None = None,
    solved: bool | None = None,
    answers: Mapping[str, str] | None = None,
    call_back_at: datetime | None = None,
    key: str = "",
    who: Dialler = ME,
) -> Call:
    return Call(
        outcome=outcome,
        at=at(moment),
        who=who,
        key=key or f"key at {moment}",
        digest="d",
        satisfaction=satisfaction,
        solved=solved,
        answers=answers or {},
        call_back_at=call_back_at,
    )


def an_answer(moment: str, satisfaction: int = 5, who: Dialler = ME) -> Call:
    return a_call(moment, Outcome.COMPLETED, satisfaction=satisfaction, solved=True, who=who)


def called(
    matter: Matter, *calls: Call, edition: Edition | None = None, now: datetime | None = None
) -> tuple[Matter, list[Happened]]:
    """Return the matter after calls, each of which must be accepted."""
    happened: list[Happened] = []
    for call in calls:
        matter, _, new = domain.attempt(
            matter, call, Checked({}, {}), None, edition or an_edition(), now or call.at
        )
        happened.extend(new)
    return matter, happened


def types(happened: Iterable[Happened]) -> list[str]:
    return [item.event.TYPE for item in happened]


HALF = Decimal("0.5")
