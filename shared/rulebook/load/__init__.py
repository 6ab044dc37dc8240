"""The core's one door for files: YAML → an ``Edition``, or every reason why not.

An edition can also travel as text (``bundle``), so that no site needs the files.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from shared.errors import RulebookProblem, RulebookRefusedError
from shared.rulebook.checks import faults
from shared.rulebook.edition import Edition
from shared.rulebook.load.nodes import MOST_BYTES, Branch, read, value_of
from shared.rulebook.load.problems import misplaced_truths, say
from shared.rulebook.load.shape import required_topics, topics
from shared.rulebook.load.slices import Page, Slice, slices_of
from shared.rulebook.schema import Rules
from shared.rulebook.schema.organisation import Organisation
from shared.timekeeping.calendar import CalendarYear, Hours, WorkingCalendar
from shared.values.canonical import hash_of, plain

ORGANISATION = "organisation.yaml"
MOST_BUNDLED = 16 * MOST_BYTES
_CALENDARS = "calendars/"
_DAY_TABLE = re.compile(r"calendars/[a-z0-9-]+/[a-z0-9-]+\.yaml")

Show = Callable[[str], str]
"""Turns a file's name inside an edition into what a person knows it by."""


def load_edition(folder: Path, calendars: Path) -> Edition:
    """Read the edition that a folder holds.

    Args:
        folder: Holds ``procedures.yaml`` and its siblings.
        calendars: Holds a folder of day tables for each country.

    Raises:
        RulebookRefusedError: Names every fault with file and line.
    """
    paths = {path.name: path for path in sorted(folder.glob("*.yaml")) if path.name != ORGANISATION}
    paths |= {
        f"{_CALENDARS}{path.parent.name}/{path.name}": path for path in sorted(calendars.glob("*/*.yaml"))
    }
    if not folder.is_dir():
        fault = RulebookProblem(str(folder), 1, "There is no such folder.", "Name one under rulebooks/.")
        raise RulebookRefusedError([fault])
    files = {name: _text(path) for name, path in paths.items()}
    return _edition(files, lambda name: str(paths.get(name, folder / name)))


def edition_from_files(files: Mapping[str, str]) -> Edition:
    """Build an edition from texts by name, for example ``procedures.yaml`` and ``calendars/cn/2026.yaml``.

    Raises:
        RulebookRefusedError: Names every fault with file and line.
    """
    return _edition(files, str)


def load_organisation(path: Path) -> Organisation:
    """Read the organisation that a registry is seeded with. It is no part of the edition and its hash.

    Raises:
        RulebookRefusedError: Names every fault with file and line.
    """
    branch, written = read(str(path), _text(path))
    problems = list(written)
    found: Organisation | None = None
    if not problems:
        try:
            found = Organisation.model_validate(value_of(branch))
        except ValidationError as error:
            page = Page(str(path), branch)
            problems += [say(one, page, Organisation) for one in error.errors()]
    if found is None:
        raise RulebookRefusedError(sorted(set(problems), key=_where))
    return found


def bundle(edition: Edition) -> str:
    """Return the edition's files as one text: JSON, zlib, base64."""
    packed = zlib.compress(json.dumps(dict(sorted(edition.files.items())), ensure_ascii=False).encode(), 9)
    return base64.b64encode(packed).decode()


def unbundle(text: str) -> dict[str, str]:
    """Return the files that ``bundle`` packed.

    Raises:
        RulebookRefusedError: The text is no bundle, or unpacks to more than a rulebook can be.
    """
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(base64.b64decode(text, validate=True), MOST_BUNDLED)
        files = json.loads(unpacked) if unpacker.eof else None
    except (binascii.Error, zlib.error, ValueError):
        files = None
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        fault = RulebookProblem("bundle", 1, "This is no bundle of a rulebook.", "Enact the edition again.")
        raise RulebookRefusedError([fault])
    return files


def edition_from_bundle(text: str) -> Edition:
    """Build the edition that ``bundle`` packed.

    Raises:
        RulebookRefusedError: The text is no bundle, or its rulebook has faults.
    """
    return edition_from_files(unbundle(text))


