"""The words that a rulebook is told in: its own titles, lists, conditions, limits and numbers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, singledispatch
from pathlib import Path

from pydantic import BaseModel
from ruamel.yaml import YAML

from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Match, Rule, Text
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import LABELS
from shared.timekeeping.base_types import Line
from shared.timekeeping.limits import Limit, say_limit
from shared.timekeeping.periods import PeriodDue

Words = Line | Text


@dataclass(frozen=True, slots=True)
class Under:
    """A line below an entry's sentence: a step, a row, an item."""

    title: Line
    parts: tuple[Line, ...]
    source: tuple[str, ...] = ()
    level: int = 1


def line(zh: str, en: str, *said: object) -> Line:
    """Return words in both languages; each ``{}`` in them is filled with what is said, in its language.

    Example:
        >>> line("由{}办理", "by the {}", line("客服专员", "agent")).en
        'by the agent'
    """
    if said:
        zh = zh.format(*(one.zh if isinstance(one, Line | Text) else one for one in said))
        en = en.format(*(one.en if isinstance(one, Line | Text) else one for one in said))
    return Line(zh=zh, en=en)


NOTHING = line("", "")


@cache
def terms() -> Mapping[str, Mapping[str | int, Line]]:
    """Return the rulebooks' own keywords in words, by what they are keywords of."""
    read = YAML(typ="safe", pure=True).load(Path(__file__).with_name("terms.yaml").read_text("utf-8"))
    return {what: {key: line(*words) for key, words in known.items()} for what, known in read.items()}


def term(what: str, key: str | int) -> Line:
    """Return a keyword in words."""
    return terms()[what][key]


def titled(text: Text) -> Line:
    """Return a title as words."""
    return line(text.zh, text.en)


def quoted(words: Words) -> Line:
    """Put a title in quotes where it has none of its own."""
    inner = words.zh.replace("“", "‘").replace("”", "’")
    zh = words.zh if words.zh.startswith("《") and words.zh.endswith("》") else f"“{inner}”"
    return line(zh, f"'{words.en}'")


def listed(words: Iterable[Words], zh: str = "、", en: str = ", ") -> Line:
    """List words as they come."""
    every = list(words)
    return line(zh.join(one.zh for one in every), en.join(one.en for one in every))


def one_of(words: Iterable[Words]) -> Line:
    """Join words of which any one is meant."""
    return _joined(words, "或", "or")


def all_of(words: Iterable[Words]) -> Line:
    """Join words that are all meant."""
    return _joined(words, "和", "and")


def _joined(words: Iterable[Words], zh: str, en: str) -> Line:
    """List each word once, the last one after a conjunction."""
    every = list({(one.zh, one.en): one for one in words}.values())
    if len(every) <= 1:
        return listed(every)
    return line(f"{{}}{zh}{{}}", f"{{}} {en} {{}}", listed(every[:-1]), every[-1])


def in_turn(chain: list[Words]) -> Line:
    """Say who signs, one after another."""
    who = listed(chain, en=", the ")
    return line("依次由{}", "in turn by the {}", who) if len(chain) > 1 else line("由{}", "by the {}", who)


def number(value: Decimal | int) -> str:
    """Show a number without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Decimal) -> str:
    """Show a share."""
    return f"{number(value * 100)}%"


def points(value: Decimal) -> Line:
    """Show what an offence costs, or brings."""
    amount = number(abs(value))
    unit = "point" if abs(value) == 1 else "points"
    return line(
        f"{'扣' if value < 0 else '加'} {amount} 分",
        f"{'costs' if value < 0 else 'brings'} {amount} {unit}",
    )


# --- time


def span(limit: Limit) -> Line:
    """Show a limit as a length of time."""
    first, *more = say_limit(limit)
    zh, en = first.zh.removeprefix("限").strip(), first.en.removeprefix("within ")
    length = line(f" {zh}" if zh[0].isdigit() else zh, en)
    return line("{}（{}）", "{} ({})", length, listed(more, zh="，")) if more else length


def within(limit: Limit) -> Line:
    """Show a limit as the time that is given."""
    if limit.shorter_of:
        each = listed(map(within, limit.parts))
        return line("{}（以先届满者为准）", "{} (whichever ends first)", each)
    if limit.until:
        return line("{}前", "before {}", moment(limit.until))
    if limit.same_day:
        return line("当日 24:00 前", "by the end of the day")
    length = span(limit)
    zh, bracket, more = length.zh.partition("（")
    return line(f"{zh}内{bracket}{more}", f"within {length.en}")


def due_by(due: PeriodDue, every: str) -> Line:
    """Show by when a periodic duty is due."""
    if due.weekday:
        said = line("当周{} 24:00 前", "by the end of {}", term("weekday", due.weekday))
    elif due.day:
        month = term(f"{due.month}-month", every)
        said = line("{0} {1} 日前（含当日）", "by day {1} of {0}", month, due.day)
    else:
        said = line("{}前", "by {}", term("period-end", every))
    if due.roll_forward:
        zh = f"{said.zh.removesuffix('（含当日）')}（含当日，遇节假日顺延）"
        said = line(zh, f"{said.en}, moved on from days off")
    return said


_NOUNS = {
    "receipt": "receipt",
    "registration": "registration",
    "graded": "the grading",
    "finding": "the finding",
    "flagged": "the flag",
    "works-start": "the start of works",
    "settlement": "the settlement",
    "approval": "the approval",
    "closing": "closing",
    "resolution": "the resolution",
}
"""What a case's clocks call a happening, as English sentences need it."""


