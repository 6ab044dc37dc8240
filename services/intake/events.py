"""Messages in: what handling and callback tell of this site's complaints, for the ledger."""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.domain import told
from services.intake.domain.complaints import Complaint
from services.intake.store import MongoComplaints
from shared.messaging import Decision, Following, Record
from shared.storage import Stored

_TELLERS = ("jiandu/handling/", "jiandu/callback/")


def key_of(record: Record) -> str | None:
    """Return the complaint that an event is about; what else handling and callback tell is none of ours."""
    subject = str(record["subject"])
    return subject if "/" not in subject and record["source"].startswith(_TELLERS) else None


def decide(stored: Stored[Complaint], records: Sequence[Record]) -> Decision[Complaint] | None:
    """Bring the ledger's part of a complaint up to date. Types that it does not show only count as seen."""
    if stored.state is None:
        return None
    state = replace(stored.state, told=told.follow_all(stored.state.told, records))
    return Decision(state, index={"status": state.told.status})


def following(complaints: MongoComplaints) -> Following[Complaint]:
    """Follow the complaints, each source's events of a complaint in order."""
    return Following(complaints.records, key_of, decide)
