"""Pure: who holds which role, on what grounds, and who can sign in."""

from collections.abc import Mapping

from services.registry.domain.records import AlreadyRegisteredError, OpinionMissingError, State, must_fit
from shared.errors import ForbiddenError, KeyReusedError, NotFoundError
from shared.events import Event
from shared.events.registry import AccountGranted, AccountRevoked, OpinionRecorded, PersonAppointed
from shared.rulebook.schema import Rules


def appoint(
    person: PersonAppointed,
    known: State | None,
    opinion: State | None,
    units: Mapping[str, State],
    rules: Rules,
) -> Event | None:
    """Return the event that a person holds a role; None where that is recorded already.

    Raises:
        InvalidInputError: The role or the unit is unknown, or they do not fit.
        KeyReusedError: The same appointment is recorded under another name.
        OpinionMissingError: The role needs a recorded opinion on this person. Consent is not needed.
    """
    must_fit(person.role, person.unit, units, rules, "The person cannot be appointed.")
    held = {"unit": person.unit, "role": person.role, "since": person.since.isoformat()}
    if known is not None and held in known["appointments"]:
        if known["name"] == person.name:
            return None
        msg = f"'{person.person}' is recorded as {known['name']}. Choose another id."
        raise KeyReusedError(msg)
    for rule in rules.rights.appointments.values():
        if person.role not in rule.role or rule.needs != "opinion":
            continue
        wanted = (person.person, person.role, person.unit)
        fits = opinion is not None and (opinion["person"], opinion["role"], opinion["unit"]) == wanted
        if not fits:
            msg = (
                f"A '{person.role}' is appointed after the group centre gave its opinion "
                f"({', '.join(rule.source)}). Record it first: POST /v1/opinions."
            )
            raise OpinionMissingError(msg)
    return person


def give_opinion(opinion: OpinionRecorded, role: str, rules: Rules) -> Event:
    """Return the event that an opinion was given.

    Raises:
        ForbiddenError: The rulebook names another role for opinions on this appointment.
    """
    asked = [one for one in rules.rights.appointments.values() if opinion.role in one.role and one.of]
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
