"""Duties that come round: reports, meetings, inspections, with their due dates. ``obligations.yaml``."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field, model_validator

from shared.rulebook.schema.base import Keys, OneOrMore, Part, Rule, Text
from shared.timekeeping.limits import Limit
from shared.timekeeping.periods import Every, PeriodDue
from shared.values.bounds import Number


class ReportSection(Part):
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
        times: How often it must be done in the period (LN-29: three courses a year).
        nil: A unit that has nothing to report says so, and that fulfils it.
    """

    owed_by: Keys = Field(min_length=1)
    about: Keys = ()
    every: Every
    due: PeriodDue
    sections: Mapping[str, ReportSection] = {}
    fields: Mapping[str, Text] = {}
    done_by: Literal["report", "inspection"] = "report"
    inspection: str = ""
    right: str = "reports.submit"
    times: int = Field(default=1, ge=1)
    nil: bool = False

    @model_validator(mode="after")
    def _due_fits_the_period(self) -> "Obligation":
        misfit = self.due.misfit(self.every)
        if misfit:
            msg = f"'due' does not fit 'every: {self.every}': {misfit}."
            raise ValueError(msg)
        return self


WAYS_DONE: tuple[str, ...] = get_args(Obligation.model_fields["done_by"].annotation)
"""Every way in which a duty is done; what it needs to know is a field of its name.

Each is a module in ``services/scoring/domain/obligations``.
"""


class InspectionItem(Part):
    """Points that an inspection may give on an item of a sheet."""

    title: Text
    most: Number


class Inspection(Rule):
    """A kind of inspection: what is scored, which aspects can fail, which fields are asked.

    ``about_case``: it names the matter that is looked into (ZY-11, LN-27).
    """

    of: Keys = Field(min_length=1)
    by: str = ""
    items: Mapping[str, InspectionItem] = {}
    aspects: Mapping[str, Text] = {}
    fields: Mapping[str, Text] = {}
    external: bool = False
    about_case: bool = False


class Norm(Rule):
    """A norm of conduct that a finding cites (LN-26)."""


class FindingKind(Rule):
    """An offence that an inspector finds, with evidence (JK-14: shirking, bad press).

    ``needs``: what the finding must state; ``norm`` is one of ``obligations.norms`` (LN-15).
    """

    needs: OneOrMore[Literal["evidence", "department", "person", "superior", "norm"]] = ("evidence",)
    about_case: bool = False


class FigureKind(Rule):
    """A number that is reported for a unit and a period and not counted from matters (LN-25, ZY-08).

    Attributes:
        measure: Its unit of measure.
        by: Roles that report it; empty: the system counts it, ``counted`` says what.
    """

    every: Every
    of: Keys = Field(min_length=1)
    measure: Literal["count", "share", "money", "score"]
    by: Keys = ()
    counted: Literal["", "customers"] = ""

    @model_validator(mode="after")
    def _somebody_gives_it(self) -> "FigureKind":
        if bool(self.by) == bool(self.counted):
            msg = "A figure is either reported by a role ('by') or counted by the system ('counted')."
            raise ValueError(msg)
        return self


class Roster(Rule):
    """When somebody must be on duty (LN-32, QS-01); a time that no shift covers is a gap."""

    of: Keys = Field(min_length=1)
    covers: Literal["always", "working-hours"] = "always"
    ahead: Limit | None = None
