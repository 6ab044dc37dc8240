"""Pure: a ledger that comes in: which column holds what, and what each row says of a matter (LN-23)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.intake.domain import forms
from services.intake.domain.ledger import COLUMNS
from shared.errors import InvalidInputError, RulebookGapError
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.intake import Document, RecordForm

MOST_ROWS = 2_000
"""Of one file: what one request registers within seconds. A longer ledger comes in parts."""

MOST_FAULTS = 100
"""Listed of one file; the answer counts them all."""

Grid = Sequence[Sequence[str]]
"""A sheet's cells, trimmed, from its first row and column on."""

RulesAt = Callable[[str, datetime | None], Rules]
"""Unit as the row names it, and receipt → the rules that word the row."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be accepted: the sheet's own row, the column's heading, and why."""

    row: int
    column: str
    reason: str


class SheetRefusedError(InvalidInputError):
    """A sheet holds faults. Nothing of it was registered."""

    code = "ledger-refused"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """List the first faults; count them all."""
        self.faults = tuple(sorted(faults, key=lambda one: one.row)[:MOST_FAULTS])
        rows = len({one.row for one in faults})
        some = f" The first {MOST_FAULTS} are listed." if len(faults) > MOST_FAULTS else ""
        super().__init__(
            f"Nothing was registered. Faults: {len(faults)}, in rows: {rows}.{some} Correct them and send the file again."
        )


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a row says whose cell is empty, or whose sheet has no such column. Empty: it must say so itself."""

    kind: str = ""
    channel: str = ""
    class_: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row says, named as a registration's body names it; ``columns`` has the headings by these names."""

    row: int
    said: Mapping[str, Any]
    columns: Mapping[str, str]

    def fault(self, name: str, reason: str) -> Fault:
        """Return what is wrong with something that the row says, or does not say."""
        return Fault(self.row, self.columns.get(name, name), reason)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as read, with the faults that a registration would not find."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]


# --- columns

_SAID = (
    *("number", "unit", "kind", "class", "item", "service", "channel", "external_number", "product"),
    *("received_at", "registered_at", "handed_over_by", "flags", "handover_on"),
)
"""What a row may say besides the fields of its form."""

_FILED = ("name", "phone", "address")
_FIELD = "fields."
_TOLD = "told"
"""Of a column that shows what happened later, or that is written by hand."""

_HANDOVER = {"交房时间": "handover_on", "handed over on": "handover_on", "handover_on": "handover_on"}
"""The one thing that a registration may state and that no ledger shows."""


def _taken(takes: str) -> str:
    """Return what a ledger's column gives a registration."""
    source, _, fact = takes.partition(".")
    if source == "field" or (source == "customer" and fact in _FILED):
        return _FIELD + fact
    return fact if source == "case" and fact in _SAID else _TOLD


def _own() -> Iterator[tuple[str, Sequence[str]]]:
    """Walk the columns of the ledger as it is without a document: what each gives, and what it is called."""
    for column in COLUMNS:
        is_field = column.key in (*_FILED, "words")
        gives = _FIELD + column.key if is_field else _taken(f"case.{column.key}")
        yield ("others" if column.key == "others" else gives), (column.key, column.zh, column.en)


def _known(document: Document | None, rules: Rules) -> dict[str, str]:
    """Return heading → what its column gives. A document's own headings come first, those of forms last."""
    known: dict[str, str] = {}

    def know(gives: str, names: Sequence[str]) -> None:
        for name in names:
            known.setdefault(_plain(name), gives)

    for key, line in document.lines.items() if document else ():
        know(_taken(line.takes), (key, line.title.zh, line.title.en))
    for gives, names in _own():
        if not document or gives != _TOLD:
            know(gives, names)
    for name, gives in _HANDOVER.items():
        know(gives, [name])
    for form in rules.intake.forms.values():
        for key, one in form.fields.items():
            # Two forms may call different fields by one name; the row's own form decides.
            for name in (key, one.title.zh, one.title.en):
                know(_FIELD + name, [name])
    return known


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class _Headed:
    """A sheet's columns and where its rows begin; positions count from nought.

    Attributes:
        columns: Position → what the column gives, and its heading.
        headings: What a column gives → its heading.
    """

    columns: Mapping[int, tuple[str, str]]
    headings: Mapping[str, str]
    first: int
    faults: tuple[Fault, ...]


