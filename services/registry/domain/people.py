"""Pure: who holds which role, on what grounds, who stands in, who left, and who can sign in."""

from collections.abc import Mapping

from services.registry.domain.records import AlreadyRegisteredError, OpinionMissingError, State, must_fit
from shared.errors import (
    ConflictError,
    FieldProblem,
    ForbiddenError,
    InvalidInputError,
    KeyReusedError,
    NotFoundError,
)
from shared.events import Event
from shared.events.registry import (
    AccountGranted,
    AccountRevoked,
    DeputyNamed,
    OpinionRecorded,
    PersonAppointed,
    PersonLeft,
    TrainingRecorded,
)
from shared.rulebook.schema import Rules
from shared.rulebook.schema.group import Appointment
from shared.rulebook.training import passes
from shared.timekeeping.calendar import WorkingCalendar


class TrainingMissingError(ConflictError):
    """The regulation asks for a passed course before this role is given (LN-22)."""

    code = "training-missing"


def appoint(
    person: PersonAppointed,
    known: State | None,
    opinion: State | None,
    units: Mapping[str, State],
    rules: Rules,
    calendar: WorkingCalendar,
) -> Event | None:
    """Return the event that a person holds a role; None where that is recorded already.

    Raises:
        InvalidInputError: The role or the unit is unknown, or they do not fit.
        KeyReusedError: The same appointment is recorded under another name.
        OpinionMissingError: The role needs a recorded opinion on this person. Consent is not needed.
        TrainingMissingError: The role needs a course that this person has not passed by the day of the appointment.
    """
    must_fit(person.role, person.unit, units, rules, "The person cannot be appointed.")
    held = {"unit": person.unit, "role": person.role, "since": person.since.isoformat()}
    if known is not None and held in known["appointments"]:
        if known["name"] == person.name:
            return None
        msg = f"'{person.person}' is recorded as {known['name']}. Choose another id."
        raise KeyReusedError(msg)
    for rule in rules.rights.appointments.values():
        if person.role in rule.role and rule.needs == "opinion":
            _must_have_opinion(person, opinion, rule)
        elif person.role in rule.role:
            trained = (known or {}).get("trainings", ())
            valid = rules.rights.courses[rule.of].valid
            if not passes(trained, rule.of, valid, person.since, calendar):
                msg = (
                    f"A '{person.role}' passes the course '{rule.of}' first ({', '.join(rule.source)}), and no pass of "
                    f"'{person.person}' counts on {person.since}. Record it first: POST /v1/trainings."
                )
                raise TrainingMissingError(msg)
    return person


def _must_have_opinion(person: PersonAppointed, opinion: State | None, rule: Appointment) -> None:
    wanted = (person.person, person.role, person.unit)
    if opinion is None or (opinion["person"], opinion["role"], opinion["unit"]) != wanted:
        msg = (
            f"A '{person.role}' is appointed after the group centre gave its opinion "
            f"({', '.join(rule.source)}). Record it first: POST /v1/opinions."
        )
        raise OpinionMissingError(msg)


def train(training: TrainingRecorded, known: State | None, rules: Rules) -> Event | None:
    """Return the event that a person sat an examination; None where that is recorded already.

    Raises:
        InvalidInputError: No such course.
        KeyReusedError: Another result of that day is recorded. Nothing is edited.
    """
    if training.course not in rules.rights.courses:
        reason = f"one of: {', '.join(sorted(rules.rights.courses))}"
        raise InvalidInputError("Nothing was recorded.", [FieldProblem("course", reason)])
    for one in (known or {}).get("trainings", ()):
        if (one["course"], one["on"]) == (training.course, training.on.isoformat()):
            if one["passed"] == training.passed:
                return None
            msg = f"Another result of '{training.person}' on {training.on} is recorded. State a later day."
            raise KeyReusedError(msg)
    return training


