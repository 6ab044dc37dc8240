"""Where stories are made: the rulebook, the quarter, the seed, and who complains next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from jiandu.demo.courses import answered
from jiandu.demo.script import Course, Matter, Story, story
from jiandu.demo.texts import Owner, owner
from shared.rulebook.edition import Edition

FIRST = date(2026, 7, 1)
MONTHS = 3


@dataclass(slots=True)
class Stage:
    """What every story of a scenario shares.

    Attributes:
        before: End of the time that is played.
    """

    edition: Edition
    seed: int
    before: datetime
    owners: dict[str, int] = field(default_factory=dict)

    def rng(self, name: str) -> Random:
        """Return the chance of one story: others may come or go without changing it."""
        return Random(f"{self.seed}/{name}")

    def at(self, month: int, day: int, hour: float = 10) -> datetime:
        """Return a local moment of the year."""
        midnight = self.edition.calendar.at(date(FIRST.year, month, day), time(0))
        return midnight + timedelta(minutes=round(hour * 60))

    def owner(self, site: str, rng: Random) -> Owner:
        """Return somebody new. One in sixteen has complained before."""
        known = self.owners.get(site, 0)
        number = rng.randrange(known) if known and rng.random() < 1 / 16 else known
        if number == known:
            self.owners[site] = known + 1
        return owner(site, number, Random(f"{self.seed}/owner/{site}/{number}"))

    def course(self, name: str, site: str, at: datetime, matter: Matter, late: str = "") -> Course:
        """Begin a complaint.

        Args:
            late: Steps that will be late, with spaces between.
        """
        return Course(name, site, self.edition, self.rng(name), matter, at, frozenset(late.split()))

    def registered(
        self,
        name: str,
        site: str,
        at: datetime,
        matter: Matter,
        late: str = "",
        **how: Any,  # noqa: ANN401  # as Course.register has it
    ) -> Course:
        """Begin a complaint and register it."""
        course = self.course(name, site, at, matter, late)
        course.register(self.owner(site, course.rng), **how)
        return course

    def tell(self, course: Course, *more: Course) -> Story:
        """Bind courses into a story of the time that is played."""
        return story(course.name, course.site, self.before, course, *more)

    def play(
        self,
        name: str,
        site: str,
        at: datetime,
        matter: Matter,
        go: Callable[[Course], None],
        late: str = "",
        *,
        answer: int = 4,
        **how: Any,  # noqa: ANN401  # as Course.register has it
    ) -> Story:
        """Tell a complaint from its registration through its procedure to the callback.

        Args:
            answer: Satisfaction at the callback; 0 where there is none.
        """
        course = self.registered(name, site, at, matter, late, **how)
        go(course)
        if answer:
            answered(course, answer)
        return self.tell(course)


def stage_for(edition: Edition, seed: int, months: int = MONTHS) -> Stage:
    """Return the stage of the first months of the quarter."""
    end = date(FIRST.year, FIRST.month + months, 1)
    return Stage(edition, seed, edition.calendar.at(end, time(0)))


# --- matters


def explaining(subject: str) -> Matter:
    """Return a question that an explanation settles."""
    return Matter("complaint", "explanation", "question", subject, "sales-desk")


def service(subject: str, channel: str = "visit") -> Matter:
    """Return a general complaint."""
    return Matter("complaint", "general", "service", subject, channel)


def unfounded(subject: str, channel: str = "telephone") -> Matter:
    """Return a complaint that turns out invalid."""
    return Matter("complaint", "general", "unfounded", subject, channel)


def engineering(item: str, channel: str = "telephone", flags: tuple[str, ...] = ()) -> Matter:
    """Return a general complaint of engineering quality."""
    return Matter("complaint", "general-engineering", "construction", item, channel, item, flags)


def major(item: str, channel: str = "visit", flags: tuple[str, ...] = ()) -> Matter:
    """Return a major complaint of engineering quality."""
    return Matter("complaint", "major-engineering", "construction", item, channel, item, flags)


def handed_over(item: str) -> Matter:
    """Return a major complaint that the property company hands over."""
    return Matter("complaint", "property-handover", "construction", item, "property-company", item)


def property_matter(subject: str, item: str = "") -> Matter:
    """Return a matter of the property company; with an item where something is to be mended."""
    family = "construction" if item else "property"
    return Matter("complaint", "property-company", family, item or subject, "telephone", item)


def other(kind: str, family: str, subject: str) -> Matter:
    """Return a matter that is no complaint."""
    return Matter(kind, "", family, subject, "letter" if kind == "legal-letter" else "sales-desk")
