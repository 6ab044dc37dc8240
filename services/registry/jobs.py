"""The one-shot job of the first start: fill the register from ``rulebooks/<group>/``."""

import structlog

from services.registry.domain.units import seeded
from services.registry.handlers import Registry
from shared.events.registry import (
    AccountGranted,
    OpinionRecorded,
    PersonAppointed,
    TrainingRecorded,
)
from shared.identity.access import hash_password
from shared.identity.vault import seal_secret
from shared.rulebook.load import load_edition, load_organisation
from shared.rulebook.schema.organisation import Organisation
from shared.runtime.settings import Settings

log = structlog.get_logger(__name__)
REQUEST = "seed"


async def seed(use: Registry, settings: Settings) -> None:
    """Enact the group's edition and record its organisation, unless that was done before.

    Each record is written once; a start that was cut short goes on where it stopped.

    Raises:
        RulebookRefusedError: The rulebook has errors. Nothing was written.
    """
    folder = settings.rulebooks / settings.group
    if not use.organisation.register.directory.enacted:
        edition = load_edition(folder, settings.rulebooks / "calendars")
        await use.editions.enact_first(edition)
        log.info("registry.edition-enacted", edition=edition.name, hash=edition.hash)
    organisation = load_organisation(folder / "organisation.yaml")
    await _units(use, organisation)
    await _people(use, organisation)
    if settings.seed_password:
        await _accounts(use, organisation, settings, settings.seed_password.get_secret_value())
    await use.organisation.filled(REQUEST)


async def _units(use: Registry, organisation: Organisation) -> None:
    """Record the units that are not there yet. A seed says how things were, so it may reach into published months."""
    todo = [unit for unit in organisation.units if unit not in use.organisation.register.directory.units]
    while todo:
        # Parents first: a unit is established inside one that is there.
        ready = [unit for unit in todo if organisation.units[unit].parent not in todo]
        for unit in ready:
            event = seeded(unit, organisation)
            await use.organisation.establish(event, REQUEST, REQUEST, restates=True)
        todo = [unit for unit in todo if unit not in ready]
    for unit, one in organisation.units.items():
        if one.closes_on and use.organisation.register.directory.units[unit].closes_on is None:
            await use.organisation.close_unit(unit, one.closes_on, REQUEST, restates=True)


async def _people(use: Registry, organisation: Organisation) -> None:
    for person, one in organisation.people.items():
        if use.organisation.register.directory.people.get(person, {}).get("appointments"):
            continue
        for course, on in one.passed.items():
            await use.organisation.train(
                TrainingRecorded(course=course, person=person, unit=one.unit, on=on, passed=True, by=REQUEST),
                REQUEST,
            )
        if one.opinion:
            await use.organisation.give_opinion(
                OpinionRecorded(
                    opinion=f"{person}-{one.role}",
                    unit=one.unit,
                    role=one.role,
                    person=person,
                    favourable=True,
                    reasons=one.opinion,
                ),
                _opinion_of(use, one.role),
                REQUEST,
            )
        await use.organisation.appoint(
            PersonAppointed(
                person=person,
                name=one.name,
                unit=one.unit,
                role=one.role,
                since=one.since,
                opinion=f"{person}-{one.role}" if one.opinion else "",
            ),
            REQUEST,
        )


def _opinion_of(use: Registry, role: str) -> str:
    rules = use.organisation.register.directory.edition.at(use.organisation.register.clock())
    asked = (one for one in rules.rights.appointments.values() if one.needs == "opinion")
    return next((one.of for one in asked if role in one.role), "")


async def _accounts(use: Registry, organisation: Organisation, settings: Settings, password: str) -> None:
    todo = [
        account
        for account in organisation.accounts
        if account not in use.organisation.register.directory.accounts
    ]
    # One hash serves all: they share the password, and hashing is slow by design.
    hashed = hash_password(password) if todo else ""
    for account in todo:
        one = organisation.accounts[account]
        await use.organisation.grant(
            AccountGranted(
                account=account,
                person=one.person,
                name=organisation.people[one.person].name,
                unit=organisation.unit_of(account),
                role=organisation.role_of(account),
                secret=seal_secret(settings.group_key, f"account/{account}", hashed),
            ),
            REQUEST,
        )
