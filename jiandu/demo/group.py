"""What every story of any group shares: its rulebook, its people, its habits, the time that is played, and chance."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from jiandu.demo.cast import Cast
from jiandu.demo.habits import Habits, Manners
from jiandu.demo.people import PER_PREFIX, Person, person
from services.registry.domain.units import seeded
from services.scoring.domain.obligations import Duty
from services.scoring.domain.organisation import Organisation as Tree
from shared.events.facts import Fact
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation
from shared.timekeeping.calendar import add_months

FIRST = date(2026, 7, 1)
MONTHS = 3
"""The quarter that is played."""

ENTERED_LATER = timedelta(days=45)
"""How long after the time that is played it is entered, at the latest."""


@dataclass(slots=True)
class Group:
    """A group and the time that is played.

    Attributes:
        tree: Its units, as duties are looked up by.
        months: The first day of each.
        before: End of the time that is played.
        manners: What each unit that is played is like.
        known: Unit → how many customers have complained.
        duties: First day of a month → what is owed in it.
    """

    edition: Edition
    cast: Cast
    tree: Tree
    habits: Habits
    seed: int
    months: tuple[date, ...]
    before: datetime
    manners: dict[str, Manners] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    duties: dict[date, tuple[Duty, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, edition: Edition, organisation: Organisation, habits: Habits, seed: int, months: int
    ) -> "Group":
        """Return the group as it is in the first months of the quarter."""
        days = tuple(add_months(FIRST, at) for at in range(months))
        group = cls(
            edition=edition,
            cast=Cast(organisation, edition.on(FIRST)),
            tree=_established(organisation),
            habits=habits,
            seed=seed,
            months=days,
            before=edition.calendar.at(add_months(days[-1], 1), time(0)),
        )
        for unit in group.cast.registering(FIRST):
            group.manners[unit] = habits.of(unit, group.rng(f"manners/{unit}"))
        return group

    @property
    def rules(self) -> Rules:
        """Return the rules of the first month."""
        return self.edition.on(self.months[0])

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units that are played."""
        return tuple(self.manners)

    @property
    def began(self) -> datetime:
        """Return when the time that is played begins."""
        return self.at(self.months[0], 0)

    @property
    def entered(self) -> datetime:
        """Return when everything is entered."""
        return self.before + ENTERED_LATER

    def rng(self, name: str) -> Random:
        """Return the chance of one story: others may come or go without changing it."""
        return Random(f"{self.seed}/{name}")

    def at(self, day: date, hour: float) -> datetime:
        """Return a local moment."""
        return self.edition.calendar.at(day, time(0)) + timedelta(minutes=round(hour * 60))

    def site(self, unit: str) -> str:
        """Return the site at which a unit registers."""
        return self.cast.organisation.units[unit].site

    def customer(self, unit: str, rng: Random) -> Person:
        """Return somebody who complains; the habits say how often it is somebody who has before."""
        known, again = self.known.get(unit, 0), self.habits.customers.again
        number = rng.randrange(known) if known and rng.randrange(100) < again else known
        self.known[unit] = max(known, number + 1)
        prefix = self.units.index(unit) + len(self.manners) * (number // PER_PREFIX)
        offered = {**self.manners[unit].slots, **self.habits.customers.slots}
        return person(number, prefix, offered, self.rng(f"customer/{unit}/{number}"))


def _established(organisation: Organisation) -> Tree:
    """Return the units as scoring knows them."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    told = {key: seeded(key, organisation) for key in organisation.units}
    return Tree.of(
        Fact(key, "registry", 1, one.TYPE, f"unit/{key}", key, long_ago, "", one.model_dump(mode="json"))
        for key, one in told.items()
    )
