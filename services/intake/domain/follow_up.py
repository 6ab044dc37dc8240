"""Pure: a matter that a customer brought up when called back (XA-09, XA-11), registered by itself.

It belongs to the first matter's customer, was taken by who took that one, and is about the unit that answered for it.
What its form asks for is taken from the first record, as far as it fits; the rest is missing, and counts as missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from services.intake.domain import complaints, forms
from services.intake.domain.complaints import CheckedSubmission, Complaint, Submission
from shared.events import Sealed
from shared.events.intake import ComplaintRegistered
from shared.rulebook.schema import Rules
from shared.values.idempotency import Command

CHANNEL = "callback"
"""Channel by which such a matter comes in."""

_WORDS = "words"


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer of a callback that asks for a matter of its own.

    Attributes:
        id: Id of the matter that it becomes.
        event: Event that told of it.
        first: Matter whose callback it was.
        answer: Choice that was given; empty where the customer's own words are ``sealed``.
        registered: The matter is registered.
    """

    id: str
    event: str
    correlation: str
    at: datetime
    first: str
    question: str
    answer: str
    kind: str
    unit: str
    sealed: Sealed | None = None
    registered: bool = False


def id_of(event: str) -> str:
    """Return the id of the matter that an event opens, so that following it again opens no second one."""
    return str(uuid5(NAMESPACE_URL, f"jiandu/brought-up/{event}"))


def words_of(problem: Problem, words: Mapping[str, str], rules: Rules) -> str:
    """Return what the customer said: the own words, or question and choice as they were read out."""
    if not problem.answer:
        return words.get(problem.question, "")
    for form in rules.callback.questionnaires.values():
        asked = form.questions.get(problem.question)
        if asked and asked.opens == problem.kind and problem.answer in asked.choices:
            return f"{asked.title.zh}：{asked.choices[problem.answer].zh}"
    return f"{problem.question}：{problem.answer}"


def examine(
    problem: Problem, first: Complaint, known: Mapping[str, str], words: str, rules: Rules
) -> CheckedSubmission:
    """Make what a customer said into a matter.

    Class and service are the first matter's where the kind has them, else the first that the kind names: a finding
    corrects them.

    Args:
        known: All fields of the first matter's record.
    """
    kind = rules.intake.kinds[problem.kind]
    form = forms.form_for(rules, problem.kind)
    given = {
        name: value
        for name, value in known.items()
        if name in form.fields and not forms.fault(form.fields[name], value)
    }
    if _WORDS in form.fields:
        given[_WORDS] = words[: form.fields[_WORDS].max_length]
    said = Submission(
        kind=problem.kind,
        channel=CHANNEL,
        fields=given,
        class_=_first_of(kind.classes, first.told.class_ or first.class_),
        service=_first_of(kind.services, first.service),
        product=first.product,
        about_unit=problem.unit if problem.unit != first.unit else "",
    )
    tier, grade = complaints.tier_and_grade(said, rules)
    missing = tuple(name for name, one in form.fields.items() if one.need != "may" and not given.get(name))
    return CheckedSubmission(
        said, problem.at, problem.at, given, forms.plain(form, given), missing, tier, grade
    )


def _first_of(allowed: tuple[str, ...], wanted: str) -> str:
    return wanted if wanted in allowed else next(iter(allowed), "")


def register(
    problem: Problem,
    first: Complaint,
    examined: CheckedSubmission,
    *,
    month: str,
    problem_user: bool,
    sealed: Sealed,
    edition: str,
) -> tuple[Complaint, ComplaintRegistered]:
    """Return the record of such a matter, and the event that tells it."""
    command = Command(f"{CHANNEL}/{problem.event}", "", problem.correlation)
    complaint, _ = complaints.register(
        examined,
        problem.id,
        site=first.site,
        unit=first.unit,
        month=month,
        by=first.registered_by,
        customer=first.customer,
        problem_user=problem_user,
        sealed=sealed,
        command=command,
        edition=edition,
    )
    complaint = replace(complaint, follows=first.id, imported=first.imported)
    return complaint, complaints.told_of(complaint)
