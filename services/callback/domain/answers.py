"""What a call states, held against what is asked; which questions follow from answers, and what answers open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.callback.domain.callers import Dialler
from services.callback.domain.task import Outcome
from shared.errors import FieldProblem, InvalidInputError
from shared.rulebook.schema.callback import Question, Questionnaire

SOLVED = "solved"
"""Question whose answer travels as a field of its own."""

_YES_NO = frozenset({"yes", "no"})
_MOST_RECOMMENDED = 10


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its caller states it.

    Attributes:
        at: When it was made.
        who: Who made it; the holder of a claim is known by the account.
        key, digest: The command's idempotency key and the hash of its body.
    """

    outcome: Outcome
    at: datetime
    who: Dialler
    key: str
    digest: str
    satisfaction: int | None = None
    solved: bool | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    call_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opens:
    """An answer that asks for a matter of its own (XA-11). ``answer`` is empty where words were given."""

    question: str
    answer: str
    kind: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Answers that fit the questionnaire: coded ones, those in the customer's own words, and what they open."""

    coded: Mapping[str, str]
    words: Mapping[str, str]
    opens: tuple[Opens, ...] = ()


def check(call: Call, questionnaire: Questionnaire) -> Checked:
    """Check what a call states against what is asked after its answers.

    Raises:
        InvalidInputError: Names each field and its reason. Nothing was stored.
    """
    problems = list(_misplaced(call))
    asked = questionnaire.questions if call.outcome is Outcome.COMPLETED else {}
    given = _given(call, asked)
    coded, words = dict[str, str](), dict[str, str]()
    for name, question in _others(asked).items():
        reason = _fault(question, given, name)
        if reason:
            problems.append(FieldProblem(f"answers.{name}", reason))
        elif given[name]:
            (words if question.kind == "text" else coded)[name] = given[name]
    if asked:
        problems.extend(_missing(call, asked, given))
    if problems:
        names = ", ".join(problem.field for problem in problems)
        raise InvalidInputError(
            f"Nothing was stored. Correct these fields and send the call again: {names}.", problems
        )
    return Checked(coded, words, _opened(asked, given))


def field_of(name: str, question: Question) -> str:
    """Return where the answer to a question goes in a call: a field of its own, or one of the ``answers``."""
    if question.kind == "satisfaction":
        return "satisfaction"
    return SOLVED if name == SOLVED else f"answers.{name}"


def _given(call: Call, asked: Mapping[str, Question]) -> dict[str, str]:
    """Return the answer to each question as text, wherever the call states it; empty where it states none."""
    own = {
        "satisfaction": "" if call.satisfaction is None else str(call.satisfaction),
        SOLVED: "" if call.solved is None else "yes" if call.solved else "no",
    }
    return {
        name: own.get(field_of(name, question), call.answers.get(name, "").strip())
        for name, question in asked.items()
    }


def _is_asked(question: Question, given: Mapping[str, str]) -> bool:
    """Say whether the answers lead to a question (XA-09)."""
    return all(given.get(name, "") in answers for name, answers in question.asked_if.items())


def _opened(asked: Mapping[str, Question], given: Mapping[str, str]) -> tuple[Opens, ...]:
    found = []
    for name, question in asked.items():
        is_text = question.kind == "text"
        if question.opens and given[name] and (is_text or given[name] in question.opens_on):
            found.append(Opens(name, "" if is_text else given[name], question.opens))
    return tuple(found)


def _misplaced(call: Call) -> list[FieldProblem]:
    problems = []
    if call.outcome is not Outcome.COMPLETED:
        given = {"satisfaction": call.satisfaction, SOLVED: call.solved, "answers": call.answers or None}
        problems = [
            FieldProblem(name, "only a completed call has answers")
            for name, value in given.items()
            if value is not None
        ]
    if call.outcome is Outcome.CALL_BACK_AT:
        if call.call_back_at is None:
            problems.append(FieldProblem("call_back_at", "say when the customer asked to be called"))
        elif call.call_back_at <= call.at:
            problems.append(FieldProblem("call_back_at", "lies after the call"))
    elif call.call_back_at is not None:
        problems.append(FieldProblem("call_back_at", "goes with the outcome 'call-back-at' only"))
    return problems


def _others(asked: Mapping[str, Question]) -> dict[str, Question]:
    """Return the questions whose answers have no field of their own."""
    return {
        name: question for name, question in asked.items() if field_of(name, question).startswith("answers.")
    }


def _missing(call: Call, asked: Mapping[str, Question], given: Mapping[str, str]) -> list[FieldProblem]:
    others = _others(asked)
    problems = [
        FieldProblem(f"answers.{name}", _misplaced_answer(name, asked))
        for name in call.answers
        if name not in others
    ]
    if call.satisfaction is None:
        problems.append(FieldProblem("satisfaction", "a completed call has an answer from 1 to 5"))
    if SOLVED in asked and (reason := _fault(asked[SOLVED], given, SOLVED)):
        problems.append(FieldProblem(SOLVED, reason))
    return problems


def _misplaced_answer(name: str, asked: Mapping[str, Question]) -> str:
    if name in asked:
        return f"goes into the field '{field_of(name, asked[name])}' of the call"
    return "the questionnaire asks no such question here"


def _fault(question: Question, given: Mapping[str, str], name: str) -> str:
    answer = given[name]
    if not _is_asked(question, given):
        asked_if = ", ".join(f"{one}: {' or '.join(wanted)}" for one, wanted in question.asked_if.items())
        return f"asked only after {asked_if}; leave it out" if answer else ""
    if not answer:
        return "the questionnaire asks for it" if question.required else ""
    fits = {
        "yes-no": answer in _YES_NO,
        "choice": answer in question.choices,
        "recommendation": answer.isascii() and answer.isdigit() and int(answer) <= _MOST_RECOMMENDED,
    }
    wanted = {
        "yes-no": "'yes' or 'no'",
        "choice": f"one of: {', '.join(question.choices)}",
        "recommendation": f"a whole number from 0 to {_MOST_RECOMMENDED}",
    }
    return "" if fits.get(question.kind, True) else wanted[question.kind]