def _headed(grid: Grid, known: Mapping[str, str], wanted: Mapping[str, str]) -> _Headed:
    """Find the headings; the ledger's own files have a second line of them, in English."""
    top = next((at for at, line in enumerate(grid) if any(line)), None)
    if top is None:
        raise SheetRefusedError([Fault(1, "", "the sheet is empty; its first row holds the headings")])
    columns: dict[int, tuple[str, str]] = {}
    headings: dict[str, str] = {}
    faults: list[Fault] = []
    for at, text in enumerate(grid[top]):
        gives = known.get(_plain(text)) if text else None
        if text and gives is None:
            faults.append(Fault(top + 1, text, "no such column; GET /v1/ledger gives an empty sheet"))
        elif gives in headings and gives != _TOLD:
            faults.append(Fault(top + 1, text, f"the same as '{headings[gives]}'"))
        elif gives:
            columns[at], headings[gives] = (gives, text), text
    beyond = {len(line) for line in grid if any(line[len(grid[top]) :])}
    if beyond:
        faults.append(Fault(top + 1, "", "some cells stand in columns without a heading"))
    faults += [
        Fault(top + 1, title, "needed column") for gives, title in wanted.items() if gives not in headings
    ]
    second = grid[top + 1] if top + 1 < len(grid) else ()
    again = [
        (known.get(_plain(text)), grid[top][at]) == columns.get(at) for at, text in enumerate(second) if text
    ]
    return _Headed(columns, headings, top + 2 if again and all(again) else top + 1, tuple(faults))


def _wanted(defaults: Defaults) -> dict[str, str]:
    """Return the columns that a sheet cannot do without, with their headings."""
    wanted = {"received_at": "受理时间"}
    if not defaults.kind:
        wanted["kind"] = "种类"
    if not defaults.channel:
        wanted["channel"] = "受理渠道"
    return wanted


# --- rows


def read(
    grid: Grid,
    document: Document | None,
    defaults: Defaults,
    *,
    rules: Rules,
    rules_at: RulesAt,
    zone: ZoneInfo,
) -> Sheet:
    """Return what each row says. The sheet's own faults come with it; a registration finds the others.

    Args:
        rules: The rules of today, which word the headings.

    Raises:
        SheetRefusedError: There is nothing to read: no headings, no rows, too many rows, or a wrong heading.
    """
    headed = _headed(grid, _known(document, rules), _wanted(defaults))
    lines = [(at + 1, line) for at, line in enumerate(grid) if at >= headed.first and any(line)]
    faults = list(headed.faults)
    if len(lines) > MOST_ROWS:
        faults.append(Fault(lines[MOST_ROWS][0], "", f"{len(lines)} rows; a file may have {MOST_ROWS}"))
    if not lines:
        faults.append(Fault(headed.first + 1, "", "there is no row below the headings"))
    if faults:
        raise SheetRefusedError(faults)
    kinds = document.kinds if document else ()
    readings = [_Reading(row, headed, line, defaults, zone) for row, line in lines]
    entries = tuple(one.entry(rules_at, kinds) for one in readings)
    return Sheet(entries, tuple(fault for one in readings for fault in one.faults))


