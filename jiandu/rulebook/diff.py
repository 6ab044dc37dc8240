"""What differs between two editions, in sentences: which days, which entry, what it said and what it says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from pydantic import BaseModel

from jiandu.rulebook.explain import sentence
from jiandu.rulebook.explain.words import Book
from shared.rulebook.differences import Change, changes
from shared.rulebook.edition import Edition
from shared.timekeeping.base_types import Line

_NUMBER = re.compile(r"^（[0-9.]+）")


@dataclass(frozen=True, slots=True)
class Altered:
    """One entry that differs for some days.

    Attributes:
        key: Where it stands.
        since: First day on which it differs so.
        until: First day on which it does so no more; None: for good.
        fields: Where inside it; none where it is new or gone.
        was: What it said and says no more.
        now: What it says and did not say.
        is_wording: Nothing that is worked out changes by it.
    """

    key: str
    since: date
    until: date | None
    fields: tuple[str, ...]
    was: tuple[Line, ...]
    now: tuple[Line, ...]
    is_wording: bool


def altered(old: Edition, new: Edition) -> Iterator[Altered]:
    """Yield what differs, entry by entry, in the order of the files."""

    def entry_of(change: Change) -> tuple[str, str, str, date, date]:
        return change.topic, change.section, change.key, change.since, change.until or date.max

    for (topic, section, key, since, _), group in groupby(
        sorted(changes(old, new), key=entry_of), key=entry_of
    ):
        found = list(group)
        place = ".".join(part for part in (topic, section, key) if part)
        before, after = (_lines(edition, topic, section, key, since) for edition in (old, new))
        was, now = _but(before, after), _but(after, before)
        if not was and not now:
            was, now = _plainly(found, old=True), _plainly(found, old=False)
        yield Altered(
            key=place,
            since=since,
            until=found[0].until,
            fields=tuple(one.field for one in found if one.field),
            was=was,
            now=now,
            is_wording=all(one.is_wording for one in found),
        )


def _lines(edition: Edition, topic: str, section: str, key: str, day: date) -> tuple[Line, ...]:
    """Return what an edition says of an entry on a day; nothing where it is not there, or has no words."""
    if edition.slices[0][0] > day:
        return ()
    rules = edition.on(day)
    held = getattr(getattr(rules, topic), section, None)
    entry = held.get(key) if isinstance(held, Mapping) else None
    if topic == "calendar" and not key:
        return sentence(topic, rules.calendar, Book(rules)).lines
    return (
        sentence(f"{topic}.{section}.{key}", entry, Book(rules)).lines if isinstance(entry, BaseModel) else ()
    )


def _but(lines: tuple[Line, ...], others: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines that the others do not have, whatever their numbers are."""
    known = {_without_number(line.zh) for line in others}
    return tuple(line for line in lines if _without_number(line.zh) not in known)


def _without_number(words: str) -> str:
    return _NUMBER.sub("", words)


def _plainly(found: list[Change], *, old: bool) -> tuple[Line, ...]:
    """Return what changed as it stands in the file, where the sentences do not tell it: notes and names."""
    told = []
    for one in found:
        said, other = (one.was, one.now) if old else (one.now, one.was)
        if said is not None and one.field:
            words = f"{one.field}: {said}"
            told.append(Line(zh=words, en=words))
        elif said is not None and other is not None:
            told.append(Line(zh=str(said), en=str(said)))
    return tuple(told)
