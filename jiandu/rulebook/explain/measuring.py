"""The words of ``obligations.yaml`` and ``scoring.yaml``: what comes round, and how facts become points."""

from collections.abc import Iterator
from functools import singledispatch

from pydantic import BaseModel

from jiandu.rulebook.explain.words import (
    NOTHING,
    Book,
    Parts,
    Under,
    all_of,
    due_by,
    line,
    listed,
    number,
    parts,
    points,
    quoted,
    span,
    term,
    titled,
)
from shared.rulebook.schema import obligations, scoring, triggers
from shared.timekeeping.base_types import Line

DONE_BY = {"inspection": ("inspections", "以{}的检查记录为完成", "fulfilled by the inspection {}")}
"""Way in which a duty is done, where no report is handed in for it → the section that names it, and its words."""


@parts.register
def _obligation(entry: obligations.Obligation, book: Book) -> Parts:
    who, about, times = book.any("unit_kinds", entry.owed_by), NOTHING, NOTHING
    every, due = term("every", entry.every), due_by(entry.due, entry.every)
    if entry.about:
        about = line("对每个{}", " about each {}", book.any("unit_kinds", entry.about))
    if entry.times > 1:
        times = line(" {} 次", " {} times", entry.times)
    yield line("{}{}{}{}，应于{}完成", "owed by each {}{} {}{}, {}", who, about, every, times, due)
    if entry.done_by in DONE_BY:
        section, zh, en = DONE_BY[entry.done_by]
        yield line(zh, en, quoted(book.name(section, getattr(entry, entry.done_by))))
    yield line("由有权{}者办理", "by whoever may {}", book.name("rights", entry.right))
    if entry.sections:
        yield line("须包括{}", "holds {}", listed(one.title for one in entry.sections.values()))
    if entry.fields:
        yield line("须填写{}", "states {}", listed(entry.fields.values()))
    if entry.nil:
        yield line("无可报告的须作零报告", "a unit with nothing to report says so")


@parts.register
def _inspection(entry: obligations.Inspection, book: Book) -> Parts:
    by = line("由{}", " by the {}", book.name("roles", entry.by)) if entry.by else NOTHING
    yield line("{1}对{0}进行", "of each {}{}", book.any("unit_kinds", entry.of), by)
    if entry.items:
        items = listed(
            line("{}（最高 {} 分）", "{} (up to {})", one.title, number(one.most))
            for one in entry.items.values()
        )
        yield line("评分：{}", "scores {}", items)
    if entry.aspects:
        yield line("逐项检查：{}", "checks {}", listed(entry.aspects.values()))
    if entry.fields:
        yield line("须记录{}", "records {}", listed(entry.fields.values()))
    if entry.external:
        yield line("由外部机构实施", "made by an outside body")
    if entry.about_case:
        yield line("须写明所查的事项", "names the matter that is looked into")


@parts.register
def _finding(entry: obligations.FindingKind, book: Book) -> Parts:
    needs = all_of(term("stated", one) for one in entry.needs)
    yield line("检查中可作出的认定，须写明{}", "what an inspector may find, stating {}", needs)
    if entry.about_case:
        yield line("须写明所涉事项", "about a matter")


@parts.register
def _norm(entry: obligations.Norm, book: Book) -> Parts:
    yield line("服务规范之一，检查认定时据此引用", "a norm of conduct that a finding cites")


@parts.register
def _figure(entry: obligations.FigureKind, book: Book) -> Parts:
    of, every = book.any("unit_kinds", entry.of), term("every", entry.every)
    measure = term("measure", entry.measure)
    yield line("{}{}的数据，计量单位为{}", "a figure of each {} {}: {}", of, every, measure)
    if entry.by:
        yield line("由{}填报", "reported by the {}", book.any("roles", entry.by))
    if entry.counted:
        yield line(
            "由系统按期末在档客户数统计", "counted by the system: customers on file at the period's end"
        )


@parts.register
def _roster(entry: obligations.Roster, book: Book) -> Parts:
    when = line("工作时间内", "in working hours")
    if entry.covers == "always":
        when = line("全天 24 小时", "round the clock")
    of = book.any("unit_kinds", entry.of)
    yield line("{}{}须有人值班", "somebody is on duty at each {} {}", of, when)
    if entry.ahead:
        yield line("无人值班的时段提前{}提示", "a gap is told {} before", span(entry.ahead))


# --- sheets and offences


@parts.register
def _sheet(entry: scoring.Sheet, book: Book) -> Parts:
    who = line("{}", "each {}", book.any("unit_kinds", entry.unit_kind))
    if entry.peers:
        who = line("{}（{}组）", "{} of the {}", who, book.any("peers", entry.peers))
    if entry.kind == "scorecard":
        marks = number(entry.full_marks)
        yield line("每月对{}评分，满分 {} 分", "scores {} every month, {} in full", who, marks)
    else:
        yield line("每月对{}记录扣分", "lists what is taken from {} every month", who)
    if entry.cap is not None:
        yield line("合计最高 {} 分", "{} at most in all", number(entry.cap))
    for section in entry.sections.values():
        yield Under(titled(section.title), tuple(_bounds(section.weight, section.floor, section.cap)))
        for item in section.items.values():
            said = (*_bounds(item.weight, item.floor or None, item.cap), *_method(item, book))
            yield Under(titled(item.title), said, item.source, level=2)


def _bounds(weight: object, floor: object, cap: object) -> Iterator[Line]:
    yield line("{} 分", "{} points", weight)
    if floor is not None:
        yield line("最低 {} 分", "{} at least", floor)
    if cap is not None:
        yield line("最高 {} 分", "{} at most", cap)