@dataclass(slots=True)
class _Reading:
    """One row, being read."""

    row: int
    headed: _Headed
    line: Sequence[str]
    defaults: Defaults
    zone: ZoneInfo
    faults: list[Fault] = field(default_factory=list)

    def entry(self, rules_at: RulesAt, kinds: Sequence[str]) -> Entry:
        cells = self._cells()
        received_at = self._moment("received_at", cells, is_needed=True)
        rules = rules_at(cells.get("unit", ""), received_at)
        intake = rules.intake
        kind = _key_of(intake.kinds, cells.get("kind") or self.defaults.kind)
        if kinds and kind not in kinds:
            self._fault("kind", f"this ledger is of {' and '.join(kinds)}")
        class_ = _key_of(intake.classes, cells.get("class") or self.defaults.class_)
        channel = _key_of(intake.channels, cells.get("channel") or self.defaults.channel)
        way_in = intake.channels.get(channel)
        form = _form_of(rules, kind)
        columns = self._columns(form)
        fields = self._fields(cells, form, columns)
        said: dict[str, Any] = {
            "kind": kind,
            "channel": channel,
            "fields": fields,
            "class": class_,
            "item": _item_of(rules, class_, cells.get("item", "")),
            "service": _key_of(intake.services, cells.get("service") or self.defaults.service),
            "flags": tuple(_key_of(intake.flags, flag.strip()) for flag in _parts(cells.get("flags", ""))),
            "received_at": received_at,
            "registered_at": self._moment("registered_at", cells),
            "handover_on": self._moment("handover_on", cells),
            # The ledger shows the unit that a matter is about.
            "about_unit" if way_in and way_in.about_unit else "unit": cells.get("unit") or None,
            **{
                name: cells[name]
                for name in ("product", "handed_over_by", "external_number")
                if name in cells
            },
        }
        if form and "product" in form.fields and said.get("product"):
            fields["product"] = said.pop("product")
        return Entry(self.row, said, columns)

    def _fault(self, gives: str, reason: str) -> None:
        self.faults.append(Fault(self.row, self.headed.headings.get(gives, gives), reason))

    def _cells(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for at, (gives, heading) in self.headed.columns.items():
            text = self.line[at] if at < len(self.line) else ""
            if text and gives == _TOLD:
                reason = "shows what became of a matter, which is entered where it is handled; leave it empty"
                self.faults.append(Fault(self.row, heading, reason))
            elif text:
                found[gives] = text
        number = found.pop("number", "")
        if number and not number.isdecimal():
            self._fault(
                "number", "a matter gets its number when it is registered; leave it empty, or count the rows"
            )
        return found

    def _moment(self, gives: str, cells: Mapping[str, str], *, is_needed: bool = False) -> datetime | None:
        text = cells.get(gives, "")
        if not text:
            if is_needed:
                self._fault(gives, "needed: when any channel of the unit first had it")
            return None
        try:
            moment = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            self._fault(gives, "no moment: write it as 2026-07-31 16:05")
            return None
        if ":" not in text:
            self._fault(gives, "has no time of day: write it as text, like 2026-07-31 16:05")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)

    def _columns(self, form: RecordForm | None) -> dict[str, str]:
        """Return what a registration calls each thing → the heading under which this sheet has it."""
        found = dict(self.headed.headings)
        for gives, heading in self.headed.headings.items():
            if gives.startswith(_FIELD):
                found[_FIELD + _field_of(form, gives.removeprefix(_FIELD))] = heading
        if "unit" in found:
            found["about_unit"] = found["unit"]
        for name in form.fields if form and "others" in found else ():
            found.setdefault(_FIELD + name, found["others"])
        return found

    def _fields(
        self, cells: Mapping[str, str], form: RecordForm | None, columns: Mapping[str, str]
    ) -> dict[str, str]:
        said = [
            (_field_of(form, gives.removeprefix(_FIELD)), text)
            for gives, text in cells.items()
            if gives.startswith(_FIELD)
        ]
        fields: dict[str, str] = {}
        for name, text in (*said, *self._others(cells.get("others", ""), form)):
            column = columns.get(_FIELD + name, name)
            if name in fields:
                self.faults.append(Fault(self.row, column, f"the field '{name}' stands here twice"))
            if form and name in form.fields and form.fields[name].personal and forms.is_masked(name, text):
                reason = "masked: what was shown or exported cannot be registered; write it out"
                self.faults.append(Fault(self.row, column, reason))
            fields[name] = self._date(form, name, text)
        return fields

    @staticmethod
    def _date(form: RecordForm | None, name: str, text: str) -> str:
        """Return a day as the form writes days; a spreadsheet writes them with slashes."""
        is_day = form is not None and name in form.fields and form.fields[name].format == "date"
        return "-".join(part.zfill(2) for part in text.split("/")) if is_day else text

    def _others(self, text: str, form: RecordForm | None) -> Iterator[tuple[str, str]]:
        """Take apart what the ledger shows in one cell; a value may hold the mark between two of them."""
        found: list[tuple[str, str]] = []
        for part in _parts(text):
            name, colon, value = part.partition("：")
            key = _field_of(form, name.strip())
            if colon and form and key in form.fields:
                found.append((key, value))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}；{part}")
            else:
                self._fault("others", "write each field as 字段：内容, with ； between two")
        yield from found


def _parts(text: str) -> list[str]:
    return text.split("；") if text else []


class _Titled(Protocol):
    @property
    def title(self) -> Text: ...


def _key_of(known: Mapping[str, _Titled], text: str) -> str:
    """Return the key that a ledger's word stands for; a word that nothing is called stays as it is."""
    words = {_plain(word): key for key, one in known.items() for word in (one.title.zh, one.title.en)}
    return text if text in known else words.get(_plain(text), text)


def _item_of(rules: Rules, class_: str, text: str) -> str:
    table = rules.intake.classes[class_].items_from if class_ in rules.intake.classes else ""
    return _key_of(rules.limits.tables[table].rows, text) if table else text


def _form_of(rules: Rules, kind: str) -> RecordForm | None:
    try:
        return forms.form_for(rules, kind)
    except RulebookGapError:
        # A kind that there is not; the registration says so.
        return None


def _field_of(form: RecordForm | None, name: str) -> str:
    """Return the key of a field that a heading names in one of the forms' words."""
    return name if form is None else _key_of(form.fields, name)
