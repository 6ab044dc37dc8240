"""What the registry tells: the organisation, people, accounts and rulebook editions."""

from datetime import date
from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event, Sealed


class UnitEstablished(Event):
    """A unit was formally established, or its record was set anew from a date.

    Source: rulebook key ``organisation.units``.
    """

    TYPE: ClassVar[str] = "unit.established.v1"

    unit: str
    kind: str = Field(description="Key of rulebook ``unit_kinds``: group, subsidiary, branch, sales-desk …")
    parent: str | None
    site: str = Field(description="Subsidiary whose intake serves this unit; `group` for headquarters.")
    name_zh: str
    name_en: str
    established_on: date
    service_lead: str = Field(default="", description="Person who answers for service quality.")
    peers: str = Field(default="", description="Peer group of its kind of unit.")
    activated_by: str = Field(default="", description="Person who approved that it begins its work (LN-22).")


class UnitProposed(Event):
    """A unit is recorded and not active yet: an approval, or who answers for its service, is missing."""

    TYPE: ClassVar[str] = "unit.proposed.v1"

    unit: str
    kind: str
    parent: str
    site: str
    name_zh: str
    name_en: str
    by: str
    missing: tuple[str, ...] = Field(description="approval | service-lead.")


class UnitClosed(Event):
    """A unit ceases on a day; it is out of rankings from then on."""

    TYPE: ClassVar[str] = "unit.closed.v1"

    unit: str
    closes_on: date
    successor: str = Field(default="", description="Unit that its open matters go to.")


class PersonAppointed(Event):
    """A person holds a role at a unit from a day on."""

    TYPE: ClassVar[str] = "person.appointed.v1"

    person: str
    name: str
    unit: str
    role: str
    since: date
    opinion: str = Field(default="", description="Recorded opinion that the appointment rested on (JK-26).")


class PersonLeft(Event):
    """A person leaves on a day; what was theirs goes to the successor."""

    TYPE: ClassVar[str] = "person.left.v1"

    person: str
    unit: str
    on: date
    successor: str = ""


class DeputyNamed(Event):
    """Somebody stands in for an absent holder of a role for some days."""

    TYPE: ClassVar[str] = "deputy.named.v1"

    person: str
    role: str
    unit: str
    deputy: str
    since: date
    until: date = Field(description="First day on which it holds no more.")
    by: str


class TrainingRecorded(Event):
    """A person sat the examination of a course. Who fails does not serve where the course is asked for (LN-22)."""

    TYPE: ClassVar[str] = "training.recorded.v1"

    course: str
    person: str
    unit: str
    on: date
    passed: bool
    by: str


class AccountGranted(Event):
    """An account can sign in. Its password hash travels sealed."""

    TYPE: ClassVar[str] = "account.granted.v1"

    account: str
    person: str
    name: str
    unit: str
    role: str
    secret: Sealed


class AccountRevoked(Event):
    """An account can no longer sign in, and its tokens are refused."""

    TYPE: ClassVar[str] = "account.revoked.v1"

    account: str
    reason: str


class EditionProposed(Event):
    """A draft was put before those who approve it."""

    TYPE: ClassVar[str] = "edition.proposed.v1"

    name: str
    hash: str
    topics: tuple[str, ...] = Field(default=(), description="Files whose rules change.")
    restates: bool = Field(default=False, description="It changes a month that is published, and says so.")
    by: str


class EditionApproved(Event):
    """One of the chain approved a draft."""

    TYPE: ClassVar[str] = "edition.approved.v1"

    name: str
    hash: str
    chain: str = Field(description="Key of rulebook ``rulebook.approval``.")
    role: str
    person: str
    for_person: str = Field(default="", description="Absent holder of the role for whom a deputy approved.")
    report: str = Field(default="", description="Hash of the what-if report that was before them.")


class EditionRejected(Event):
    """One of the chain refused a draft, with reasons."""

    TYPE: ClassVar[str] = "edition.rejected.v1"

    name: str
    hash: str
    chain: str
    role: str
    person: str
    reasons: str


class EditionFiled(Event):
    """The approved text was filed with a body outside (XA-15)."""

    TYPE: ClassVar[str] = "edition.filed.v1"

    name: str
    hash: str
    filed_with: str
    on: date
    by: str


class OverlayFiled(Event):
    """Norms of one unit's own were filed and confirmed; they hold for it from a day on (ZY-02)."""

    TYPE: ClassVar[str] = "overlay.filed.v1"

    overlay: str
    unit: str
    since: date
    until: date | None = None
    hash: str
    approved_by: tuple[str, ...]
    bundle: str = Field(description="The YAML files as JSON name → text, zlib, base64.")


class OverlayEnded(Event):
    """A unit's own norms hold no more; the group's hold again."""

    TYPE: ClassVar[str] = "overlay.ended.v1"

    overlay: str
    unit: str
    ends_on: date
    reason: str
    by: str


class EditionEnacted(Event):
    """A rulebook edition was enacted. It carries the edition itself, so no site needs files."""

    TYPE: ClassVar[str] = "edition.enacted.v1"

    name: str
    hash: str
    enacted_at: AwareDatetime
    approved_by: tuple[str, ...]
    bundle: str = Field(description="The YAML files as JSON name → text, zlib, base64.")


class RegisterFilled(Event):
    """The register was filled at its first start. Who has that much knows everybody that there was then."""

    TYPE: ClassVar[str] = "register.filled.v1"

    units: int
    people: int
    accounts: dict[str, int] = Field(description="Site → accounts that it was told of.")


class OpinionRecorded(Event):
    """The group centre gave its opinion on a head who is to be appointed (JK-26)."""

    TYPE: ClassVar[str] = "opinion.recorded.v1"

    opinion: str
    unit: str
    role: str
    person: str
    favourable: bool
    reasons: str


class RulingRecorded(Event):
    """The interpreting department ruled how a clause of an edition is to be read (QS-12)."""

    TYPE: ClassVar[str] = "ruling.recorded.v1"

    ruling: str
    edition: str
    clause: str
    text: str
    by: str
