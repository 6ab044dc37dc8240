"""The quarter of a group: the stories that its habits tell, then matters as its customers come with them.

Nothing here knows a regulation. Pure: the same rulebook, organisation, habits, seed and size give the same calls.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from math import ceil
from pathlib import Path
from random import Random

from jiandu.demo.group import FIRST, MONTHS, Group
from jiandu.demo.habits import Habits, Lapses, drawn, habits_of
from jiandu.demo.matter import Draft, moment, ordinary, told
from jiandu.demo.rounds import filed, rounds_of
from jiandu.demo.scenario import Closing, Declaration, Scenario, Story
from jiandu.demo.tale import Tale, together
from shared.rulebook.edition import Edition
from shared.rulebook.load import load_organisation
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation
from shared.timekeeping.periods import Period, PeriodDue, period_due

RULEBOOKS = Path(__file__).resolve().parents[2] / "rulebooks"

_SPARE = 1.7
"""Matters for one answer that a ranking needs: some are still open, some customers are not called."""

_TENTH = PeriodDue(day=10, month="next", roll_forward=True)


def scenario(
    edition: Edition, complaints: int | None = None, seed: int = 7, months: int = MONTHS
) -> Scenario:
    """Return the quarter of a group of ours, or its first months, with its organisation and its habits."""
    organisation = load_organisation(RULEBOOKS / edition.group / "organisation.yaml")
    return scenario_of(edition, organisation, habits_of(edition.group), complaints, seed, months)


def scenario_of(
    edition: Edition,
    organisation: Organisation,
    habits: Habits,
    complaints: int | None = None,
    seed: int = 7,
    months: int = MONTHS,
) -> Scenario:
    """Return the quarter of a group, or its first months.

    Args:
        complaints: How many; the habits' own number where none is said. The stories, one matter of each kind and
            class, and as many as the rankings need to rate a unit are told in any case.
    """
    group = Group.of(edition, organisation, habits, seed, months)
    stories = [*_told(group), *_shown(group), *_outside(group)]
    count = sum(call.path == "/v1/complaints" for story in stories for call in story.calls)
    size = habits.complaints if complaints is None else complaints
    stories += _ordinary(group, max(size - count, 0))
    rounds = [rounds_of(group, unit) for unit in organisation.units]
    reader = group.cast.reader()
    return Scenario(
        stories=tuple(one for one in (*filed(group), *stories, *rounds) if one.calls),
        declared=group.before,
        closings=tuple(_closings(group, is_dated=group.cast.may_date(reader))),
        reader=reader,
        declarations=tuple(
            Declaration(unit, group.site(unit), group.cast.importer(unit))
            for unit in (*group.units, *group.cast.desks(FIRST))
        ),
    )


# --- which matters


def _told(group: Group) -> Iterator[Story]:
    """Tell the stories of the habits that begin in the time that is played."""
    stories = {
        name: one for name, one in group.habits.stories.items() if moment(group, one.at) < group.before
    }
    joined: dict[str, dict[str, Tale]] = {}
    for name, one in stories.items():
        beside = joined.setdefault(one.beside or name, {})
        customer = beside[one.customer_of].matter.customer if one.customer_of else None
        beside[name] = Tale(group, told(group, name, one, customer), dict(beside))
    for tales in joined.values():
        yield together(list(tales.values()))


def _shown(group: Group) -> Iterator[Story]:
    """Tell one matter of each kind and class that no story is about."""
    number = 0
    shown = {(one.kind, one.class_) for one in group.habits.stories.values()}
    for kind, known in group.rules.intake.kinds.items():
        for class_ in known.classes or ("",):
            if (kind, class_) in shown:
                continue
            unit = group.units[number % len(group.units)]
            month = group.months[number % len(group.months)]
            name = f"shown/{kind}/{class_ or 'any'}"
            yield together([Tale(group, ordinary(group, Draft(name, unit, month, kind, class_)))])
            number += 1


def _outside(group: Group) -> Iterator[Story]:
    """Tell the complaints that reach another unit first, and are about a unit."""
    desks = group.cast.desks(FIRST)
    counted = [key for key, one in group.rules.intake.kinds.items() if one.counts_as_complaint]
    for unit, manners in group.manners.items():
        for channel, months in manners.outside.items() if desks else ():
            for number, month in enumerate(months):
                for first in (one for one in group.months if one.month == month):
                    name = f"outside/{unit}/{channel}/{number}"
                    draft = Draft(name, unit, first, counted[0], channel=channel, desk=desks[0])
                    yield together([Tale(group, ordinary(group, draft))])


def _ordinary(group: Group, count: int) -> Iterator[Story]:
    """Tell ordinary matters, more of them where a unit has a greater share; each month has the same.

    What goes wrong in numbers goes wrong however many there are; what goes wrong in percent, with the others.
    """
    least = _least(group.rules)
    for (unit, month), each in _allotted(group, count).items():
        manners = group.manners[unit]
        lapses = _lapses(manners.lapses.get(month.month, Lapses()), group.rng(f"{unit}/{month:%m}/lapses"))
        for number in range(max(each, least)):
            name, lapse = f"{unit}/{month:%m}/{number}", lapses.pop() if lapses else ""
            kind = _kind(group, group.rng(f"{name}/kind"), number < least)
            late = 0 if lapse else manners.late
            draft = Draft(name, unit, month, kind, lapse=lapse, late=late)
            yield together([Tale(group, ordinary(group, draft))])


def _allotted(group: Group, count: int) -> dict[tuple[str, date], int]:
    """Divide the matters among units and months by the units' shares, the remainders going to the largest."""
    shares = sum(one.share for one in group.manners.values()) * len(group.months)
    exact = {
        (unit, month): count * manners.share / shares
        for unit, manners in group.manners.items()
        for month in group.months
    }
    found = {place: int(number) for place, number in exact.items()}
    left = count - sum(found.values())
    for place in sorted(exact, key=lambda place: found[place] - exact[place])[:left]:
        found[place] += 1
    return found