def leave(left: PersonLeft, known: State | None, people: Mapping[str, State]) -> Event | None:
    """Return the event that a person leaves; None where that is recorded already.

    Raises:
        NotFoundError: Nobody of that name is on record.
        ConflictError: They leave on another day already.
        InvalidInputError: The successor is nobody on record, or the person themselves.
    """
    if known is None:
        msg = f"There is nobody '{left.person}'."
        raise NotFoundError(msg)
    if gone := known.get("left_on"):
        if (gone, known["successor"]) == (left.on.isoformat(), left.successor):
            return None
        if all(one["since"] < gone for one in known["appointments"]):
            msg = f"'{left.person}' leaves on {gone} already."
            raise ConflictError(msg)
    if left.successor and (left.successor == left.person or left.successor not in people):
        problem = FieldProblem("successor", "must be another person on record")
        raise InvalidInputError("Nothing was recorded.", [problem])
    return left


def name_deputy(
    deputy: DeputyNamed, known: State | None, roles: Mapping[str, set[str]], rules: Rules
) -> Event | None:
    """Return the event that somebody stands in for an absent holder of a role; None where that is recorded already.

    Args:
        roles: Person → the roles that they hold.

    Raises:
        InvalidInputError: The absent person does not hold the role, or the regulation does not let this one deputise.
    """
    rule = rules.rights.roles.get(deputy.role)
    problems = []
    if deputy.role not in roles.get(deputy.person, ()):
        problems.append(FieldProblem("person", f"is not on record as '{deputy.role}'"))
    if deputy.deputy == deputy.person:
        problems.append(FieldProblem("deputy", "is the person themselves"))
    elif rule and roles.get(deputy.deputy, set()).isdisjoint(rule.deputies):
        may = ", ".join(rule.deputies) or "nobody"
        problems.append(FieldProblem("deputy", f"does not stand in for a '{deputy.role}'; who may: {may}"))
    if deputy.until <= deputy.since:
        problems.append(FieldProblem("until", "after the first day"))
    if problems:
        raise InvalidInputError("No deputy was named.", problems)
    said = deputy.model_dump(mode="json", exclude={"by"})
    if any({**one, "by": ""} == {**said, "by": ""} for one in (known or {}).get("deputies", ())):
        return None
    return deputy


def give_opinion(opinion: OpinionRecorded, role: str, rules: Rules) -> Event:
    """Return the event that an opinion was given.

    Raises:
        ForbiddenError: The rulebook names another role for opinions on this appointment.
    """
    rules_ = rules.rights.appointments.values()
    asked = [one for one in rules_ if one.needs == "opinion" and opinion.role in one.role and one.of]
    if asked and role not in {one.of for one in asked}:
        msg = (
            f"The opinion is a '{asked[0].of}''s to give ({', '.join(asked[0].source)}); you are a '{role}'."
        )
        raise ForbiddenError(msg)
    return opinion


def grant(
    account: AccountGranted,
    known: State | None,
    person: State | None,
    units: Mapping[str, State],
    rules: Rules,
) -> Event:
    """Return the event that an account can sign in.

    Args:
        person: What is recorded of whose account it is.

    Raises:
        OpinionMissingError: The role is given only by an appointment, and the person holds none such at the unit.
        InvalidInputError: The role is unknown, or does not exist at a unit of that kind.
        AlreadyRegisteredError: The name is or was another account's. A name is never given twice, so that a
            late repetition cannot give a revoked account its rights back.
    """
    if known is not None:
        msg = f"There is or was an account '{account.account}'. Choose another name."
        raise AlreadyRegisteredError(msg)
    must_fit(account.role, account.unit, units, rules, "The account cannot be granted.")
    held = {(one["role"], one["unit"]) for one in (person or {}).get("appointments", ())}
    asked = [rule for rule in rules.rights.appointments.values() if account.role in rule.role]
    if asked and (account.role, account.unit) not in held:
        msg = (
            f"'{account.person}' is not on record as '{account.role}' of '{account.unit}', and that role comes with "
            f"an appointment only ({', '.join(asked[0].source)}). Record it first: POST /v1/appointments."
        )
        raise OpinionMissingError(msg)
    return account


def revoke(account: str, reason: str, state: State | None) -> Event | None:
    """Return the event that an account cannot sign in any more; None where it cannot already.

    Raises:
        NotFoundError: No such account.
    """
    if state is None:
        msg = f"There is no account '{account}'."
        raise NotFoundError(msg)
    return None if state["revoked"] else AccountRevoked(account=account, reason=reason)
