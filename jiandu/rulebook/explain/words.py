"""The words that a rulebook is told in: its own titles, lists, conditions, limits and numbers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatch

from pydantic import BaseModel

from shared.rulebook.schema import Rules
from shared.rulebook.schema.base import Match, Text
from shared.rulebook.schema.procedures import TableUse
from shared.rulebook.steps import LABELS
from shared.timekeeping.base_types import Line
from shared.timekeeping.limits import Limit, say_limit
from shared.timekeeping.periods import PeriodDue


@dataclass(frozen=True, slots=True)
class Under:
    """A line below an entry's sentence: a step, a row, an item."""

    title: Line
    parts: tuple[Line, ...]
    source: tuple[str, ...] = ()
    level: int = 1


def line(zh: str, en: str) -> Line:
    """Return words in both languages."""
    return Line(zh=zh, en=en)


def titled(text: Text) -> Line:
    """Return a title as words."""
    return line(text.zh, text.en)


def quoted(words: Line) -> Line:
    """Put a title in quotes where it has none of its own."""
    inner = words.zh.replace("“", "‘").replace("”", "’")
    zh = words.zh if words.zh.startswith("《") and words.zh.endswith("》") else f"“{inner}”"
    return line(zh, f"'{words.en}'")


def one_of(words: Iterable[Line]) -> Line:
    """Join words of which any one is meant."""
    return _joined(list(dict.fromkeys((one.zh, one.en) for one in words)), "或", "or")


def all_of(words: Iterable[Line]) -> Line:
    """Join words that are all meant."""
    return _joined(list(dict.fromkeys((one.zh, one.en) for one in words)), "和", "and")


def _joined(words: list[tuple[str, str]], zh: str, en: str) -> Line:
    if len(words) <= 1:
        return line(*words[0]) if words else line("", "")
    *first, last = words
    return line(
        "、".join(one for one, _ in first) + zh + last[0],
        ", ".join(one for _, one in first) + f" {en} " + last[1],
    )


def in_turn(chain: list[Line]) -> Line:
    """Say who signs, one after another."""
    zh, en = "、".join(one.zh for one in chain), ", ".join(f"the {one.en}" for one in chain)
    return line(f"依次由{zh}", f"in turn by {en}") if len(chain) > 1 else line(f"由{zh}", f"by {en}")


def _together(zh: list[str]) -> str:
    return f"{'、'.join(zh[:-1])}且{zh[-1]}" if len(zh) > 1 else zh[0]


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
    zh = f" {zh}" if zh[0].isdigit() else zh
    if not more:
        return line(zh, en)
    return line(f"{zh}（{'，'.join(one.zh for one in more)}）", f"{en} ({', '.join(one.en for one in more)})")


def within(limit: Limit) -> Line:
    """Show a limit as the time that is given."""
    if limit.shorter_of:
        each = [within(part) for part in limit.parts]
        return line(
            f"{'、'.join(one.zh for one in each)}（以先届满者为准）",
            f"{', '.join(one.en for one in each)} (whichever ends first)",
        )
    if limit.until:
        moment = MOMENTS.get(limit.until, line(limit.until, limit.until))
        return line(f"{moment.zh}前", f"before {moment.en}")
    if limit.same_day:
        return line("当日 24:00 前", "by the end of the day")
    length = span(limit)
    zh, bracket, more = length.zh.partition("（")
    return line(f"{zh}内{bracket}{more}", f"within {length.en}")


PERIODS: Mapping[str, Line] = {
    "week": line("每周", "every week"),
    "month": line("每月", "every month"),
    "quarter": line("每季度", "every quarter"),
    "year": line("每年", "every year"),
}
_ENDS = {
    "week": ("本周末", "the end of the week", "", "", "", ""),
    "month": ("当月末", "the end of the month", "当月", "that month", "次月", "the next month"),
    "quarter": (
        *("当季末", "the end of the quarter"),
        *("季末月", "its last month", "下季首月", "the month after"),
    ),
    "year": ("当年末", "the end of the year", "12 月", "December", "次年 1 月", "January of the next year"),
}
_WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def due_by(due: PeriodDue, every: str) -> Line:
    """Show by when a periodic duty is due."""
    end_zh, end_en, same_zh, same_en, next_zh, next_en = _ENDS[every]
    if due.weekday:
        said = line(
            f"当周{_WEEKDAYS[due.weekday - 1]} 24:00 前", f"by the end of {_WEEKDAYS_EN[due.weekday - 1]}"
        )
    elif due.day and due.month == "next":
        said = line(f"{next_zh} {due.day} 日前（含当日）", f"by day {due.day} of {next_en}")
    elif due.day:
        said = line(f"{same_zh} {due.day} 日前（含当日）", f"by day {due.day} of {same_en}")
    else:
        said = line(f"{end_zh}前", f"by {end_en}")
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

