"""Who there is: units, people, accounts, editions, as the registry told. Every service keeps its own copy.

A service signs people in from this copy, so it works while the line to headquarters is cut.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import structlog

from shared.errors import NotFoundError, RulebookRefusedError, TransientError
from shared.events.registry import (
    AccountGranted,
    AccountRevoked,
    DeputyNamed,
    OverlayEnded,
    PersonAppointed,
    PersonLeft,
    TrainingRecorded,
    UnitClosed,
    UnitEstablished,
)
from shared.inbox.applier import Decision, Subscription
from shared.inbox.deliveries import Record
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_bundle, unbundle
from shared.rulebook.load.overlays import edition_with
from shared.rulebook.training import passes
from shared.runtime.clock import Clock, utc_now
from shared.storage.aggregates import Aggregates, Offer, Stored
from shared.storage.database import Database

log = structlog.get_logger(__name__)

State = dict[str, Any]

GROUP = "group"
"""Headquarters' site. Its services hear of every site's accounts."""


class NoEditionError(TransientError):
    """No rulebook edition has arrived yet."""

    code = "no-edition-yet"


class AwaitedError(TransientError):
    """The first telling of who there is has not arrived in full."""

    code = "directory-on-its-way"


def reduce(state: State | None, type_: str, data: Mapping[str, Any]) -> State:
    """Return what is known of a unit, a person, an account … after one more event. Pure."""
    step = _STEPS.get(type_)
    return step(dict(state or {}), data) if step else dict(data)


def _closed(known: State, data: Mapping[str, Any]) -> State:
    event = UnitClosed.view(data)
    after = {"successor": event.successor} if event.successor else {}
    return {**known, "closes_on": event.closes_on.isoformat(), **after}


def _appointed(known: State, data: Mapping[str, Any]) -> State:
    event = PersonAppointed.view(data)
    held = {"unit": event.unit, "role": event.role, "since": event.since.isoformat()}
    return {**_more(_person(known, event.person), "appointments", held), "name": event.name}


def _left(known: State, data: Mapping[str, Any]) -> State:
    event = PersonLeft.view(data)
    person = _person(known, event.person)
    return {**person, "left_on": event.on.isoformat(), "successor": event.successor}


def _deputed(known: State, data: Mapping[str, Any]) -> State:
    return _more(_person(known, DeputyNamed.view(data).person), "deputies", data)


def _trained(known: State, data: Mapping[str, Any]) -> State:
    return _more(_person(known, TrainingRecorded.view(data).person), "trainings", data)


def _person(known: State, name: str) -> State:
    return {"person": name, "name": "", "appointments": [], **known}


def _more(person: State, what: str, one: Mapping[str, Any]) -> State:
    return {**person, what: [*person.get(what, ()), dict(one)]}


_OF_THE_END = frozenset({"closes_on", "successor", "records"})


def _established(known: State, data: Mapping[str, Any]) -> State:
    """Keep every record of a unit. A later one holds from its own day on; one of the same day corrects."""
    if "kind" not in known:
        return dict(data)
    first = {key: value for key, value in known.items() if key not in _OF_THE_END}
    by_day = {one["established_on"]: one for one in [*known.get("records", [first]), dict(data)]}
    records = [by_day[day] for day in sorted(by_day)]
    ends = {key: known[key] for key in ("closes_on", "successor") if key in known}
    if ends and UnitEstablished.view(data).established_on >= date.fromisoformat(known["closes_on"]):
        ends = {}  # it was closed, and begins again
    return {**records[-1], "records": records, **ends}


_STEPS: Mapping[str, Callable[[State, Mapping[str, Any]], State]] = {
    UnitEstablished.TYPE: _established,
    UnitClosed.TYPE: _closed,
    PersonAppointed.TYPE: _appointed,
    PersonLeft.TYPE: _left,
    DeputyNamed.TYPE: _deputed,
    TrainingRecorded.TYPE: _trained,
    AccountGranted.TYPE: lambda _, data: {**data, "revoked": False},
    AccountRevoked.TYPE: lambda known, _: {**known, "revoked": True},
    OverlayEnded.TYPE: lambda known, data: {**known, "ends_on": OverlayEnded.view(data).ends_on.isoformat()},
}
"""Type → what it adds. An event of another type is the whole record."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the organisation tree, as it is from a day on.

    Attributes:
        established_on: First day of this record.
        successor: Unit that its open matters go to once it is closed; empty: the one above it.
    """

    unit: str
    kind: str
    parent: str | None
    site: str
    name_zh: str
    name_en: str
    established_on: date
    service_lead: str = ""
    closes_on: date | None = None
    successor: str = ""

    @classmethod
    def of(cls, name: str, record: Mapping[str, Any], state: Mapping[str, Any]) -> "Unit":
        """Read one record of a unit."""
        closes = state.get("closes_on")
        return cls(
            unit=name,
            kind=record["kind"],
            parent=record["parent"],
            site=record["site"],
            name_zh=record["name_zh"],
            name_en=record["name_en"],
            established_on=date.fromisoformat(record["established_on"]),
            service_lead=record.get("service_lead", ""),
            closes_on=date.fromisoformat(closes) if closes else None,
            successor=state.get("successor", ""),
        )


@dataclass(frozen=True, slots=True)
class Norms:
    """A unit's own norms, as they were filed (ZY-02).

    Attributes:
        until: First day on which they hold no more.
        files: Their topic files.
    """

    overlay: str
    unit: str
    since: date
    until: date
    files: Mapping[str, str]

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Norms":
        """Read the record of filed norms."""
        ends = [date.fromisoformat(state[key]) for key in ("until", "ends_on") if state.get(key)]
        since = date.fromisoformat(state["since"])
        files = unbundle(state["bundle"])
        return cls(state["overlay"], state["unit"], since, min(ends, default=date.max), files)

    def hold(self, unit: str, day: date) -> bool:
        """Say whether they hold for a unit on a day."""
        return self.unit == unit and self.since <= day < self.until


@dataclass(slots=True)
class Directory:
    """The service's copy, in memory, refreshed when events change it."""

    collection: Aggregates[State]
    clock: Clock = utc_now
    units: dict[str, Unit] = field(default_factory=dict)
    records: dict[str, tuple[Unit, ...]] = field(default_factory=dict)
    norms: dict[str, Norms] = field(default_factory=dict)
    people: dict[str, State] = field(default_factory=dict)
    accounts: dict[str, State] = field(default_factory=dict)
    editions: dict[str, Edition] = field(default_factory=dict)
    enacted: list[tuple[str, str]] = field(default_factory=list)
    filled: State | None = None
    version: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    _day: date = date.min
    _combined: dict[tuple[str, str], Edition] = field(default_factory=dict)

    async def load(self) -> None:
        """Read everything from the service's database."""
        for stored in await self.collection.find({}):
            self._take(stored)
        self._turn()
        self.version += 1

    async def refresh(self, keys: Sequence[str]) -> None:
        """Read again what changed."""
        for stored in (await self.collection.get_many(keys)).values():
            self._take(stored)
        self.version += 1

    async def catch_up(self) -> None:
        """Read what another replica of this service followed: it took the event, this one heard nothing."""
        versions = await self.collection.versions()
        changed = [key for key, version in versions.items() if self.seen.get(key) != version]
        if changed:
            await self.refresh(changed)
        if self._turn():
            self.version += 1

    @property
    def today(self) -> date:
        """The group's own date of now."""
        now = self.clock()
        return self.edition.calendar.local_day(now) if self.enacted else now.date()

    def _turn(self) -> bool:
        """Let what was recorded for a later day hold once that day has come. Says whether a new day has."""
        if self._day == self.today:
            return False
        self._day = self.today
        self.units = {name: _on(records, self._day) for name, records in self.records.items()}
        return True

    def _take(self, stored: Stored[State]) -> None:
        self.seen[stored.id] = stored.version
        kind, _, name = stored.id.partition("/")
        state = stored.state or {}
        if kind == "unit" and state:
            self.records[name] = tuple(Unit.of(name, one, state) for one in state.get("records", [state]))
            self.units[name] = _on(self.records[name], self.today)
        elif kind == "overlay" and state:
            self.norms[name] = Norms.of(state)
        elif kind == "person":
            self.people[name] = state
        elif kind == "account":
            self.accounts[name] = state
        elif kind == "edition" and state:
            if state["hash"] not in self.editions:
                self.editions[state["hash"]] = edition_from_bundle(state["bundle"])
            self.enacted = sorted({*self.enacted, (state["enacted_at"][:-1], state["hash"])})
        elif kind == "register" and state:
            self.filled = state

    def awaited(self, site: str) -> str:
        """Say what a site still waits for of the register's first filling; empty from its arrival on, for ever.

        Nothing of it is ever deleted, so a cut line to headquarters takes nothing back.
        """
        if self.filled is None:
            return "The registry has not told yet who there is."
        told = self.filled["accounts"]
        wanted = {
            "units": (len(self.units), self.filled["units"]),
            "people": (len(self.people), self.filled["people"]),
            "accounts": (len(self.accounts), sum(told.values()) if site == GROUP else told.get(site, 0)),
        }
        missing = [f"{here} of {all_} {what}" for what, (here, all_) in wanted.items() if here < all_]
        return f"Of what the registry tells, these have arrived: {', '.join(missing)}." if missing else ""

    @property
    def edition(self) -> Edition:
        """The edition in force: the one enacted last.

        Raises:
            NoEditionError: None has arrived.
        """
        if not self.enacted:
            msg = "No rulebook edition has arrived from the registry yet. Try again in a moment."
            raise NoEditionError(msg)
        return self.editions[self.enacted[-1][1]]

    @property
    def enacted_since(self) -> datetime | None:
        """When the first edition was enacted here: since then the system has supervised."""
        return datetime.fromisoformat(self.enacted[0][0]).replace(tzinfo=UTC) if self.enacted else None

    def edition_called(self, hash_: str) -> Edition:
        """Return an edition by hash: the one under which a case began, with its unit's own norms where it had some.

        Raises:
            NoEditionError: It has not arrived.
        """
        if hash_ in self.editions:
            return self.editions[hash_]
        for base in self.editions.values():
            for norms in self.norms.values():
                if (found := self._with(base, norms)) and found.hash == hash_:
                    return found
        msg = f"Rulebook edition {hash_[:12]} has not arrived yet."
        raise NoEditionError(msg)

    def edition_for(self, unit: str, at: datetime) -> Edition:
        """Return the edition in force for what happens at a unit at a moment: with its own norms, if it filed some.

        The norms of the nearest unit above it count too; of two that hold at once, those that began later.
        """
        base = self.edition
        day = base.calendar.local_day(at) if self.norms else date.min
        seen: str | None = unit if self.norms else None
        while seen is not None:
            holding = [norms for norms in self.norms.values() if norms.hold(seen, day)]
            if holding:
                return self._with(base, max(holding, key=lambda one: (one.since, one.overlay))) or base
            found = self.units.get(seen)
            seen = found.parent if found else None
        return base

    def _with(self, base: Edition, norms: Norms) -> Edition | None:
        """Return an edition with a unit's own norms; None where they do not fit this one, an old or a much newer."""
        key = (base.hash, norms.overlay)
        if key not in self._combined:
            try:
                self._combined[key] = edition_with(base, norms.files, norms.overlay)
            except RulebookRefusedError as error:
                log.warning(
                    "directory.norms-do-not-fit", overlay=norms.overlay, edition=base.name, error=str(error)
                )
                return None
        return self._combined[key]

    def may_serve(self, person: str, role: str, day: date) -> bool:
        """Say whether a person may work in a role on a day: they have not left, and passed what it asks for (LN-22)."""
        if self.has_left(person, day):
            return False
        rights = self.edition.on(day).rights
        asked = [one for one in rights.appointments.values() if one.needs == "training" and role in one.role]
        trained = self.people.get(person, {}).get("trainings", ())
        return all(
            passes(trained, one.of, rights.courses[one.of].valid, day, self.edition.calendar) for one in asked
        )

    def may_be_given_work(self, person: str, day: date) -> bool:
        """Say whether somebody may answer for a matter on a day: in one of their roles. Who is on no record may."""
        roles = self.roles_of(person)
        return (not roles and not self.has_left(person, day)) or any(
            self.may_serve(person, role, day) for role in roles
        )

    def roles_of(self, person: str) -> set[str]:
        """Return the roles that somebody was appointed to or has an account for."""
        known = self.people.get(person, {}).get("appointments", ())
        accounts = (
            one for one in self.accounts.values() if one.get("person") == person and not one["revoked"]
        )
        return {str(one["role"]) for one in (*known, *accounts)}

    def closed(self) -> dict[str, tuple[date, str]]:
        """Return the units that are closed today: since when, and which one goes on with their matters."""
        return {
            name: (unit.closes_on, after)
            for name, unit in self.units.items()
            if unit.closes_on and unit.closes_on <= self.today and (after := self._after(name))
        }

    def _after(self, unit: str) -> str:
        """Return the unit that goes on for a closed one: its successor, else the one above, as far as that exists."""
        seen: set[str] = set()
        name = unit
        while name in self.units and name not in seen:
            known = self.units[name]
            if known.closes_on is None or known.closes_on > self.today:
                return name
            seen.add(name)
            name = known.successor or known.parent or ""
        return ""

    def gone(self) -> dict[str, tuple[date, str]]:
        """Return the people who have left: since when, and who goes on with what was theirs, empty where nobody is named."""
        return {
            name: (date.fromisoformat(known["left_on"]), self._heir(name))
            for name, known in self.people.items()
            if self.has_left(name, self.today)
        }

    def _heir(self, person: str) -> str:
        seen: set[str] = set()
        name = person
        while name and self.has_left(name, self.today) and name not in seen:
            seen.add(name)
            name = str(self.people[name]["successor"])
        return "" if name in seen else name

    def has_left(self, person: str, day: date) -> bool:
        """Say whether a person has left by a day, and was not appointed again since."""
        known = self.people.get(person, {})
        left = known.get("left_on")
        again = [one["since"] for one in known.get("appointments", ()) if left and one["since"] >= left]
        end = min(again, default="9999-12-31")
        return left is not None and left <= day.isoformat() < end

    def stands_for(self, person: str, day: date) -> tuple[tuple[str, str], ...]:
        """Return for whom, and in which role, somebody stands in on a day."""
        named = [one for known in self.people.values() for one in known.get("deputies", ())]
        return tuple(
            (one["person"], one["role"])
            for one in named
            if one["deputy"] == person and one["since"] <= day.isoformat() < one["until"]
        )

    def unit(self, name: str) -> Unit:
        """Return a unit. Raises ``NotFoundError``."""
        if name not in self.units:
            msg = f"There is no unit '{name}'. GET /v1/units lists them."
            raise NotFoundError(msg)
        return self.units[name]

    def within(self, unit: str, top: str) -> bool:
        """Say whether ``unit`` is ``top`` or lies below it, today."""
        seen: str | None = unit
        while seen is not None:
            if seen == top:
                return True
            found = self.units.get(seen)
            seen = found.parent if found else None
        return False

    def above(self, unit: str) -> frozenset[str]:
        """Return ``unit`` and every unit above it."""
        return frozenset(top for top in self.units if self.within(unit, top))

    def below(self, top: str) -> list[str]:
        """Return ``top`` and every unit below it, in order of name."""
        return sorted(unit for unit in self.units if self.within(unit, top))


def _on(records: Sequence[Unit], day: date) -> Unit:
    """Return the record of a day; before the first one, the first."""
    return next((one for one in reversed(records) if one.established_on <= day), records[0])


def directory_in(database: Database, offer: Offer | None = None, clock: Clock = utc_now) -> Directory:
    """Return the directory kept in ``database``, empty until it is loaded. The registry's own tells events."""
    return Directory(Aggregates(database, "directory", offer=offer), clock)


_KINDS = ("unit/", "person/", "account/", "edition/", "overlay/", "register/")


def subscription(directory: Directory) -> Subscription[State]:
    """Keep the copy up to date from the registry's events."""

    def key(record: Record) -> str | None:
        subject = str(record["subject"])
        mine = record["source"].startswith("jiandu/registry/") and subject.startswith(_KINDS)
        return subject if mine else None

    def decide(stored: Stored[State], records: Sequence[Record]) -> Decision[State]:
        state = stored.state
        for record in records:
            state = reduce(state, record["type"], record["data"])
        return Decision(state or {})

    return Subscription(directory.collection, key, decide, after=directory.refresh)