def _lapses(numbers: Lapses, rng: Random) -> list[str]:
    found = [name for name, number in numbers for _ in range(number)]
    rng.shuffle(found)
    return found


def _least(rules: Rules) -> int:
    """Return how many matters a unit has in a month, so that the rankings by answers can rate it."""
    indicators = rules.scoring.indicators
    ranked = (indicators[one.by] for one in rules.scoring.rankings.values() if one.by in indicators)
    asked = [one.minimum_n for one in ranked if one.measure == "satisfaction" or one.mean]
    return ceil(max(asked, default=0) * _SPARE)


def _kind(group: Group, rng: Random, is_called: bool) -> str:  # where a ranking needs the answer
    known, habits = group.rules.intake.kinds, group.habits.kinds
    usual = {key: 20 if one.counts_as_complaint else 10 for key, one in known.items()}
    kinds = {key: habits[key].weight if key in habits else weight for key, weight in usual.items()}
    plans = group.rules.callback.plans.values()
    called = {kind for plan in plans if plan.ratio == 1 for kind in plan.applies.kind}
    wanted = {key: weight for key, weight in kinds.items() if key in called} if is_called else {}
    return drawn(wanted or kinds, rng)


# --- what is published


def _closings(group: Group, *, is_dated: bool) -> Iterator[Closing]:
    """Give each month on the morning on which it is due, and the longer periods that a ranking has."""
    calendar = group.edition.calendar
    every = {ranking.every for ranking in group.rules.scoring.rankings.values()}
    for first in group.months:
        dues = [one.due for one in group.rules.scoring.publications.values()] or [_TENTH]
        month = Period.holding("month", first)
        due = max(period_due(one, month, calendar).due_before for one in dues)
        published = calendar.at(calendar.closing_day(due), time(10))
        yield Closing(str(month), published if is_dated else None)
        for longer in ("quarter", "year"):
            span = Period.holding(longer, first)
            if longer in every and span.first in group.months and span.last == month.last:
                yield Closing(str(span), published + timedelta(hours=1) if is_dated else None)