MOMENTS: Mapping[str, Line] = {
    **{key: line(LABELS[key].zh, noun) for key, noun in _NOUNS.items()},
    "first-step": line("首个步骤完成", "the first step"),
    "first-answer": line("首次答复客户", "the first answer"),
    "record-complete": line("记录填写完整", "the complete record"),
    "acceptance": line("客户验收", "the acceptance"),
    "handover": line("交房", "handover"),
    "warranty": line("保修期满", "the end of the warranty"),
}
"""Moments of a case."""

RIGHTS: Mapping[str, Line] = {
    "accounts.manage": line("管理账号", "manage accounts"),
    "assessments.record": line("登记人员考评", "record assessments of persons"),
    "callbacks.call": line("进行回访", "make callbacks"),
    "callbacks.read": line("查看回访", "read callbacks"),
    "campaigns.run": line("开展专项访谈", "run surveys"),
    "cases.appeal": line("提出申诉", "appeal"),
    "cases.approve": line("审批处理意见", "approve"),
    "cases.find": line("作出认定", "make findings"),
    "cases.handle": line("办理事项", "handle matters"),
    "cases.read": line("查看办理情况", "read cases"),
    "cases.rule": line("裁决申诉", "rule on appeals"),
    "cases.transfer": line("转办事项", "transfer matters"),
    "complaints.export": line("导出台账", "export the ledger"),
    "complaints.import": line("补录和导入", "import matters"),
    "complaints.read": line("查看登记", "read registrations"),
    "complaints.register": line("登记事项", "register matters"),
    "complaints.reveal": line("查看客户个人信息", "see personal data"),
    "customers.confirm-flag": line("确认问题用户", "confirm problem users"),
    "customers.flag": line("提出问题用户", "propose problem users"),
    "customers.manage": line("管理客户档案", "keep customer files"),
    "disputes.advise": line("对争议提出建议", "advise on disputes"),
    "disputes.lodge": line("提出争议", "lodge disputes"),
    "disputes.rule": line("裁决争议", "rule on disputes"),
    "editions.approve": line("批准制度", "approve editions"),
    "editions.propose": line("提出制度修订", "propose editions"),
    "figures.report": line("填报数据", "report figures"),
    "findings.record": line("登记检查认定", "record findings of inspections"),
    "inspections.record": line("登记检查", "record inspections"),
    "operations.manage": line("维护系统", "operate the system"),
    "organisation.manage": line("管理组织机构", "manage the organisation"),
    "periods.close": line("结账并公布成绩", "close and publish periods"),
    "powers.use": line("行使处理权限", "use the powers"),
    "reports.submit": line("提交报告", "submit reports"),
    "rosters.keep": line("安排值班", "keep rosters"),
    "scores.read": line("查看成绩", "read scores"),
    "training.record": line("登记培训", "record training"),
}
"""Every right of ``rights_list``, in words."""


