"""The whole quarter: the stories that show everything, then as many ordinary complaints as are asked for.

Pure: the same rulebook, seed and size give the same calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain

from jiandu.demo import offences, specials
from jiandu.demo.branches import HABITS, rounds_of, rounds_of_group
from jiandu.demo.ordinary import ordinary
from jiandu.demo.script import Story
from jiandu.demo.stage import FIRST, MONTHS, stage_for
from shared.rulebook.edition import Edition
from shared.timekeeping.periods import Period, period_due


@dataclass(frozen=True, slots=True)
class Closing:
    """A period and the moment at which it is published; None where its publisher may not say when."""

    period: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """The account that declares what a unit did complete, at the intake of the unit's site."""

    unit: str
    site: str
    account: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is entered.

    Attributes:
        declared: Up to when what is entered is complete.
        declarations: Who declares that, for each unit that registers.
        closings: In the order in which they go out.
        reader: Account that publishes, and reads everything.
    """

    stories: tuple[Story, ...]
    declared: datetime
    declarations: tuple[Declaration, ...]
    closings: tuple[Closing, ...]
    reader: str = "director"

    @property
    def branches(self) -> tuple[str, ...]:
        """Return the units that declare."""
        return tuple(one.unit for one in self.declarations)

    @property
    def importers(self) -> dict[str, str]:
        """Return the account that enters at each site."""
        return {one.site: one.account for one in self.declarations}

    @property
    def complaints(self) -> int:
        """How many matters are registered."""
        return sum(call.path == "/v1/complaints" for story in self.stories for call in story.calls)

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return sum(len(story.calls) for story in self.stories)


def scenario(edition: Edition, complaints: int = 2_000, seed: int = 7, months: int = MONTHS) -> Scenario:
    """Return the scenario of the first ``months`` months of the quarter.

    The stories that show everything are always whole, so a size below theirs is theirs.
    """
    stage = stage_for(edition, seed, months)
    told = chain(
        specials.procedures(stage),
        specials.turns(stage),
        offences.missed_steps(stage),
        offences.neglected(stage),
    )
    shown = [one for one in told if one.calls]
    count = sum(call.path == "/v1/complaints" for story in shown for call in story.calls)
    rounds = [*(rounds_of(site, stage) for site in HABITS), rounds_of_group(stage)]
    return Scenario(
        stories=(*shown, *rounds, *ordinary(stage, complaints - count)),
        declared=stage.before,
        declarations=tuple(Declaration(f"{site}-branch", site, f"{site}-importer") for site in HABITS),
        closings=tuple(_closings(edition, months)),
    )


def _closings(edition: Edition, months: int) -> Iterator[Closing]:
    """Give each month and the quarter with the morning on which it is due at the subsidiaries (JK-21)."""
    calendar = edition.calendar
    for at in range(months):
        first = FIRST.replace(month=FIRST.month + at)
        rule = edition.on(first).scoring.publications["monthly-scores"]
        due = period_due(rule.due, Period.holding("month", first), calendar).due_before
        published = calendar.at(calendar.closing_day(due), time(10))
        yield Closing(f"{first:%Y-%m}", published)
        if at == MONTHS - 1:
            yield Closing(f"{FIRST.year}-Q3", published + timedelta(hours=1))
