"""What may be registered and what its record must hold: ``intake.yaml``."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from shared.rulebook.schema.base import Keys, Part, Rule, Text


class MatterKind(Rule):
    """A kind of matter: complaint, enquiry, repair, suggestion, pre-handover defect …

    Attributes:
        moments: Moments that its registration states, for limits that run until them (``handover``).
    """

    classes: Keys = ()
    counts_as_complaint: bool = True
    moments: Keys = ()


class ComplaintClass(Rule):
    """A class of complaint; it chooses the procedure."""

    items_from: str = Field(default="", description="Table whose rows may be named as item.")


class Channel(Rule):
    """A way in: visit, telephone, letter, forum, hotline …"""


class RecordField(Part):
    """One field of the record.

    ``need``: ``must`` — without it nothing is registered; ``record`` — without it the record is
    incomplete, which is counted; ``may`` — free.
    """

    title: Text
    need: Literal["must", "record", "may"]
    personal: bool = False
    format: Literal["text", "phone", "date", "number"] = "text"
    max_length: int = 2000


class RecordForm(Rule):
    """The fields that a kind of matter needs."""

    kinds: Keys = Field(min_length=1)
    fields: Mapping[str, RecordField]


class Flag(Rule):
    """Something about a matter that adds duties, for example a risk to reputation."""


class ProblemUser(Rule):
    """Who may be left out of indicators, on what grounds and for how long (ZY-05)."""

    behaviours: Mapping[str, Text]
    at_least: int = Field(ge=1)
    days: int = Field(ge=1)


class Duplicates(Rule):
    """Within how many days a like matter of the same customer is suggested as a duplicate."""

    within_days: int = Field(ge=1)
