"""Who does what in a group: read from its organisation and the rights of its roles. Nobody is named in code."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from services.handling.domain import Actor
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation

REGISTERS, IMPORTS, CLOSES = "complaints.register", "complaints.import", "periods.close"


@dataclass(frozen=True, slots=True)
class Hand:
    """A person in a role at a unit, whose deed something is."""

    person: str
    role: str
    unit: str


@dataclass(frozen=True)
class Cast:
    """The people of a group and what each may do."""

    organisation: Organisation
    rules: Rules
    _importers: dict[str, str] = field(default_factory=dict)
    _actors: dict[str, Actor] = field(default_factory=dict)
    _nearest: dict[str, tuple[Hand, ...]] = field(default_factory=dict)

    def hand(
        self,
        unit: str,
        *rights: str,
        roles: Collection[str] = (),
        not_by: Collection[str] = (),
        apart: bool = False,
    ) -> Hand:
        """Return who does a deed about a unit: the nearest who may, in one of ``roles`` where some are asked for.

        Args:
            rights: What the deed asks for, all of it.
            not_by: Persons who must not be the one.
            apart: It is nobody of the unit itself.

        Raises:
            LookupError: Nobody may. The organisation lacks somebody, or the rights do.
        """
        for one in self._near(unit):
            if apart and unit in self._line(one.unit):
                continue
            is_asked_for = one.person not in not_by and (not roles or one.role in roles)
            if is_asked_for and self._may(one.role).issuperset(rights):
                return one
        raise LookupError(f"Nobody near '{unit}' in {sorted(roles) or 'any role'} may {', '.join(rights)}.")

    def importer(self, unit: str) -> str:
        """Return the account that enters what a unit did."""
        if unit not in self._importers:
            self._importers[unit] = self._account(unit, REGISTERS, IMPORTS)
        return self._importers[unit]

    def enters_for(self, unit: str, hand: Hand) -> str:
        """Return the account that enters somebody's deed about a unit: the unit's, or one above whose deed it is."""
        account = self.importer(unit)
        if self.within(hand.unit, self.organisation.unit_of(account)):
            return account
        return self.enters(hand.unit) or account

    def actor(self, account: str) -> Actor:
        """Return an account as handling knows who calls."""
        if account not in self._actors:
            role = self.organisation.role_of(account)
            self._actors[account] = Actor(
                person=self.organisation.accounts[account].person,
                unit=self.organisation.unit_of(account),
                role=role,
                rights=self._may(role),
            )
        return self._actors[account]

    def within(self, unit: str, top: str) -> bool:
        """Say whether a unit is another one or lies below it."""
        return top in self._line(unit)

    def enters(self, unit: str, *rights: str) -> str:
        """Return the nearest account that may enter what happened at a unit; empty where none may."""
        return self._first_account(self._line(unit), IMPORTS, *rights)

    def reader(self) -> str:
        """Return the account that sees the whole group and publishes its months."""
        root = next(key for key, unit in self.organisation.units.items() if unit.parent is None)
        return self._account(root, CLOSES)

    def may_date(self, account: str) -> bool:
        """Say whether an account may state when something happened."""
        return IMPORTS in self._may(self.organisation.role_of(account))

    def registering(self, day: date = date.max) -> tuple[str, ...]:
        """Return the units that there are on a day whose matters somebody there may register.

        They are the ranked ones; where nobody is ranked, those at a site of their own whose importer registers.
        """
        kinds, units = self.rules.rights.unit_kinds, self.organisation.units
        there = [key for key, unit in units.items() if unit.established_on <= day]
        ranked = tuple(
            key
            for key in there
            if kinds[units[key].kind].ranked and any(REGISTERS in self._may(one.role) for one in self.at(key))
        )
        return ranked or tuple(key for key in there if self._importer_at(key) and self._is_apart(key))

    def desks(self, day: date) -> tuple[str, ...]:
        """Return the units that take in what is about others: with an importer, at a site that ranked units share."""
        ranked = self.registering(day)
        sites = {self.organisation.units[key].site for key in ranked}
        lines = {above for key in ranked for above in self._line(key)}
        return tuple(
            key
            for key, unit in self.organisation.units.items()
            if key not in lines
            and unit.site in sites
            and unit.established_on <= day
            and self._importer_at(key)
        )

    def _importer_at(self, unit: str) -> str:
        return self._first_account((unit,), REGISTERS, IMPORTS)

    def _is_apart(self, unit: str) -> bool:
        units = self.organisation.units
        parent = units[unit].parent
        return parent is not None and units[parent].site != units[unit].site

    def _account(self, unit: str, *rights: str) -> str:
        if found := self._first_account(self._units_near(unit), *rights):
            return found
        raise LookupError(f"No account near '{unit}' may {', '.join(rights)}.")

    def _first_account(self, units: Iterable[str], *rights: str) -> str:
        """Return the account of the first of these units that may do all of that; empty where none may."""
        org = self.organisation
        may = [key for key in org.accounts if self._may(org.role_of(key)).issuperset(rights)]
        return next((key for unit in units for key in may if org.unit_of(key) == unit), "")

    def _near(self, unit: str) -> tuple[Hand, ...]:
        """Return everybody but importers: first those of the unit, then below it, then above, then the others.

        Of a unit, those come first who may least: work is done by who is there for it.
        """
        if unit not in self._nearest:
            found = []
            for near in self._units_near(unit):
                there = [one for one in self.at(near) if not {REGISTERS, IMPORTS} <= self._may(one.role)]
                found += sorted(there, key=lambda one: len(self._may(one.role)))
            self._nearest[unit] = tuple(found)
        return self._nearest[unit]

    def _may(self, role: str) -> frozenset[str]:
        return frozenset(self.rules.rights.roles[role].rights)

    def at(self, unit: str) -> Iterator[Hand]:
        """Yield everybody at a unit."""
        for person, seed in self.organisation.people.items():
            if seed.unit == unit:
                yield Hand(person, seed.role, unit)

    def _units_near(self, unit: str) -> dict[str, None]:
        units = self.organisation.units
        above = list(self._line(unit))
        below = [key for key in units if unit in self._line(key)]
        return dict.fromkeys((unit, *below, *above, *units))

    def _line(self, unit: str) -> Iterator[str]:
        above: str | None = unit
        while above is not None:
            yield above
            above = self.organisation.units[above].parent
