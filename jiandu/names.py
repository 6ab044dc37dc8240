"""What units and rankings are called: the Chinese name before the id, wherever people read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.scoring.domain.organisation import Organisation
from shared.events.facts import Fact
from shared.rulebook.edition import Edition


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id. What has none is called by its id."""

    units: Mapping[str, str] = field(default_factory=dict)
    rankings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[Fact], edition: Edition) -> "Names":
        """Read the names that units bear last, and those that the newest rules give to rankings."""
        records = Organisation.of(facts).records
        rankings = edition.slices[-1][1].scoring.rankings
        return cls(
            {unit: known[-1].name_zh for unit, known in records.items()},
            {key: rule.title.zh for key, rule in rankings.items()},
        )

    def unit(self, unit: str) -> str:
        """Return a unit's name and id.

        Example:
            >>> Names({"wuxi": "无锡公司"}).unit("wuxi"), Names().unit("wuxi")
            ('无锡公司 wuxi', 'wuxi')
        """
        return f"{self.units.get(unit, '')} {unit}".strip()

    def short(self, unit: str) -> str:
        """Return a unit's name alone, for charts; with its id where another unit has the same name."""
        name = self.units.get(unit, unit)
        return self.unit(unit) if list(self.units.values()).count(name) > 1 else name

    def ranking(self, key: str) -> str:
        """Return a ranking's name and id."""
        return f"{self.rankings.get(key, '')} {key}".strip()
