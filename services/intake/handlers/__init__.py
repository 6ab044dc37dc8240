"""Use cases: load, decide, save."""

from dataclasses import dataclass

from services.intake.handlers.census import Census
from services.intake.handlers.complaints import Matters
from services.intake.handlers.customers import Files
from services.intake.handlers.follow_up import FollowUps
from services.intake.handlers.ledger import Ledger
from services.intake.handlers.papers import Papers
from services.intake.handlers.partners import Partners
from services.intake.handlers.people import People
from services.intake.handlers.sheets import Sheets

__all__ = [
    "Census",
    "Files",
    "FollowUps",
    "Intake",
    "Ledger",
    "Matters",
    "Papers",
    "Partners",
    "People",
    "Sheets",
]


@dataclass(frozen=True, slots=True)
class Intake:
    """All use cases of one intake."""

    matters: Matters
    files: Files
    ledger: Ledger
    people: People
    follow_ups: FollowUps
    papers: Papers
    partners: Partners
    census: Census
    sheets: Sheets
