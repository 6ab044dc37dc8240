"""What may be registered and what its record must hold: ``intake.yaml``."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from shared.rulebook.schema.base import Keys, Match, OneOrMore, Part, Rule, Text


class MatterKind(Rule):
    """A kind of matter: complaint, enquiry, repair, suggestion, pre-handover defect …

    Attributes:
        moments: Moments that its registration states, for limits that run until them (``handover``).
        services: Service lines; the registration names one.
        graded: It has a grade; until one is found the presumed grade holds.
        first_contact: Who takes it first answers for it to the end (LN-06).
    """

    classes: Keys = ()
    counts_as_complaint: bool = True
    moments: Keys = ()
    services: Keys = ()
    graded: bool = False
    first_contact: bool = False


class ComplaintClass(Rule):
    """A class of complaint; it chooses the procedure."""

    items_from: str = Field(default="", description="Table whose rows may be named as item.")


class Grade(Rule):
    """How grave a matter is (XA-01).

    Attributes:
        rank: 1 is the gravest.
        presumed: It holds until a grade is found.
        floor_for: Matters that are at least this grave, whatever is found.
    """

    rank: int = Field(ge=1)
    presumed: bool = False
    floor_for: tuple[Match, ...] = ()


class ServiceLine(Rule):
    """A line of service (LN-02)."""


class Tier(Rule):
    """A tier of service (XA-13). ``applies`` says which matters belong to it; the first that fits holds."""

    applies: Match = Match()


class Partner(Part):
    """A body outside that sends matters under numbers of its own, and is told what becomes of them (XA-04).

    Attributes:
        number: Pattern of its numbers.
        told: What it is told of.
    """

    number: str
    told: OneOrMore[Literal["accepted", "extended", "resolved", "closed", "withdrawn"]] = ()


class Channel(Rule):
    """A way in: visit, telephone, letter, forum, hotline …

    Attributes:
        about_unit: What comes in this way names the unit that it is about, because it reaches another first.
        partner: The body that sends it, where it has numbers of its own.
    """

    about_unit: bool = False
    partner: Partner | None = None


class RecordField(Part):
    """One field of the record.

    ``need``: ``must`` — without it nothing is registered; ``record`` — without it the record is
    incomplete, which is counted; ``may`` — free.
    """

    title: Text
    need: Literal["must", "record", "may"]
    personal: bool = False
    format: Literal["text", "phone", "date", "number", "choice"] = "text"
    choices: Mapping[str, Text] = {}
    max_length: int = 2000


class RecordForm(Rule):
    """The fields that a kind of matter needs."""

    kinds: Keys = Field(min_length=1)
    fields: Mapping[str, RecordField]


class Line(Part):
    """One column of a ledger or line of a paper.

    ``takes``: a field of the form (``field.name``), a fact of the case (``case.closed_at``), of the customer's file
    (``customer.phone``), of the callback (``callback.satisfaction``), or ``blank`` for what is written by hand.
    """

    title: Text
    takes: str


FACTS: Mapping[str, frozenset[str]] = {
    "case": frozenset(
        [
            "number",
            "unit",
            "kind",
            "class",
            "item",
            "service",
            "grade",
            "tier",
            "channel",
            "external_number",
            "product",
            "received_at",
            "registered_at",
            "registered_by",
            "handed_over_by",
            "flags",
            "problem_user",
            "missing",
            "status",
            "procedure",
            "validity",
            "department",
            "person",
            "next_due",
            "missed",
            "way",
            "amount",
            "payer",
            "resolved_at",
            "closed_at",
            "outcome",
            "reopened",
        ]
    ),
    "customer": frozenset({"name", "phone", "address", "unit", "opened_at", "first_business_on"}),
    "callback": frozenset({"result", "satisfaction", "solved", "attempts", "at"}),
}
"""What a line may take, besides the fields of the form."""


class Document(Rule):
    """A ledger, work order or card that people read, print and send (LN-23, LN-28).

    Attributes:
        of: What one of them is about; a ledger has a row for each matter.
        kinds: Kinds of matter that are in it; empty: all.
        copies: How many are printed.
        signatures: Parties that sign it.
    """

    of: Literal["ledger", "matter", "customer"]
    kinds: Keys = ()
    lines: Mapping[str, Line]
    copies: int = 1
    signatures: Keys = ()


class Flag(Rule):
    """Something about a matter that adds duties, for example a risk to reputation."""


class ProblemUser(Rule):
    """Who may be left out of indicators, on what grounds and for how long (ZY-05).

    Attributes:
        one_contact: The behaviours were shown on one contact, which the proposal names.
        review_days: After so many days somebody looks whether the status is still right.
    """

    behaviours: Mapping[str, Text]
    at_least: int = Field(ge=1)
    days: int = Field(ge=1)
    one_contact: bool = False
    review_days: int | None = Field(default=None, ge=1)


class Duplicates(Rule):
    """Within how many days a like matter of the same customer is suggested as a duplicate."""

    within_days: int = Field(ge=1)
