"""The organisation that a registry is seeded with: ``organisation.yaml``. Not part of an edition's hash.

It names units, people and accounts with the days from which they hold. Passwords are never in it.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from shared.rulebook.schema.base import Part, Text

UnitId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]


class SeedUnit(Part):
    """One unit.

    Attributes:
        kind: Kind of unit of ``rights.yaml``.
        parent: The unit above; only the root has none.
        site: Subsidiary whose intake serves it; ``group`` for headquarters.
        established_on: Day of its formal establishment.
        closes_on: First day on which it is no more.
        service_lead: Person who answers for its service.
    """

    name: Text
    kind: str
    parent: UnitId | None = None
    site: UnitId
    established_on: date
    closes_on: date | None = None
    service_lead: str = ""
    peers: str = ""
    activated_by: str = ""


class SeedPerson(Part):
    """One person and the role that they hold from a day on.

    ``opinion``: reasons of the opinion that was asked before the appointment (JK-26).
    ``passed``: courses that the person passed, and when (LN-22).
    """

    name: str = Field(min_length=1)
    unit: UnitId
    role: str
    since: date
    opinion: str = ""
    passed: Mapping[str, date] = {}


class SeedAccount(Part):
    """One account; its key is the login. Role and unit are those of the person, unless it states its own."""

    person: str
    role: str = ""
    unit: UnitId | None = None


class Organisation(Part):
    """Units, people and accounts of a group."""

    units: Mapping[str, SeedUnit] = Field(min_length=1)
    people: Mapping[str, SeedPerson] = {}
    accounts: Mapping[str, SeedAccount] = {}

    @model_validator(mode="after")
    def _names_what_exists(self) -> "Organisation":
        roots = [key for key, unit in self.units.items() if unit.parent is None]
        if len(roots) != 1:
            msg = f"{len(roots)} units have no parent. Exactly one unit is the root."
            raise ValueError(msg)
        for where, name, known in self._references():
            if name not in known:
                msg = f"'{where}' names '{name}', which is not here. Add it, or name one that is."
                raise ValueError(msg)
        for key in self.units:
            self._must_reach_the_root(key)
        return self

    def _references(self) -> list[tuple[str, str, Collection[str]]]:
        units, people = self.units, self.people
        named: list[tuple[str, str | None, Collection[str]]]
        named = [(f"units.{key}.parent", unit.parent, units) for key, unit in self.units.items()]
        named += [
            (f"units.{key}.service_lead", unit.service_lead, people) for key, unit in self.units.items()
        ]
        named += [(f"people.{key}.unit", person.unit, units) for key, person in self.people.items()]
        named += [
            (f"accounts.{key}.person", account.person, people) for key, account in self.accounts.items()
        ]
        named += [(f"accounts.{key}.unit", account.unit, units) for key, account in self.accounts.items()]
        return [(where, name, known) for where, name, known in named if name]

    def _must_reach_the_root(self, key: str) -> None:
        seen: list[str] = []
        above: str | None = key
        while above is not None:
            if above in seen:
                msg = f"Units {', '.join(seen)} lie inside each other in a circle. Correct a 'parent'."
                raise ValueError(msg)
            seen.append(above)
            above = self.units[above].parent

    def role_of(self, account: str) -> str:
        """Return the role that an account has."""
        seed = self.accounts[account]
        return seed.role or self.people[seed.person].role

    def unit_of(self, account: str) -> str:
        """Return the unit that an account belongs to."""
        seed = self.accounts[account]
        return seed.unit or self.people[seed.person].unit
