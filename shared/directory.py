"""Who there is: units, people, accounts, editions, as the registry told. Every service keeps its own copy.

A service signs people in from this copy, so it works while the line to headquarters is cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from shared.errors import NotFoundError, TransientError
from shared.messaging import Decision, Following, Record
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_bundle
from shared.storage import Aggregates, Database, Offer, Stored

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
    known = dict(state or {})
    if type_ == "unit.closed.v1":
        return {**known, "closes_on": data["closes_on"]}
    if type_ == "account.revoked.v1":
        return {**known, "revoked": True}
    if type_ == "person.appointed.v1":
        held = [*known.get("appointments", ()), {key: data[key] for key in ("unit", "role", "since")}]
        return {"person": data["person"], "name": data["name"], "appointments": held}
    if type_ == "account.granted.v1":
        return {**data, "revoked": False}
    return dict(data)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the organisation tree."""

    unit: str
    kind: str
    parent: str | None
    site: str
    name_zh: str
    name_en: str
    established_on: date
    closes_on: date | None = None


@dataclass(slots=True)
class Directory:
    """The service's copy, in memory, refreshed when events change it."""

    collection: Aggregates[State]
    units: dict[str, Unit] = field(default_factory=dict)
    people: dict[str, State] = field(default_factory=dict)
    accounts: dict[str, State] = field(default_factory=dict)
    editions: dict[str, Edition] = field(default_factory=dict)
    enacted: list[tuple[str, str]] = field(default_factory=list)
    filled: State | None = None
    version: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    async def load(self) -> None:
        """Read everything from the service's database."""
        for stored in await self.collection.find({}):
            self._take(stored)
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

    def _take(self, stored: Stored[State]) -> None:
        self.seen[stored.id] = stored.version
        kind, _, name = stored.id.partition("/")
        state = stored.state or {}
        if kind == "unit" and state:
            closes = state.get("closes_on")
            self.units[name] = Unit(
                unit=name,
                kind=state["kind"],
                parent=state["parent"],
                site=state["site"],
                name_zh=state["name_zh"],
                name_en=state["name_en"],
                established_on=date.fromisoformat(state["established_on"]),
                closes_on=date.fromisoformat(closes) if closes else None,
            )
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
        """Return an edition by hash: the one under which a case began.

        Raises:
            NoEditionError: It has not arrived.
        """
        if hash_ not in self.editions:
            msg = f"Rulebook edition {hash_[:12]} has not arrived yet."
            raise NoEditionError(msg)
        return self.editions[hash_]

    def unit(self, name: str) -> Unit:
        """Return a unit. Raises ``NotFoundError``."""
        if name not in self.units:
            msg = f"There is no unit '{name}'. GET /v1/units lists them."
            raise NotFoundError(msg)
        return self.units[name]

    def within(self, unit: str, top: str) -> bool:
        """Say whether ``unit`` is ``top`` or lies below it."""
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


def directory_in(database: Database, offer: Offer | None = None) -> Directory:
    """Return the directory kept in ``database``, empty until it is loaded. The registry's own tells events."""
    return Directory(
        Aggregates(database, "directory", load=lambda state: state, dump=lambda state: state, offer=offer)
    )


_KINDS = ("unit/", "person/", "account/", "edition/", "register/")


def following(directory: Directory) -> Following[State]:
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

    return Following(directory.collection, key, decide, after=directory.refresh)
