"""Who does what in a group: read from its organisation and the rights of its roles. Nobody is named in code."""

from collections.abc import Collection, Iterator
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
            may = self.rules.rights.roles[one.role].rights
            if apart and unit in self._line(one.unit):
                continue
            if one.person not in not_by and (not roles or one.role in roles) and set(rights) <= set(may):
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
                rights=frozenset(self.rules.rights.roles[role].rights),
            )
        return self._actors[account]

    def within(self, unit: str, top: str) -> bool:
        """Say whether a unit is another one or lies below it."""
        return top in self._line(unit)

    def enters(self, unit: str, *rights: str) -> str:
        """Return the nearest account that may enter what happened at a unit; empty where none may."""
        for above in self._line(unit):
            for key in self.organisation.accounts:
                may = self.rules.rights.roles[self.organisation.role_of(key)].rights
                if self.organisation.unit_of(key) == above and {IMPORTS, *rights} <= set(may):
                    return key
        return ""

    def reader(self) -> str:
        """Return the account that sees the whole group and publishes its months."""
        root = next(key for key, unit in self.organisation.units.items() if unit.parent is None)
        return self._account(root, CLOSES)

    def may_date(self, account: str) -> bool:
        """Say whether an account may state when something happened."""
        return IMPORTS in self.rules.rights.roles[self.organisation.role_of(account)].rights

    def registering(self, day: date = date.max) -> tuple[str, ...]:
        """Return the units that there are on a day whose matters somebody there may register.

        They are the ranked ones; where nobody is ranked, those at a site of their own whose importer registers.
        """
        kinds, units = self.rules.rights.unit_kinds, self.organisation.units
        there = [key for key, unit in units.items() if unit.established_on <= day]
        ranked = tuple(
            key
            for key in there
            if kinds[units[key].kind].ranked
            and any(REGISTERS in self.rules.rights.roles[one.role].rights for one in self.at(key))
        )
        return ranked or tuple(key for key in there if self._imports_at(key) and self._is_apart(key))

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
            and self._imports_at(key)
        )

    def _imports_at(self, unit: str) -> bool:
        return any(
            self.organisation.unit_of(key) == unit
            and {REGISTERS, IMPORTS} <= set(self.rules.rights.roles[self.organisation.role_of(key)].rights)
            for key in self.organisation.accounts
        )

    def _is_apart(self, unit: str) -> bool:
        units = self.organisation.units
        parent = units[unit].parent
        return parent is not None and units[parent].site != units[unit].site

    def _account(self, unit: str, *rights: str) -> str:
        for near in self._units_near(unit):
            for key in self.organisation.accounts:
                role = self.rules.rights.roles[self.organisation.role_of(key)]
                if self.organisation.unit_of(key) == near and set(rights) <= set(role.rights):
                    return key
        raise LookupError(f"No account near '{unit}' may {', '.join(rights)}.")

    def _near(self, unit: str) -> tuple[Hand, ...]:
        """Return everybody but importers: first those of the unit, then below it, then above, then the others.

        Of a unit, those come first who may least: work is done by who is there for it.
        """
        if unit not in self._nearest:
            found = []
            for near in self._units_near(unit):
                there = [one for one in self.at(near) if not {REGISTERS, IMPORTS} <= self._may(one)]
                found += sorted(there, key=lambda one: len(self._may(one)))
            self._nearest[unit] = tuple(found)
        return self._nearest[unit]

    def _may(self, one: Hand) -> frozenset[str]:
        return frozenset(self.rules.rights.roles[one.role].rights)

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