class Book:
    """The titles of one day's rules, by what bears them."""

    def __init__(self, rules: Rules) -> None:
        """Gather the titles."""
        self.rules = rules
        about, duties, scoring = rules.procedures, rules.obligations, rules.scoring
        self._titles: dict[str, Mapping[str, Line]] = {
            what: {key: titled(one.title) for key, one in entries.items()}
            for what, entries in (
                ("unit", rules.rights.unit_kinds),
                ("role", rules.rights.roles),
                ("course", rules.rights.courses),
                ("kind", rules.intake.kinds),
                ("class", rules.intake.classes),
                ("grade", rules.intake.grades),
                ("service", rules.intake.services),
                ("tier", rules.intake.tiers),
                ("channel", rules.intake.channels),
                ("flag", rules.intake.flags),
                ("table", rules.limits.tables),
                ("validity", about.validities),
                ("party", about.parties),
                ("paper", about.papers),
                ("procedure", about.procedures),
                ("watch", about.watches),
                ("report", about.reports),
                ("way", about.ways),
                ("escalation", about.escalations),
                ("alert", about.alerts),
                ("plan", rules.callback.plans),
                ("questionnaire", rules.callback.questionnaires),
                ("obligation", duties.obligations),
                ("inspection", duties.inspections),
                ("finding", duties.findings),
                ("figure", duties.figures),
                ("sheet", scoring.sheets),
                ("offence", scoring.offences),
                ("indicator", scoring.indicators),
                ("ranking", scoring.rankings),
            )
        }
        self._titles["item"] = {
            key: titled(row.title)
            for table in rules.limits.tables.values()
            for key, row in table.rows.items()
        }
        self._titles["right"] = RIGHTS
        self._titles["peers"] = {
            key: titled(text) for kind in rules.rights.unit_kinds.values() for key, text in kind.peers.items()
        }

    def name(self, what: str, key: str) -> Line:
        """Return the title of one thing, or its key where nothing bears it."""
        return self._titles[what].get(key, line(key, key))

    def any(self, what: str, keys: Iterable[str]) -> Line:
        """Return titles of which any one is meant."""
        return one_of(self.name(what, key) for key in keys)

    def all(self, what: str, keys: Iterable[str]) -> Line:
        """Return titles that are all meant."""
        return all_of(self.name(what, key) for key in keys)

    @staticmethod
    def moments(keys: Iterable[str]) -> Line:
        """Return moments of which any one is meant."""
        return one_of(MOMENTS.get(key, line(key, key)) for key in keys)

    def clock(self, key: str) -> Line:
        """Return what a clock is called: every step, a watch, or the steps of that name."""
        if key == "steps":
            return line("任一步骤", "any step")
        if key in self.rules.procedures.watches:
            return quoted(self.name("watch", key))
        named = [
            quoted(titled(one.steps[key].title))
            for one in self.rules.procedures.procedures.values()
            if key in one.steps
        ]
        return one_of(named) if named else line(key, key)

    def clocks(self, keys: Iterable[str]) -> Line:
        """Return clocks of which any one is meant."""
        return one_of(map(self.clock, keys))

    def when(self, match: Match) -> Line | None:
        """Return a condition as words, or None where it always holds."""
        said = [
            line(zh.format(names.zh), en.format(names.en))
            for field, what, zh, en in _CONDITIONS
            if getattr(match, field)
            for names in [(self.all if field == "flag" else self.any)(what, getattr(match, field))]
        ]
        if not said:
            return None
        return line(_together([one.zh for one in said]), ", ".join(one.en for one in said))

    def table(self, use: TableUse) -> Line:
        """Return the limit that stands in a table."""
        names = [quoted(self.name("table", key)) for key in use.table]
        said = line(f"时限见{names[0].zh}", f"limit by {names[0].en}")
        if len(names) > 1:
            each = all_of(names)
            said = line(f"时限取{each.zh}中先届满者", f"limit by whichever of {each.en} ends first")
        if use.outer:
            outer = MOMENTS[use.outer]
            said = line(f"{said.zh}，且不迟于{outer.zh}", f"{said.en}, never past {outer.en}")
        return said


_CONDITIONS = (
    ("kind", "kind", "{}", "{}"),
    ("class_", "class", "类别为{}", "of class {}"),
    ("validity", "validity", "认定为{}", "found {}"),
    ("grade", "grade", "级别为{}", "of {}"),
    ("tier", "tier", "服务等级为{}", "of tier {}"),
    ("service", "service", "业务为{}", "about {}"),
    ("procedure", "procedure", "适用“{}”程序", "under the procedure '{}'"),
    ("item", "item", "项目为{}", "of item {}"),
    ("channel", "channel", "经由{}", "by way of {}"),
    ("way", "way", "处理方式为{}", "settled by {}"),
    ("liable", "party", "责任方为{}", "with {} liable"),
    ("flag", "flag", "标记为{}", "flagged {}"),
)


Parts = Iterator[Line | Under]


@singledispatch
def parts(entry: BaseModel, book: Book) -> Parts:
    """Yield what an entry says, part by part, then the lines below it. Each class of entry has its own."""
    msg = f"{type(entry).__name__} has no words."
    raise NotImplementedError(msg)
