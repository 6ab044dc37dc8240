"""What differs between two editions of a rulebook, entry by entry and day by day. Pure, and without words.

An edition says what holds on each day. So two editions are compared day by day, and not file by file: an entry that
was only written anew, or given a second version that says the same, is no change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from pydantic import BaseModel

from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Part
from shared.timekeeping.calendar import CalendarYear
from shared.values.canonical import plain

WORDING = frozenset({"title", "note", "source", "why", "duties"})
"""Fields that say what a rule is called and where it stands. Nothing is worked out from them."""

HEAD = frozenset({"edition", "name", "sources", "rules"})
"""Sections of ``rulebook.yaml`` that describe the edition itself. Each edition has its own."""

_DAY_TABLES = "years"
_FROM = "from"

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One field, or one whole entry, that differs for some days.

    Attributes:
        topic: File: ``limits``, ``scoring`` …
        section: Section of it; ``years`` of ``calendar`` are the day tables.
        key: Entry of the section; empty where the section itself is one value.
        field: Where inside the entry, with dots; empty for the whole entry, which is new or gone then.
        since: First day on which the two differ so.
        until: First day on which they do so no more; None: for good.
        was: What the old edition says, as plain JSON; None where it says nothing.
        now: What the new one says.
    """

    topic: str
    section: str
    key: str
    field: str
    since: date
    until: date | None
    was: Any
    now: Any

    @property
    def place(self) -> str:
        """Where it stands, as a rulebook cites it: ``limits.tables.repair.rows``."""
        return ".".join(part for part in (self.topic, self.section, self.key, self.field) if part)

    @property
    def is_wording(self) -> bool:
        """Say whether nothing that is worked out can change by it."""
        about_itself = self.topic == "rulebook" and self.section in HEAD
        return about_itself or not WORDING.isdisjoint(self.field.split("."))


def changes(old: Edition, new: Edition) -> tuple[Change, ...]:
    """Return every difference, by place and day.

    Days before an edition's first one hold no rules, so an edition that begins later takes away what held before.
    """
    days = sorted({first for edition in (old, new) for first, _ in edition.slices})
    found: dict[_Key, list[Change]] = {}
    for day, until in zip(days, [*days[1:], None], strict=True):
        for place, was, now in _between(_on(old, day), _on(new, day)):
            _add(found.setdefault(place, []), Change(*place, since=day, until=until, was=was, now=now))
    listed = [change for of_place in found.values() for change in of_place]
    listed += _calendars(old, new)
    return tuple(sorted(listed, key=lambda one: (one.topic, one.section, one.key, one.field, one.since)))


def first_change(old: Edition, new: Edition) -> date | None:
    """Return the first day on which something else can be worked out; None: on no day."""
    return first_of(changes(old, new))


def first_of(found: Iterable[Change]) -> date | None:
    """Return the first day of changes that are more than wording; see ``first_change``."""
    return min((one.since for one in found if not one.is_wording), default=None)


def changed_topics(old: Edition, new: Edition) -> tuple[str, ...]:
    """Return the files whose rules or words change, in order of name. What the edition is called is no change."""
    return topics_of(changes(old, new))


def topics_of(found: Iterable[Change]) -> tuple[str, ...]:
    """Return the files that changes are in; see ``changed_topics``."""
    return tuple(
        sorted({one.topic for one in found if not (one.topic == "rulebook" and one.section in HEAD)})
    )


def _on(edition: Edition, day: date) -> Rules | None:
    return edition.on(day) if edition.slices[0][0] <= day else None


def _add(told: list[Change], change: Change) -> None:
    """Let what holds on go on, instead of telling it again for each slice."""
    last = told[-1] if told else None
    if last and (last.until, last.was, last.now) == (change.since, change.was, change.now):
        told[-1] = replace(last, until=change.until)
    else:
        told.append(change)


def _between(old: Rules | None, new: Rules | None) -> Iterator[tuple[_Key, Any, Any]]:
    for topic, field in Rules.model_fields.items():
        before, after = getattr(old, topic, None), getattr(new, topic, None)
        for section in (field.annotation or Part).model_fields:
            was, now = getattr(before, section, None), getattr(after, section, None)
            if isinstance(was if now is None else now, Mapping):
                yield from _of_section(topic, section, was or {}, now or {})
            else:
                for place, said, says in _fields("", was, now):
                    yield (topic, section, "", place), _said(said), _said(says)


def _of_section(
    topic: str, section: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[tuple[_Key, Any, Any]]:
    for key in sorted({*was, *now}):
        for field, before, after in _fields("", was.get(key), now.get(key)):
            yield (topic, section, key, field), _said(before), _said(after)


def _fields(path: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401  # any part
    """Return where two values differ, as deep inside as both have the same parts. A limit is one value."""
    if was == now:
        return
    inside: dict[str, tuple[Any, Any]] = {}
    if isinstance(was, Part) and type(was) is type(now):
        for name, field in type(was).model_fields.items():
            inside[field.alias or name] = getattr(was, name), getattr(now, name)
        if not path:
            inside.pop(_FROM, None)  # from which day is what the days themselves show
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        inside = {str(key): (was.get(key), now.get(key)) for key in sorted({*was, *now})}
    else:
        yield path, was, now
    for key, (before, after) in inside.items():
        yield from _fields(f"{path}.{key}" if path else key, before, after)


def _calendars(old: Edition, new: Edition) -> Iterator[Change]:
    """Return the years whose day tables differ, from the first day that is worked in only one of the two."""
    before = {year.year: year for year in old.calendar.years}
    after = {year.year: year for year in new.calendar.years}
    for year in sorted({*before, *after}):
        was, now = before.get(year), after.get(year)
        if was != now:
            days = sorted(_special(was) ^ _special(now)) if was and now else []
            first = days[0][0] if days else date(year, 1, 1)
            # A table of the same days differs in what it says of its notice only.
            field = "" if days or not (was and now) else "source"
            until = date(year + 1, 1, 1)
            yield Change("calendar", _DAY_TABLES, str(year), field, first, until, _said(was), _said(now))


def _special(year: CalendarYear) -> set[tuple[date, bool]]:
    """Return the days that a table names, each with whether it is worked."""
    named = {(day, False) for holiday in year.holidays for day in holiday.days_off()}
    return named | {(day, True) for holiday in year.holidays for day in holiday.make_up}


def _said(value: Any) -> Any:  # noqa: ANN401  # any part of a rulebook, as plain JSON
    """Return a value as plain JSON. What equals the schema's default is left out: people read it."""
    match value:
        case BaseModel():
            return _said(value.model_dump(by_alias=True, exclude_defaults=True))
        case Mapping():
            return {str(key): _said(inside) for key, inside in value.items()}
        case tuple() | list():
            return [_said(inside) for inside in value]
        case time():
            return value.isoformat()
    return plain(value)