def moment(key: str) -> Line:
    """Return a moment of a case, or its key where it is none that is the same for every case."""
    if key in _NOUNS:
        return line(LABELS[key].zh, _NOUNS[key])
    return terms()["moment"].get(key, line(key, key))


class Book:
    """The titles of one day's rules, by the section that bears them: ``roles``, ``kinds``, ``sheets``."""

    def __init__(self, rules: Rules) -> None:
        """Gather the titles."""
        self.rules = rules
        kinds, tables = rules.rights.unit_kinds.values(), rules.limits.tables.values()
        self._titles: dict[str, Mapping[str | int, Words]] = {
            section: {key: one.title for key, one in entries.items() if isinstance(one, Rule)}
            for _, topic in rules
            for section, entries in topic
            if isinstance(entries, Mapping)
        }
        self._titles["rights"] = terms()["right"]
        self._titles["items"] = {key: row.title for table in tables for key, row in table.rows.items()}
        self._titles["peers"] = {key: text for kind in kinds for key, text in kind.peers.items()}

    def name(self, what: str, key: str) -> Words:
        """Return the title of one thing, or its key where nothing bears it."""
        return self._titles[what].get(key, line(key, key))

    def any(self, what: str, keys: Iterable[str]) -> Line:
        """Return titles of which any one is meant."""
        return one_of(self.name(what, key) for key in keys)

    def all(self, what: str, keys: Iterable[str]) -> Line:
        """Return titles that are all meant."""
        return all_of(self.name(what, key) for key in keys)

    def clock(self, key: str) -> Line:
        """Return what a clock is called: every step, a watch, or the steps of that name."""
        if key == "steps":
            return line("任一步骤", "any step")
        if key in self.rules.procedures.watches:
            return quoted(self.name("watches", key))
        procedures = self.rules.procedures.procedures.values()
        named = [quoted(one.steps[key].title) for one in procedures if key in one.steps]
        return one_of(named) if named else line(key, key)

    def clocks(self, keys: Iterable[str]) -> Line:
        """Return clocks of which any one is meant."""
        return one_of(map(self.clock, keys))

    def when(self, match: Match) -> Line | None:
        """Return a condition as words, or None where it always holds."""
        said = [
            line(zh, en, (self.all if field == "flag" else self.any)(what, getattr(match, field)))
            for field, what, zh, en in _CONDITIONS
            if getattr(match, field)
        ]
        return line(_joined(said, "且", "").zh, listed(said).en) if said else None

    def table(self, use: TableUse) -> Line:
        """Return the limit that stands in a table."""
        names = all_of(quoted(self.name("tables", key)) for key in use.table)
        said = line("时限见{}", "limit by {}", names)
        if len(use.table) > 1:
            said = line("时限取{}中先届满者", "limit by whichever of {} ends first", names)
        return line("{}，且不迟于{}", "{}, never past {}", said, moment(use.outer)) if use.outer else said


_CONDITIONS = (
    ("kind", "kinds", "{}", "{}"),
    ("class_", "classes", "类别为{}", "of class {}"),
    ("validity", "validities", "认定为{}", "found {}"),
    ("grade", "grades", "级别为{}", "of {}"),
    ("tier", "tiers", "服务等级为{}", "of tier {}"),
    ("service", "services", "业务为{}", "about {}"),
    ("procedure", "procedures", "适用“{}”程序", "under the procedure '{}'"),
    ("item", "items", "项目为{}", "of item {}"),
    ("channel", "channels", "经由{}", "by way of {}"),
    ("way", "ways", "处理方式为{}", "settled by {}"),
    ("liable", "parties", "责任方为{}", "with {} liable"),
    ("flag", "flags", "标记为{}", "flagged {}"),
)
"""Field of a condition, section whose titles it names, and the words around them."""


Parts = Iterator[Line | Under]


@singledispatch
def parts(entry: BaseModel, book: Book) -> Parts:
    """Yield what an entry says, part by part, then the lines below it. Each class of entry has its own."""
    msg = f"{type(entry).__name__} has no words."
    raise NotImplementedError(msg)
