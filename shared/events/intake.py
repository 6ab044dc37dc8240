"""What a subsidiary's intake tells: complaints, praise, customers, products."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event, Sealed


class ComplaintRegistered(Event):
    """Intake accepted a matter: a complaint, enquiry, request, suggestion …

    Source: rulebook keys ``intake.kinds``, ``intake.classes``, ``intake.records``.
    """

    TYPE: ClassVar[str] = "complaint.registered.v1"

    complaint_id: UUID
    number: str = Field(description="The number people use, for example CQ-202607-000123.")
    site: str
    unit: str
    kind: str
    class_: str = Field(description="Class as reported; a finding may change it.")
    item: str = Field(default="", description="Row of the rectification table, where one applies.")
    flags: tuple[str, ...] = Field(default=(), description="For example reputation-risk, major-event.")
    channel: str
    product: str = ""
    received_at: AwareDatetime = Field(description="When any channel of the unit first had the matter.")
    registered_at: AwareDatetime
    registered_by: str
    handed_over_by: str = ""
    handover_on: AwareDatetime | None = Field(default=None, description="Handover date of the flat (JK-34).")
    complete: bool
    missing: tuple[str, ...] = Field(default=(), description="Fields of the full record still empty.")
    customer: str = Field(description="Opaque id of the customer's file.")
    problem_user: bool = False
    imported: bool = Field(default=False, description="Entered later; swept only up to the declared moment.")
    sealed: Sealed = Field(description="Name, phone, address and words of the complaint.")
    command_key: str
    service: str = Field(default="", description="Service line (LN-02).")
    grade: str = Field(default="", description="Grade that it is taken for until one is found (XA-01).")
    tier: str = Field(default="", description="Tier of service (XA-13).")
    about_unit: str = Field(
        default="", description="Unit that it is about, where another received it. The envelope names it too."
    )
    external_number: str = Field(default="", description="Number of the partner that sent it (XA-04).")
    follows: UUID | None = Field(default=None, description="Matter whose callback brought it up (XA-11).")


class RecordAmended(Event):
    """Fields of a complaint's record were filled in or corrected."""

    TYPE: ClassVar[str] = "record.amended.v1"

    complaint_id: UUID
    complete: bool
    missing: tuple[str, ...] = ()
    by: str
    reason: str
    sealed: Sealed | None = None


class PraiseReceived(Event):
    """A customer praised a unit, directly or to a body outside it."""

    TYPE: ClassVar[str] = "praise.received.v1"

    praise_id: UUID
    unit: str
    to: str = Field(description="Who was told: unit, group, consumer-association.")
    received_at: AwareDatetime
    customer: str
    sealed: Sealed


class CustomerFiled(Event):
    """A customer's file was opened or brought up to date."""

    TYPE: ClassVar[str] = "customer.filed.v1"

    customer: str
    unit: str
    first_business_on: date | None = None
    sealed: Sealed


class CustomersCounted(Event):
    """How many customers a unit had on file when a month ended; told again only where the number changed.

    Source: rulebook key ``obligations.figures``.
    """

    TYPE: ClassVar[str] = "customers.counted.v1"

    unit: str
    month: str
    normal: int = Field(ge=0, description="Without problem users (ZY-06).")
    all: int = Field(ge=0)


class CustomerFlagged(Event):
    """A customer's problem-user status was proposed, confirmed, refused or ended."""

    TYPE: ClassVar[str] = "customer.flagged.v1"

    customer: str
    unit: str
    status: str = Field(description="proposed | confirmed | refused | ended | review-due.")
    behaviours: tuple[str, ...]
    by: str
    expires_on: date | None = None
    contact: str = Field(default="", description="The one contact on which they were shown (ZY-05).")


class ProductFiled(Event):
    """A product's file was opened or brought up to date."""

    TYPE: ClassVar[str] = "product.filed.v1"

    product: str
    unit: str
    name: str
    model: str
    handed_over_on: date | None = None


class PersonalDataRevealed(Event):
    """Someone saw a customer's data unmasked, for a stated purpose."""

    TYPE: ClassVar[str] = "personal-data.revealed.v1"

    customer: str
    complaint_id: UUID | None
    by: str
    purpose: str


class ImportDeclared(Event):
    """An importer declares a unit's entered history complete up to a moment.

    Silence before that moment now counts: deadlines of imported cases are swept up to it.
    """

    TYPE: ClassVar[str] = "import.declared.v1"

    unit: str
    complete_up_to: AwareDatetime
    by: str
