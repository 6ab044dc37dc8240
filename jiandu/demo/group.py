"""What every story of any group shares: its rulebook, its people, its habits, the time that is played, and chance."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from jiandu.demo.cast import Cast
from jiandu.demo.habits import Habits, Manners
from services.scoring.domain.organisation import Organisation as Tree
from shared.events.facts import Fact
from shared.events.registry import UnitEstablished
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation


@dataclass(slots=True)
class Group:
    """A group and the time that is played.

    Attributes:
        tree: Its units, as duties are looked up by.
        months: The first day of each.
        before: End of the time that is played.
        manners: What each unit that is played is like.
    """

    edition: Edition
    cast: Cast
    tree: Tree
    habits: Habits
    seed: int
    months: tuple[date, ...]
    before: datetime
    manners: dict[str, Manners] = field(default_factory=dict)

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

    def rng(self, name: str) -> Random:
        """Return the chance of one story."""
        return Random(f"{self.seed}/{name}")

    def at(self, day: date, hour: float) -> datetime:
        """Return a local moment."""
        return self.edition.calendar.at(day, time(0)) + timedelta(minutes=round(hour * 60))


def established(organisation: Organisation) -> Tree:
    """Return the units as scoring knows them."""
    told = {
        key: UnitEstablished(
            unit=key,
            kind=unit.kind,
            parent=unit.parent,
            site=unit.site,
            name_zh=unit.name.zh,
            name_en=unit.name.en,
            established_on=unit.established_on,
            service_lead=unit.service_lead,
        )
        for key, unit in organisation.units.items()
    }
    return Tree.of(
        Fact(
            key,
            "registry",
            1,
            one.TYPE,
            f"unit/{key}",
            key,
            datetime.min.replace(tzinfo=UTC),
            "",
            one.model_dump(mode="json"),
        )
        for key, one in told.items()
    )