def _text(path: Path) -> str:
    """Read a file as UTF-8, no more of it than is looked at."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        if len(raw) > MOST_BYTES:
            return raw.decode("utf-8", errors="replace")
        fault = RulebookProblem(str(path), 1, "The file is not UTF-8.", "Save it as UTF-8.")
        raise RulebookRefusedError([fault]) from None


def _edition(files: Mapping[str, str], show: Show) -> Edition:
    book, written = _book(files, show)
    problems: list[RulebookProblem] = []
    slices, disorder = slices_of(book)
    problems += _shown(disorder, show)
    rules = [(slice_, _rules(slice_, problems, show)) for slice_ in slices]
    if not slices and not written:
        fault = "No entry of the rulebook says from when it holds."
        problems.append(RulebookProblem(show("rulebook.yaml"), 1, fault, "Give each entry a 'from'."))
    sound = [(slice_, valid) for slice_, valid in rules if valid is not None]
    problems += _shown(_cross_checked(sound), show)
    calendar = _calendar(files, rules, problems, show)
    if written or problems or calendar is None:
        raise RulebookRefusedError(_distinct(written, problems))
    held = tuple((slice_.first, valid) for slice_, valid in rules if valid is not None)
    head = held[-1][1].rulebook
    own = f"{_CALENDARS}{held[-1][1].calendar.national}/"
    return Edition(
        group=head.group,
        name=head.edition,
        hash=_hash(held, calendar),
        slices=held,
        calendar=calendar,
        files={
            name: text
            for name, text in files.items()
            if not name.startswith(_CALENDARS) or name.startswith(own)
        },
    )


def _book(files: Mapping[str, str], show: Show) -> tuple[dict[str, Branch], list[RulebookProblem]]:
    """Read the topics. A file that is not one of them is refused, so that no rule is left unread."""
    book: dict[str, Branch] = {}
    problems: list[RulebookProblem] = []
    for name, text in files.items():
        topic = name.removesuffix(".yaml")
        if _DAY_TABLE.fullmatch(name):
            continue
        if topic not in topics():
            known = ", ".join(f"{one}.yaml" for one in topics())
            problems.append(
                RulebookProblem(show(name), 1, "The file is no topic of a rulebook.", f"Known: {known}.")
            )
            continue
        book[topic], faults_ = read(name, text)
        problems += _shown(faults_, show)
    for topic in required_topics():
        if topic not in book:
            problems.append(
                RulebookProblem(
                    show(f"{topic}.yaml"), 1, "The file is missing.", "Write it; see rulebooks/README.md."
                )
            )
    return book, problems


def _rules(slice_: Slice, problems: list[RulebookProblem], show: Show) -> Rules | None:
    for topic, page in slice_.pages.items():
        problems += _shown(misplaced_truths(page, topics()[topic]), show)
    if any(topic not in slice_.pages for topic in required_topics()):
        return None
    try:
        return Rules.model_validate(slice_.plain(), by_alias=True, by_name=False)
    except ValidationError as error:
        for one in error.errors():
            topic = str(one["loc"][0])
            problems += _shown([say(one, slice_.page(topic), topics()[topic], topic)], show)
        return None


def _cross_checked(books: list[tuple[Slice, Rules]]) -> list[RulebookProblem]:
    """Return what does not fit together; a fault of some days only says from which day it is one."""
    days: dict[RulebookProblem, list[str]] = {}
    for slice_, rules in books:
        for fault in faults(rules):
            place = slice_.page(str(fault.loc[0])).place(fault.loc[1:])
            problem = RulebookProblem(place.file, place.line, fault.what, fault.mend)
            days.setdefault(problem, []).append(slice_.first.isoformat())
    return [
        problem if len(on) == len(books) else replace(problem, what=f"On {on[0]}: {problem.what}")
        for problem, on in days.items()
    ]


def _calendar(
    files: Mapping[str, str],
    rules: list[tuple[Slice, Rules | None]],
    problems: list[RulebookProblem],
    show: Show,
) -> WorkingCalendar | None:
    use = next((valid.calendar for _, valid in reversed(rules) if valid is not None), None)
    if use is None:
        return None
    refuse = partial(RulebookProblem, show("calendar.yaml"), 1)
    try:
        zone = ZoneInfo(use.zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(refuse(f"'{use.zone}' is no time zone.", "Give a name such as Asia/Shanghai."))
        return None
    faults_before = len(problems)
    years = _years(files, use.national, problems, show)
    if len(problems) > faults_before:
        return None
    if not years:
        problems.append(
            refuse(
                f"There is no day table of '{use.national}'.",
                f"Add one under rulebooks/calendars/{use.national}/.",
            )
        )
        return None
    hours: Hours = tuple((time.fromisoformat(one.opens), time.fromisoformat(one.closes)) for one in use.hours)
    try:
        return WorkingCalendar(zone, hours, tuple(years), f"calendars/{use.national}")
    except ValueError as error:
        what, _, mend = str(error).partition(". ")
        problems.append(refuse(f"{what}.", mend))
        return None


def _years(
    files: Mapping[str, str], national: str, problems: list[RulebookProblem], show: Show
) -> list[CalendarYear]:
    years: list[CalendarYear] = []
    for name in sorted(one for one in files if one.startswith(f"{_CALENDARS}{national}/")):
        branch, faults_ = read(name, files[name])
        problems += _shown(faults_, show)
        try:
            years.append(CalendarYear.model_validate(value_of(branch)))
        except ValidationError as error:
            page = Page(name, branch)
            problems += _shown([say(one, page, CalendarYear) for one in error.errors()], show)
    return years


def _hash(slices: tuple[tuple[Any, Rules], ...], calendar: WorkingCalendar) -> str:
    """Hash what the rules say, not how their files are written.

    What equals the schema's default is left out, so that a field which the vocabulary gains later leaves the
    hash of every earlier edition as it was.
    """
    return hash_of(
        {
            "slices": [[first.isoformat(), _plain(rules)] for first, rules in slices],
            "days": [_plain(year) for year in calendar.years],
        }
    )


def _plain(model: BaseModel) -> Any:  # noqa: ANN401  # plain JSON
    return plain(_without_times(model.model_dump(by_alias=True, exclude_defaults=True)))


def _without_times(value: Any) -> Any:  # noqa: ANN401  # plain JSON
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _without_times(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_without_times(inside) for inside in value]
    return value


def _shown(problems: Iterable[RulebookProblem], show: Show) -> list[RulebookProblem]:
    return [RulebookProblem(show(one.file), one.line, one.what, one.mend) for one in problems]


def _where(problem: RulebookProblem) -> tuple[str, int, str]:
    return problem.file, problem.line, problem.what


def _distinct(written: list[RulebookProblem], meant: list[RulebookProblem]) -> list[RulebookProblem]:
    """Tell each fault once. A line that is written wrongly is not also told for what it would mean."""
    lines = {(problem.file, problem.line) for problem in written}
    others = (problem for problem in meant if (problem.file, problem.line) not in lines)
    return sorted({*written, *others}, key=_where)
