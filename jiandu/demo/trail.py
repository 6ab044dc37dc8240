"""One lost point, or one dissatisfied customer, followed down: card, clauses, deadline, record and log."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.tree import Tree

from jiandu.demo.bilingual import both, shown
from jiandu.demo.report import Document, Followed, Report
from shared.events.callback import CallbackCompleted
from shared.events.handling import DeadlineMissed
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules, Text
from shared.rulebook.schema.scoring import Sheet


def trail(followed: Followed, found: Report, edition: Edition) -> Tree:
    """Return a matter, with everything that led to what it cost or to its customer's answer."""
    case, rules = followed.case, edition.slices[-1][1]
    tree = Tree(_headline(followed, found, rules))
    if followed.posting:
        _explain(tree, followed.posting, rules, found)
    if followed.event:
        at = datetime.fromisoformat(followed.event["time"]).astimezone(edition.calendar.zone)
        called = CallbackCompleted.view(followed.event["data"])
        tree.add(
            both(
                f"回访 {at:%m-%d %H:%M}：满意度 {called.satisfaction} 分，由 {called.by} 拨打",
                f"called back {at:%m-%d %H:%M}: {called.satisfaction} of 5, by {called.by}",
            )
        )
    kind = rules.intake.kinds[case["kind"]].title
    fields = followed.complaint["fields"]
    tree.add(f"{kind.zh} {kind.en} · 客户 customer {fields.get('name', '')} {fields.get('phone', '')}")
    missed = followed.posting["at"] if followed.posting else ""
    evidence = ", ".join(followed.posting["evidence"]) if followed.posting else followed.complaint["number"]
    tree.add(Group(f"证据 evidence {evidence}", log(followed.history, missed, edition)))
    return tree


def _headline(followed: Followed, found: Report, rules: Rules) -> str:
    number = followed.case["number"]
    if posting := followed.posting:
        name, title = found.names[posting["unit"]], rules.scoring.offences[posting["rule"]].title
        points = shown(posting["points"])
        return both(
            f"{name.zh} {posting['month']} · {points} {title.zh} · {number}",
            f"{name.en} {posting['month']} · {points} {title.en} · {number}",
        )
    event: Any = followed.event
    name = found.names[event["unit"]]
    return both(f"{name.zh} · 客户不满意 · {number}", f"{name.en} · a dissatisfied customer · {number}")


def _explain(tree: Tree, posting: Document, rules: Rules, found: Report) -> None:
    """Say what the point is counted in, which clauses ask for it, and why the deadline was then."""
    cards = [
        card
        for card in found.months[posting["month"]].get("scorecards", ())
        if (card["sheet"], card["unit"]) == (posting["sheet"], posting["unit"])
    ]
    for card in cards:
        table = Table.grid(padding=(0, 2))
        for title, value, of in _counted(card, posting["item"], rules.scoring.sheets[card["sheet"]]):
            table.add_row(title.zh, f"[dim]{title.en}[/]", f"{shown(value)} / {shown(of)}")
        tree.add(Group("考核表 scorecard", table))
    clauses = tree.add("依据 clauses")
    known = rules.rulebook.rules
    for rule in dict.fromkeys(", ".join(posting["clauses"]).split(", ")):
        clauses.add(both(f"{rule} {known[rule].zh}", known[rule].en) if rule in known else rule)
    if posting["explanation_zh"]:
        why = tree.add("期限说明 why it was due then")
        for zh, en in zip(posting["explanation_zh"], posting["explanation_en"], strict=True):
            why.add(both(zh, en))


def _counted(card: Document, key: str, sheet: Sheet) -> Iterator[tuple[Text, str, str]]:
    """Give the total of the card, the section and the item that a point was lost from: title, points, of how many."""
    yield sheet.title, card["total"], card["of"]
    for section in card["sections"]:
        titles = sheet.sections[section["key"]]
        for item in section["parts"]:
            if item["key"] == key:
                yield titles.title, section["value"], section["of"]
                yield titles.items[key].title, item["value"], item["of"]


def log(history: Sequence[Document], at: str, edition: Edition) -> Table:
    """Show every entry of a case in the log; the deadline that was missed ``at`` a moment stands out."""
    table = Table.grid(padding=(0, 2))
    for entry in history:
        when = f"{datetime.fromisoformat(entry['time']).astimezone(edition.calendar.zone):%m-%d %H:%M}"
        is_it = entry["type"] == DeadlineMissed.TYPE and entry["time"] == at
        place = f"#{entry['sequence']} {entry['hash'][:8]}"
        table.add_row(when, entry["type"], _said(entry), place, style="red" if is_it else "dim")
    return table


def _said(entry: Document) -> str:
    data = entry["data"]
    words = [str(data[key]) for key in ("step", "clock", "validity", "way", "by") if data.get(key)]
    return " ".join(dict.fromkeys(words))