def _method(item: scoring.Item, book: Book) -> Iterator[Line]:
    how: scoring.Method = item.how
    if isinstance(how, scoring.ObservedMean):
        yield line(
            "取当月{1}中“{0}”得分的平均，保留 {2} 位小数；未检查的记满分并注明",
            "the mean of '{}' in the month's inspections {}, to {} places; full marks where there was none",
            book.rules.obligations.inspections[how.inspection].items[how.observed].title,
            quoted(book.name("inspections", how.inspection)),
            how.decimals,
        )
    elif isinstance(how, scoring.DoneShare):
        one = quoted(book.name("obligations", how.obligation))
        yield line(
            "按{}的完成比例得分，保留 {} 位小数",
            "by the share of {} that was done, to {} places",
            one,
            how.decimals,
        )
    elif isinstance(how, scoring.ByIndicator):
        yield from _by_indicator(how, book)
    else:
        yield line("从满分中扣减，扣完为止", "full marks less what offences cost")


def _by_indicator(how: scoring.ByIndicator, book: Book) -> Iterator[Line]:
    one = quoted(book.name("indicators", how.indicator))
    if how.bands:
        bands = (
            line("达到 {1} 得 {0} 分", "{} from {}", number(band.marks), number(band.at_least))
            for band in how.bands
        )
        yield line("按{}：{}", "by {}: {}", one, listed(bands, zh="，"))
    else:
        yield line("满分乘以{}，保留 {} 位小数", "full marks × {}, to {} places", one, how.decimals)
    if how.none == "full":
        yield line("无数据的记满分", "full marks where nothing was counted")
    else:
        yield line(
            "无数据的不计，由其他各项按比例分摊", "left out where nothing was counted; the others weigh more"
        )


@parts.register
def _offence(entry: scoring.Offence, book: Book) -> Parts:
    if entry.trigger:
        cause = trigger(entry.trigger, book)
    else:
        both = all_of(quoted(book.name("offences", one)) for one in entry.with_all)
        cause = line("同时有{}的", "where there are {}", both)
    place = line("在{}", "on {}", quoted(book.name("sheets", entry.sheet)))
    sheet = book.rules.scoring.sheets.get(entry.sheet)
    for section in sheet.sections.values() if sheet else ():
        if item := section.items.get(entry.item):
            place = line("{}的“{}”项", "{}, item '{}',", place, item.title)
    if entry.forfeits:
        yield line("{}，{}扣完全部分数", "{}, {} forfeits the item", cause, place)
    else:
        yield line("{}，每次{}{}", "{}, each {} {}", cause, place, points(entry.points))
    if entry.replaces:
        others = all_of(quoted(book.name("offences", one)) for one in entry.replaces)
        yield line("同一事由不再计{}", "in place of {}", others)
    if entry.against == "department-and-person":
        yield line("计入责任部门和责任人", "charged to department and person")
    else:
        yield line("计入责任单位", "charged to the unit")


@singledispatch
def trigger(cause: BaseModel, book: Book) -> Line:
    """Return what a trigger looks for."""
    msg = f"{type(cause).__name__} has no words."
    raise NotImplementedError(msg)


@trigger.register
def _missed(cause: triggers.MissedDeadline, book: Book) -> Line:
    said = line("{}逾期", "{} is late", book.clocks(cause.clocks))
    if case := book.when(cause.when):
        said = line("{}的，{}", "for {}, {}", case, said)
    if cause.per:
        said = line("{}，每满{}计一次", "{}, for every {}", said, span(cause.per))
    if cause.most:
        said = line("{}，最多 {} 次", "{}, at most {} times", said, cause.most)
    return said


@trigger.register
def _matter(cause: triggers.OfMatter, book: Book) -> Line:
    case = book.when(cause.when) or line("事项", "a matter")
    return line("{}的，一经{}", "{}, once {}", case, term("of-matter", cause.moment))


@trigger.register
def _incomplete(cause: triggers.IncompleteRecord, book: Book) -> Line:
    return line("登记当月月末记录仍缺项的", "a record that still lacks a field at the end of its month")


@trigger.register
def _found(cause: triggers.Found, book: Book) -> Line:
    return line("检查认定{}的", "where {} is found", quoted(book.name("findings", cause.finding)))


@trigger.register
def _failed(cause: triggers.FailedAspect, book: Book) -> Line:
    one = quoted(book.name("inspections", cause.inspection))
    return line("{}中每有一项不合格的（当月每项只计一次）", "each aspect that fails in {}, once a month", one)


@trigger.register
def _missing(cause: triggers.MissingElement, book: Book) -> Line:
    return line("{}每缺一项内容的", "each element that {} lacks", quoted(book.name("reports", cause.report)))


@trigger.register
def _not_sent(cause: triggers.ReportNotSent, book: Book) -> Line:
    one = quoted(book.name("reports", cause.report))
    return line("{}到月末仍未报送的", "{} that is not sent when its month ends", one)


@trigger.register
def _duty(cause: triggers.ObligationFault, book: Book) -> Line:
    one, fault = quoted(book.name("obligations", cause.obligation)), term("fault", cause.fault)
    return line("{}{}", "{} {}", one, fault)


@trigger.register
def _uncalled(cause: triggers.CallbackFault, book: Book) -> Line:
    if not cause.plans:
        return line("未在规定期间回访的", "a callback that was not made in its window")
    return line("未在规定期间完成{}的", "no {} in its window", book.any("plans", cause.plans))


@trigger.register
def _praise(cause: triggers.Praise, book: Book) -> Line:
    named = "parties" if cause.to in book.rules.procedures.parties else "channels"
    return line("客户表扬（{}）的", "praise ({})", book.name(named, cause.to))
