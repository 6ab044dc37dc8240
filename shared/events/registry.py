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


class UnitClosed(Event):
    """A unit ceases on a day; it is out of rankings from then on."""

    TYPE: ClassVar[str] = "unit.closed.v1"

    unit: str
    closes_on: date


class PersonAppointed(Event):
    """A person holds a role at a unit from a day on."""

    TYPE: ClassVar[str] = "person.appointed.v1"

    person: str
    name: str
    unit: str
    role: str
    since: date
    opinion: str = Field(default="", description="Recorded opinion that the appointment rested on (JK-26).")


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
