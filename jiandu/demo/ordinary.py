"""Ordinary complaints: of every kind, most handled well, some as each branch's habits have it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from jiandu.demo.branches import HABITS
from jiandu.demo.courses import (
    answered,
    close,
    explanation,
    general,
    general_engineering,
    invalid,
    major_engineering,
    not_reached,
    property_company,
    property_handover,
    works,
)
from jiandu.demo.matters import PROPERTY, QUESTIONS, SERVICE, UNFOUNDED
from jiandu.demo.phrases import CONSTRUCTION
from jiandu.demo.script import Course, Matter, Story
from jiandu.demo.stage import (
    FIRST,
    MONTHS,
    Stage,
    engineering,
    explaining,
    handed_over,
    major,
    property_matter,
    service,
    unfounded,
)
from shared.timekeeping.calendar import DAY

_SHORT = ("lift", "fire-protection", "communications", "warped-ironmongery-blocked", "water-supply")
"""Rows whose limit ends in the month in which it begins, for deadlines that are to be missed in a month."""

_HEAVY = ("beam-axis", "beam-broken", "slab-dimensions", "waterproofing", "infill-wall")


_KINDS: tuple[tuple[str, int], ...] = (
    ("engineering", 28),
    ("explanation", 24),
    ("property", 24),
    ("general", 9),
    ("invalid", 11),
    ("major", 2),
    ("handed-over", 2),
)

_LAPSES = (
    ("engineering", "facts"),
    ("engineering", "rectify"),
    ("property", "notice"),
    ("engineering", "plan"),
    ("general", "negotiate"),
    ("explanation", "explain"),
    ("engineering", "notice"),
    ("invalid", "explain"),
    ("general", "approve"),
)


@dataclass(frozen=True, slots=True)
class _Lapse:
    """What goes wrong with one ordinary complaint."""

    kind: str = ""
    late: str = ""
    unhandled: bool = False
    incomplete: bool = False
    registered_late: bool = False


def ordinary(stage: Stage, count: int) -> Iterator[Story]:
    """Tell ``count`` complaints as they come in, spread over the time that is played.

    What goes wrong with them follows from each branch's habits, not from how many there are.
    """
    rng = stage.rng("ordinary")
    lapses = {(site, at): _lapses(site, at, rng) for site in HABITS for at in range(MONTHS)}
    sites, shares = list(HABITS), [habits.share for habits in HABITS.values()]
    days = (stage.edition.calendar.local_day(stage.before) - FIRST).days
    for number in range(max(count, 0)):
        site = rng.choices(sites, shares)[0]
        day = FIRST + DAY * rng.randrange(days)
        if day.weekday() >= 5 and rng.random() < 0.4:  # noqa: PLR2004  # fewer at the weekend
            day -= DAY * 2 if day.day > 2 else -DAY  # noqa: PLR2004  # the shape of the story, nothing more
        received = stage.at(day.month, day.day, rng.uniform(8.5, 19.5))
        waiting = lapses[site, day.month - FIRST.month]
        # What goes wrong early in a month is over before the month is.
        lapse = waiting.pop() if waiting and 1 < day.day <= 17 else _Lapse()  # noqa: PLR2004  # the shape of the story, nothing more
        yield _one(stage, f"{site}-{number + 1:05d}", site, received, lapse)


def _lapses(site: str, at: int, rng: Random) -> list[_Lapse]:
    habits = HABITS[site]
    kinds = rng.sample(_LAPSES, len(_LAPSES)) * 2
    found = [_Lapse(kind, late) for kind, late in kinds[: habits.missed[at]]]
    found += [_Lapse("engineering", unhandled=True)] * habits.unhandled[at]
    found += [_Lapse(incomplete=True)] * habits.incomplete[at]
    found += [_Lapse(registered_late=True)] * habits.registered_late[at]
    rng.shuffle(found)
    return found


def _one(stage: Stage, name: str, site: str, received: datetime, lapse: _Lapse) -> Story:
    rng = stage.rng(f"{name}/kind")
    names, weights = zip(*_KINDS, strict=True)
    kind = lapse.kind or rng.choices(names, weights)[0]
    if lapse.registered_late:
        kind = "general"
    matter, go = _way(kind, rng, short=bool(lapse.late))
    lacking = (
        frozenset({rng.choice(("demand", "project", "first-taker"))})
        if lapse.incomplete
        else frozenset[str]()
    )
    after = (25.0, 29.0) if lapse.registered_late else (0.1, 1.5)
    course = stage.registered(name, site, received, matter, lapse.late, after_h=after, without=lacking)
    if not lapse.unhandled:
        go(course)
        _called_back(course, kind, rng)
    return stage.tell(course)


def _way(kind: str, rng: Random, *, short: bool) -> tuple[Matter, Callable[[Course], None]]:
    channel = rng.choice(("telephone", "visit", "telephone", "letter", "forum", "group-centre"))
    items = _SHORT if short else tuple(CONSTRUCTION)
    match kind:
        case "engineering":
            refused = not short and rng.random() < 0.04  # noqa: PLR2004  # one in 25 is not right at first
            return engineering(rng.choice(items), channel), lambda course: general_engineering(
                course, refused=refused
            )
        case "explanation":
            return explaining(rng.choice(tuple(QUESTIONS))), explanation
        case "property":
            item = rng.choice(_SHORT) if rng.random() < 0.15 else ""  # noqa: PLR2004  # few are repairs
            return property_matter(rng.choice(tuple(PROPERTY)), item), property_company
        case "general":
            way = rng.choice(("rectification", "explanation", "payment-in-lieu"))
            return service(rng.choice(tuple(SERVICE)), channel), lambda course: general(course, way)
        case "invalid":
            return unfounded(rng.choice(tuple(UNFOUNDED)), channel), invalid
        case _:
            return _heavy(kind, channel, rng)


def _heavy(kind: str, channel: str, rng: Random) -> tuple[Matter, Callable[[Course], None]]:
    if kind == "major":
        agreed = rng.choice(("rectification", "rectification", "payment-in-lieu"))
        return major(rng.choice(_HEAVY), channel), lambda course: major_engineering(course, agreed)
    way = rng.choice(("rectification", "rectification", "payment-in-lieu", "explanation"))
    liable = rng.choice(("developer", "developer", "developer", "contractor", "owner"))
    return handed_over(rng.choice(_HEAVY)), lambda course: property_handover(course, way, liable=liable)


_CAN_GO_ON = frozenset({"engineering", "explanation", "invalid"})


def _called_back(course: Course, kind: str, rng: Random) -> None:
    """Call back: most answer, some cannot be reached, a few do not want to, a very few are forgotten."""
    draw = rng.random()
    if draw < 0.01:  # noqa: PLR2004  # the shape of the story, nothing more
        return
    if draw < 0.06:  # noqa: PLR2004  # the shape of the story, nothing more
        not_reached(course, 3)
        return
    if draw < 0.08:  # noqa: PLR2004  # the shape of the story, nothing more
        not_reached(course, 1, "refused")
        return
    if draw < 0.14:  # noqa: PLR2004  # the shape of the story, nothing more
        not_reached(course, 1, rng.choice(("unreachable", "call-back-at")))
    answer = rng.choices(range(1, 6), HABITS[course.site].answers)[0]
    if kind not in _CAN_GO_ON:
        answer = max(answer, 3)
    answered(course, answer)
    if course.dissatisfied:
        _again(course, kind)
        answered(course, rng.choice((3, 4, 5)))


def _again(course: Course, kind: str) -> None:
    """Handle a case that a dissatisfied answer re-opened."""
    if kind == "engineering":
        course.wait(1, 5)
        works(course)
    else:
        course.reach("explain")
        papers = course.paper("explanation-note") if kind == "invalid" else None
        course.step("explain", evidence=papers, outcome="再次解释")
    close(course, "再次办结")
