"""Duties that come round: reports, meetings, inspections, with their due dates. ``obligations.yaml``."""

from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from shared.bounds import Number
from shared.rulebook.periods import Every, PeriodDue
from shared.rulebook.schema.base import Keys, Part, Rule, Text


class Section(Part):
    """One part that a report must hold."""

    title: Text


class Obligation(Rule):
    """A duty that every unit of a kind owes once a period.

    Attributes:
        owed_by: Kind of unit.
        about: The unit that the duty is about, where another owes it (an inspection of a branch).
        due: When it is due, for the period it answers for.
        sections: Required sections; a missing one is counted.
        fields: Required fields of the record.
        done_by: ``report`` — someone submits it; ``inspection`` — an inspection of the kind fulfils it.
        right: Right needed to submit it.
    """

    owed_by: str
    about: str = ""
    every: Every
    due: PeriodDue
    sections: Mapping[str, Section] = {}
    fields: Mapping[str, Text] = {}
    done_by: Literal["report", "inspection"] = "report"
    inspection: str = ""
    right: str = "reports.submit"

    @model_validator(mode="after")
    def _due_fits_the_period(self) -> "Obligation":
        misfit = self.due.misfit(self.every)
        if misfit:
            msg = f"'due' does not fit 'every: {self.every}': {misfit}."
            raise ValueError(msg)
        return self


class InspectionItem(Part):
    """Points that an inspection may give on an item of a sheet."""

    title: Text
    most: Number


class Inspection(Rule):
    """A kind of inspection: what is scored, which aspects can fail, which fields are asked."""

    of: str
    by: str = ""
    items: Mapping[str, InspectionItem] = {}
    aspects: Mapping[str, Text] = {}
    fields: Mapping[str, Text] = {}
    external: bool = False


class FindingKind(Rule):
    """An offence that an inspector finds, with evidence (JK-14: shirking, bad press)."""

    needs: Keys = ("evidence",)
    about_case: bool = False
