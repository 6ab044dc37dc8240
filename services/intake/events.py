"""Messages in: what handling and callback tell of this site's complaints, for the ledger, and what was brought up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services.intake.domain import follow_up, progress
from services.intake.domain.complaints import Complaint
from services.intake.domain.follow_up import Problem
from services.intake.domain.partners import Message
from services.intake.store import Complaints
from services.intake.store.noted import Outbox, Problems
from shared.events.callback import CallbackProblem
from shared.events.handling import PartnerTold
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.storage.aggregates import Stored

_TELLERS = ("jiandu/handling/", "jiandu/callback/")


def key_of(record: Record) -> str | None:
    """Return the complaint that an event is about; what else handling and callback tell is none of ours."""
    subject = str(record["subject"])
    return subject if "/" not in subject and record["source"].startswith(_TELLERS) else None


def decide(stored: Stored[Complaint], records: Sequence[Record]) -> Decision[Complaint] | None:
    """Bring the ledger's part of a complaint up to date. Types that it does not show only count as seen."""
    if stored.state is None:
        return None
    state = replace(stored.state, told=progress.follow_all(stored.state.told, records))
    return Decision(state, index={"status": state.told.status})


def subscription(complaints: Complaints) -> Subscription[Complaint]:
    """Follow the complaints, each source's events of a complaint in order."""
    return Subscription(complaints, key_of, decide)


def problem_of(record: Record) -> str | None:
    """Return the matter that an answer of a callback opens, if it opens one."""
    return follow_up.id_of(str(record["id"])) if record["type"] == CallbackProblem.TYPE else None


def note(stored: Stored[Problem], records: Sequence[Record]) -> Decision[Problem]:
    """Note what was brought up; it is registered by a sweep, which may wait for the customer's key."""
    if stored.state is not None:
        return Decision(stored.state)
    record = records[0]
    event = CallbackProblem.of(record["data"])
    problem = Problem(
        id=stored.id,
        event=str(record["id"]),
        correlation=str(record["correlationid"]),
        at=datetime.fromisoformat(str(record["time"])).astimezone(UTC),
        first=str(event.complaint_id),
        question=event.question,
        answer=event.answer,
        kind=event.kind,
        unit=event.unit,
        sealed=event.sealed,
    )
    return Decision(problem, index={"waits": True})


def problems_following(problems: Problems) -> Subscription[Problem]:
    """Follow the answers that open a matter. Each is a document of its own, so that order does not matter."""
    return Subscription(problems, problem_of, note, ordered=False)


def message_of(record: Record) -> str | None:
    """Return the message that handling tells a partner, if it tells one."""
    return str(record["id"]) if record["type"] == PartnerTold.TYPE else None


def post(stored: Stored[Message], records: Sequence[Record]) -> Decision[Message]:
    """Lay a message into the partner's outbox, once."""
    if stored.state is not None:
        return Decision(stored.state)
    record = records[0]
    event = PartnerTold.of(record["data"])
    at = datetime.fromisoformat(str(record["time"])).astimezone(UTC)
    message = Message(
        stored.id, event.channel, event.number, str(event.complaint_id), event.what, at, record["sequence"]
    )
    return Decision(message, index={"waits": True, "channel": event.channel, "at": at})


def outbox_following(outbox: Outbox) -> Subscription[Message]:
    """Follow what partners are to hear; each message is a document of its own."""
    return Subscription(outbox, message_of, post, ordered=False)
