"""Pure: what may be registered, and the record that it makes."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from services.intake.domain import forms
from services.intake.domain.progress import NOTHING_TOLD, Progress
from shared.errors import ConflictError, FieldProblem, InvalidInputError
from shared.events import Sealed
from shared.events.intake import ComplaintRegistered, PersonalDataRevealed, RecordAmended
from shared.rulebook.grading import grade_of, tier_of
from shared.rulebook.schema import Rules
from shared.rulebook.schema.intake import MatterKind, RecordForm
from shared.values.idempotency import Command, Remembered, remember

_HANDOVER = "handover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What is said of a matter, and is said on by its record and by the event that tells it.

    Attributes:
        about_unit: Unit that it is about, where another received it; else empty.
        external_number: Number of the partner that sent it.
    """

    kind: str
    channel: str
    class_: str = ""
    item: str = ""
    flags: tuple[str, ...] = ()
    product: str = ""
    handed_over_by: str = ""
    handover_on: datetime | None = None
    service: str = ""
    about_unit: str = ""
    external_number: str = ""


_REPORTED = tuple(part.name for part in dataclass_fields(Reported))
_values_of = attrgetter(*_REPORTED)


def reported(one: object) -> dict[str, Any]:
    """Return what is said of a matter, by name, out of whatever says it."""
    return dict(zip(_REPORTED, _values_of(one), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission(Reported):
    """What a caller says of a matter. Moments are None where the server's own are meant."""

    fields: Mapping[str, str]
    received_at: datetime | None = None
    registered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """A matter that may be registered, with the tier and the grade that it is taken for."""

    said: Submission
    received_at: datetime
    registered_at: datetime
    values: Mapping[str, str]
    open_fields: Mapping[str, str]
    missing: tuple[str, ...]
    tier: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(Reported):
    """The record of one matter.

    Attributes:
        unit: Unit that registered it.
        open_fields: Fields of the form that are nobody's personal data; ``sealed`` holds all fields.
        first_missing: What was missing when it was registered: part of the first answer.
        told: What handling and callback told since.
        grade, tier: What it is taken for until a finding says otherwise.
        follows: Matter whose callback brought it up.
    """

    id: str
    number: str
    site: str
    unit: str
    received_at: datetime
    registered_at: datetime
    registered_by: str
    imported: bool
    customer: str
    problem_user: bool
    open_fields: Mapping[str, str]
    missing: tuple[str, ...]
    first_missing: tuple[str, ...]
    sealed: Sealed
    command_key: str
    digest: str
    edition: str
    grade: str = ""
    tier: str = ""
    follows: str = ""
    told: Progress = NOTHING_TOLD
    remembered: Remembered = ()

    @property
    def concerns(self) -> str:
        """Return the unit that the matter is about."""
        return self.about_unit or self.unit


class NumberKnownError(ConflictError):
    """The partner sent this number before."""

    code = "number-known"


def id_of(unit: str, key: str) -> str:
    """Return the id that a unit's command always gets, so that doing it again makes no second complaint."""
    return str(uuid5(NAMESPACE_URL, f"jiandu/complaint/{unit}/{key}"))


def id_of_partners(site: str, channel: str, number: str) -> str:
    """Return the id that a partner's number always gets, so that one number is one matter."""
    return str(uuid5(NAMESPACE_URL, f"jiandu/partner/{site}/{channel}/{number}"))


_SYLLABLE = re.compile(r"(?:[zcs]h|[b-df-hj-np-tw-z])?[aeiouv]+(?:ng|n|r)?(?![aeiouv])")


def site_code(site: str) -> str:
    """Return the letters that a site's numbers begin with: its syllables' first letters.

    Example:
        >>> [site_code(site) for site in ("chongqing", "chengdu", "wuxi", "changsha", "east-branch", "hq")]
        ['CQ', 'CD', 'WX', 'CS', 'EB', 'HQ']
    """
    parts = site.split("-")
    if len(parts) == 1:
        syllables: list[str] = _SYLLABLE.findall(site)
        parts = syllables if "".join(syllables) == site else [*site[:2]]
    return "".join(part[:1] for part in parts if part)[:4].upper()


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: none of I, L, O, U, which people misread."""


def number_of(site: str, month: str, complaint_id: str) -> str:
    """Return the number that people use. It follows from the id, so that a repeated command gives it again.

    Example:
        >>> number_of("chongqing", "202607", "00000000-0000-0000-0000-00000000002a")
        'CQ-202607-00001A'
    """
    rest = UUID(complaint_id).int
    tail = "".join(_LETTERS[rest >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))
    return f"{site_code(site)}-{month}-{tail}"


def examine(said: Submission, rules: Rules, now: datetime) -> CheckedSubmission:
    """Hold what a caller says against the rulebook of the day of receipt.

    Raises:
        InvalidInputError: Names every field that cannot be accepted, with the reason.
    """
    problems = _of_moments(said, now)
    checked = None
    kind = rules.intake.kinds.get(said.kind)
    if kind is None:
        problems.append(FieldProblem("kind", _one_of(rules.intake.kinds)))
    else:
        problems += _of_class(said, kind, rules)
        problems += _of_service(said, kind)
        if _HANDOVER in kind.moments:
            problems += _of_handover(said, now)
        form = forms.form_for(rules, said.kind)
        checked = forms.check(form, said.fields)
        problems += checked.problems
    problems += _of_channel(said, rules)
    problems += [
        FieldProblem("flags", f"'{flag}' is none of: {', '.join(rules.intake.flags) or 'none known'}")
        for flag in said.flags
        if flag not in rules.intake.flags
    ]
    if problems or checked is None:
        raise refused(problems)
    registered_at = (said.registered_at or now).astimezone(UTC)
    tier, grade = tier_and_grade(said, rules)
    return CheckedSubmission(
        said,
        said.received_at.astimezone(UTC) if said.received_at else registered_at,
        registered_at,
        checked.values,
        forms.plain(form, checked.values),
        checked.missing,
        tier,
        grade,
    )


def tier_and_grade(said: Submission, rules: Rules) -> tuple[str, str]:
    """Return the tier of service and the grade that a matter is taken for."""
    facts = {
        "kind": said.kind,
        "class": said.class_,
        "item": said.item,
        "channel": said.channel,
        "service": said.service,
    }
    facts["tier"] = tier_of(facts, said.flags, rules)
    return facts["tier"], grade_of("", facts, said.flags, rules)


def refused(problems: list[FieldProblem]) -> InvalidInputError:
    """Return the error that names every field."""
    names = ", ".join(dict.fromkeys(problem.field for problem in problems))
    return InvalidInputError(
        f"Nothing was stored. Correct these fields and send the request again: {names}.", problems
    )


def _one_of(known: Collection[str]) -> str:
    return f"one of: {', '.join(known)}"


def _of_moments(said: Submission, now: datetime) -> list[FieldProblem]:
    problems = []
    if said.received_at and said.received_at > now:
        problems.append(FieldProblem("received_at", "lies in the future"))
    if said.registered_at and said.registered_at > now:
        problems.append(FieldProblem("registered_at", "lies in the future"))
    elif said.registered_at and said.received_at and said.registered_at < said.received_at:
        problems.append(FieldProblem("registered_at", "lies before received_at"))
    return problems


def _of_handover(said: Submission, now: datetime) -> list[FieldProblem]:
    """Hold the handover against the receipt: what is mended until then cannot be owed before anybody knew of it."""
    received_at = said.received_at or said.registered_at or now
    if said.handover_on is None:
        return [FieldProblem("handover_on", f"needed for a matter of kind '{said.kind}'")]
    if said.handover_on <= received_at:
        reason = f"not after the receipt, {received_at.isoformat()}; a defect found after the handover is a complaint"
        return [FieldProblem("handover_on", reason)]
    return []


def _of_class(said: Submission, kind: MatterKind, rules: Rules) -> list[FieldProblem]:
    if not kind.classes:
        return [FieldProblem("class", f"a matter of kind '{said.kind}' has no class")] if said.class_ else []
    if said.class_ not in kind.classes:
        return [FieldProblem("class", f"one of: {', '.join(kind.classes)}")]
    if not said.item:
        return []
    table = rules.intake.classes[said.class_].items_from
    if not table:
        return [FieldProblem("item", f"class '{said.class_}' has no items")]
    rows = rules.limits.tables[table].rows
    return [] if said.item in rows else [FieldProblem("item", _one_of(rows))]


def _of_service(said: Submission, kind: MatterKind) -> list[FieldProblem]:
    """Hold the service line against those of the kind (LN-02): where there are any, one is named."""
    if not kind.services:
        reason = f"a matter of kind '{said.kind}' has no service line"
        return [FieldProblem("service", reason)] if said.service else []
    return [] if said.service in kind.services else [FieldProblem("service", _one_of(kind.services))]


def _of_channel(said: Submission, rules: Rules) -> list[FieldProblem]:
    """Hold what came with the channel against it: the unit concerned (LN-08), the partner's number (XA-04)."""
    channel = rules.intake.channels.get(said.channel)
    if channel is None:
        return [FieldProblem("channel", _one_of(rules.intake.channels))]
    problems = []
    if channel.about_unit and not said.about_unit:
        reason = f"needed: what comes by '{said.channel}' names the unit that it is about"
        problems.append(FieldProblem("about_unit", reason))
    if said.about_unit and not channel.about_unit:
        reason = f"what comes by '{said.channel}' is about the unit that registers it; leave it out"
        problems.append(FieldProblem("about_unit", reason))
    wanted = channel.partner.number if channel.partner else ""
    if wanted and not re.fullmatch(wanted, said.external_number):
        problems.append(FieldProblem("external_number", f"the partner's own number, like {wanted}"))
    if said.external_number and not wanted:
        problems.append(FieldProblem("external_number", f"'{said.channel}' has no numbers of a partner"))
    return problems


def register(  # noqa: PLR0913  # each is a fact that the record holds
    examined: CheckedSubmission,
    complaint_id: str,
    *,
    site: str,
    unit: str,
    month: str,
    by: str,
    customer: str,
    problem_user: bool,
    sealed: Sealed,
    command: Command,
    edition: str,
) -> tuple[Complaint, ComplaintRegistered]:
    """Return the record of an examined matter, and the event that tells it."""
    said = examined.said
    handover_on = said.handover_on.astimezone(UTC) if said.handover_on else None
    complaint = Complaint(
        **reported(said) | {"handover_on": handover_on},
        id=complaint_id,
        number=number_of(site, month, complaint_id),
        site=site,
        unit=unit,
        received_at=examined.received_at,
        registered_at=examined.registered_at,
        registered_by=by,
        imported=said.registered_at is not None,
        customer=customer,
        problem_user=problem_user,
        open_fields=examined.open_fields,
        missing=examined.missing,
        first_missing=examined.missing,
        sealed=sealed,
        command_key=command.key,
        digest=command.digest,
        edition=edition,
        grade=examined.grade,
        tier=examined.tier,
    )
    return complaint, told_of(complaint)


def told_of(complaint: Complaint) -> ComplaintRegistered:
    """Return the event that tells of a record."""
    # Everything in it was checked on the way in; checking it again would be a tenth of a registration.
    return ComplaintRegistered.model_construct(
        **reported(complaint),
        complaint_id=UUID(complaint.id),
        number=complaint.number,
        site=complaint.site,
        unit=complaint.unit,
        received_at=complaint.received_at,
        registered_at=complaint.registered_at,
        registered_by=complaint.registered_by,
        complete=not complaint.missing,
        missing=complaint.missing,
        customer=complaint.customer,
        problem_user=complaint.problem_user,
        imported=complaint.imported,
        sealed=complaint.sealed,
        command_key=complaint.command_key,
        grade=complaint.grade,
        tier=complaint.tier,
        follows=UUID(complaint.follows) if complaint.follows else None,
    )


@dataclass(frozen=True, slots=True)
class Amendment:
    """Fields to fill in or correct. An empty value takes a field away."""

    fields: Mapping[str, str]
    reason: str
    at: datetime | None = None


def amend(
    complaint: Complaint, values: Mapping[str, str], said: Amendment, form: RecordForm, now: datetime
) -> forms.Checked:
    """Return the record's fields after an amendment.

    Args:
        values: All fields as they are now.

    Raises:
        InvalidInputError: A field does not fit the form, or a needed one would be lost.
    """
    checked = forms.check(form, {**values, **said.fields})
    problems = list(checked.problems)
    if said.at and said.at > now:
        problems.append(FieldProblem("at", "lies in the future"))
    if said.at and said.at < complaint.registered_at:
        problems.append(FieldProblem("at", "lies before the registration"))
    if problems:
        raise refused(problems)
    return checked


def amended(
    complaint: Complaint,
    checked: forms.Checked,
    form: RecordForm,
    *,
    sealed: Sealed,
    reason: str,
    by: str,
    command: Command,
) -> tuple[Complaint, RecordAmended]:
    """Return the record with its new fields, and the event that tells it."""
    event = RecordAmended(
        complaint_id=UUID(complaint.id),
        complete=not checked.missing,
        missing=checked.missing,
        by=by,
        reason=reason,
        sealed=sealed,
    )
    answer = {"complaint_id": complaint.id, "complete": event.complete, "missing": list(event.missing)}
    state = replace(
        complaint,
        open_fields=forms.plain(form, checked.values),
        missing=checked.missing,
        sealed=sealed,
        remembered=remember(complaint.remembered, command, answer),
    )
    return state, event


def revealed(
    complaint: Complaint, purpose: str, by: str, command: Command
) -> tuple[Complaint, PersonalDataRevealed]:
    """Return the record that remembers who looked, and the event that tells it."""
    event = PersonalDataRevealed(
        customer=complaint.customer, complaint_id=UUID(complaint.id), by=by, purpose=purpose
    )
    # The answer itself is personal data, so it is not kept; it is opened again.
    return replace(complaint, remembered=remember(complaint.remembered, command, {})), event
