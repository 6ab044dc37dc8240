"""The vocabulary of a regulation. One module a topic, one topic a YAML file.

``Rules`` is what holds on one day. Path is key: ``procedures.yaml`` → ``procedures`` → ``invalid``
is ``rules.procedures.procedures["invalid"]`` and is cited as ``procedures.procedures.invalid``.
"""

from collections.abc import Mapping

from pydantic import Field

from shared.rulebook.schema.base import ClockTime, Keys, Match, Part, Rule, Text
from shared.rulebook.schema.callback import CallbackPlan, CallingHours, Campaign, Questionnaire
from shared.rulebook.schema.group import (
    Appointment,
    Approval,
    Award,
    CatalogueEntry,
    Course,
    Power,
    Publication,
    Ranking,
    Recommendation,
    Role,
    Source,
    UnitKind,
)
from shared.rulebook.schema.intake import (
    Channel,
    ComplaintClass,
    Document,
    Duplicates,
    Flag,
    Grade,
    MatterKind,
    ProblemUser,
    RecordForm,
    ServiceLine,
    Tier,
)
from shared.rulebook.schema.obligations import (
    FigureKind,
    FindingKind,
    Inspection,
    Norm,
    Obligation,
    Roster,
)
from shared.rulebook.schema.procedures import (
    Alert,
    Appeals,
    Determination,
    Escalation,
    Extension,
    Paper,
    Party,
    PauseReason,
    Procedure,
    ReportKind,
    Table,
    Validity,
    Watch,
    Way,
)
from shared.rulebook.schema.scoring import Indicator, Offence, PersonalResult, Sheet


class Head(Part):
    """``rulebook.yaml``: whose regulation this is, which rules it holds, and how it is changed."""

    group: str
    edition: str = Field(description="Name of the edition, for example 2005-05-28.")
    name: Text
    sources: Mapping[str, Source]
    rules: Mapping[str, CatalogueEntry] = Field(default={}, description="Every rule of the catalogue, by id.")
    approval: Mapping[str, Approval] = {}


class Hours(Part):
    """One day's working intervals, local time, ``HH:MM``."""

    opens: ClockTime
    closes: ClockTime


class CalendarUse(Part):
    """``calendar.yaml``: zone, working hours, and the national calendar that is followed."""

    zone: str
    hours: tuple[Hours, ...]
    national: str = Field(description="Folder under rulebooks/calendars.")


class Rights(Part):
    """``rights.yaml``: kinds of unit, roles, powers, appointments."""

    unit_kinds: Mapping[str, UnitKind]
    roles: Mapping[str, Role]
    powers: Mapping[str, Power] = {}
    appointments: Mapping[str, Appointment] = {}
    courses: Mapping[str, Course] = {}


class Intake(Part):
    """``intake.yaml``: what may be registered."""

    kinds: Mapping[str, MatterKind]
    classes: Mapping[str, ComplaintClass] = {}
    grades: Mapping[str, Grade] = {}
    services: Mapping[str, ServiceLine] = {}
    tiers: Mapping[str, Tier] = {}
    channels: Mapping[str, Channel]
    forms: Mapping[str, RecordForm]
    flags: Mapping[str, Flag] = {}
    problem_users: Mapping[str, ProblemUser] = {}
    duplicates: Mapping[str, Duplicates] = {}
    documents: Mapping[str, Document] = {}


class Limits(Part):
    """``limits.yaml``: tables of limits."""

    tables: Mapping[str, Table] = {}


class Procedures(Part):
    """``procedures.yaml``: how matters are handled."""

    validities: Mapping[str, Validity] = {}
    parties: Mapping[str, Party] = {}
    papers: Mapping[str, Paper] = {}
    procedures: Mapping[str, Procedure]
    watches: Mapping[str, Watch] = {}
    reports: Mapping[str, ReportKind] = {}
    ways: Mapping[str, Way] = {}
    escalations: Mapping[str, Escalation] = {}
    alerts: Mapping[str, Alert] = {}
    determinations: Mapping[str, Determination] = {}
    pauses: Mapping[str, PauseReason] = {}
    extensions: Mapping[str, Extension] = {}
    appeals: Mapping[str, Appeals] = {}


class Callback(Part):
    """``callback.yaml``: whom to call back."""

    plans: Mapping[str, CallbackPlan] = {}
    questionnaires: Mapping[str, Questionnaire] = {}
    hours: Mapping[str, CallingHours] = {}
    campaigns: Mapping[str, Campaign] = {}


class Duties(Part):
    """``obligations.yaml``: what comes round."""

    obligations: Mapping[str, Obligation] = {}
    inspections: Mapping[str, Inspection] = {}
    findings: Mapping[str, FindingKind] = {}
    norms: Mapping[str, Norm] = {}
    figures: Mapping[str, FigureKind] = {}
    rosters: Mapping[str, Roster] = {}


class Scoring(Part):
    """``scoring.yaml``: how facts become points, ranks and advice."""

    sheets: Mapping[str, Sheet] = {}
    offences: Mapping[str, Offence] = {}
    indicators: Mapping[str, Indicator] = {}
    rankings: Mapping[str, Ranking] = {}
    awards: Mapping[str, Award] = {}
    recommendations: Mapping[str, Recommendation] = {}
    personal_results: Mapping[str, PersonalResult] = {}
    publications: Mapping[str, Publication] = {}


class Rules(Part):
    """Everything that holds on one day."""

    rulebook: Head
    calendar: CalendarUse
    rights: Rights
    intake: Intake
    limits: Limits = Limits()
    procedures: Procedures
    callback: Callback = Callback()
    obligations: Duties = Duties()
    scoring: Scoring = Scoring()


__all__ = ["Keys", "Match", "Part", "Rule", "Rules", "Text"]
