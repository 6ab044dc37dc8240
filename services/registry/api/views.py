"""What the registry answers: its records, without what is nobody's to read (password hashes, the editions' bulk).

A record is the events that made it, so its view is made from theirs; days and instants stand as they were kept.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from shared.events.registry import DeputyNamed, TrainingRecorded, UnitEstablished
from shared.http.answers import DayText, InstantText


class UnitView(UnitEstablished):
    """A unit as it was last recorded, which may hold from a later day on only."""

    records: list[UnitEstablished] = Field(default=[], description="Each with the day from which it holds.")
    closes_on: DayText = ""
    successor: str = Field(default="", description="Unit that its open matters go to.")


class ProposedUnit(UnitEstablished):
    """A unit that lacks what the regulation asks for before it is active (ZY-03, LN-22)."""

    by: str
    missing: list[str] = Field(description="approval, service-lead.")
    active: bool


class AppointmentView(BaseModel):
    """A role of a person at a unit."""

    unit: str
    role: str
    since: DayText


class PersonView(BaseModel):
    """A person: what they were appointed to, the examinations they sat, who stands in for them."""

    person: str
    name: str
    appointments: list[AppointmentView]
    deputies: list[DeputyNamed] = []
    trainings: list[TrainingRecorded] = []
    left_on: DayText = ""
    successor: str = ""


class AccountView(BaseModel):
    """An account. Its password hash is never shown."""

    account: str
    person: str
    name: str
    unit: str
    role: str
    revoked: bool


class EditionView(BaseModel):
    """An edition that came into force."""

    name: str
    hash: str
    enacted_at: InstantText
    approved_by: list[str]


class ApprovalView(BaseModel):
    """One approval of a draft."""

    chain: str = Field(description="Key of the rulebook's `rulebook.approval`.")
    role: str
    person: str
    for_person: str = Field(description="Absent holder of the role for whom a deputy approved.")
    report: str = Field(description="Hash of the what-if report that was before them.")
    at: InstantText


class RejectionView(BaseModel):
    """Who refused a draft, and why."""

    chain: str
    role: str
    person: str
    reasons: str
    at: InstantText


class FilingView(BaseModel):
    """Where an approved text was filed (XA-15)."""

    filed_with: str
    on: DayText
    by: str


class ProposalView(BaseModel):
    """A draft with all that was decided about it."""

    name: str
    hash: str
    topics: list[str] = Field(description="Files whose rules change.")
    changes_from: DayText | None = Field(description="First day on which something changes.")
    restates: bool = Field(description="It is meant to change what is published.")
    against: str = Field(description="Hash of the edition in force that it was compared with.")
    unit: str = Field(description="Unit whose own norms these are; empty for an edition.")
    until: DayText | None = Field(description="First day on which own norms hold no more.")
    proposed_by: str
    proposed_at: InstantText
    chains: dict[str, list[str]] = Field(description="Chain → roles that have still to approve, in order.")
    files_with: dict[str, str] = Field(description="Chain → body that the approved text is filed with.")
    approvals: list[ApprovalView]
    rejected: RejectionView | None
    filed: list[FilingView]
    waits_for: list[str] = Field(description="Roles whose turn it is.")


class EditionsView(BaseModel):
    """The editions that came into force, the newest last, and the drafts that wait, the oldest first."""

    enacted: list[EditionView]
    waiting: list[ProposalView]


class OverlayView(BaseModel):
    """Norms of a unit's own (ZY-02)."""

    overlay: str
    unit: str
    since: DayText
    until: DayText | None = Field(description="First day on which they hold no more.")
    hash: str
    approved_by: list[str]
    ends_on: DayText = Field(
        default="", description="First day on which they hold no more, where it was set since."
    )


def unit_view(state: Mapping[str, Any]) -> UnitView | ProposedUnit:
    """Show a unit that was established, or one that was proposed only."""
    return ProposedUnit.model_validate(state) if "missing" in state else UnitView.model_validate(state)


def norms_view(state: Mapping[str, Any]) -> OverlayView | ProposalView:
    """Show a unit's own norms, or the draft of such."""
    return OverlayView.model_validate(state) if "overlay" in state else ProposalView.model_validate(state)
