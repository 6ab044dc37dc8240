"""The words of ``obligations.yaml`` and ``scoring.yaml``: what comes round, and how facts become points."""

from collections.abc import Iterator
from functools import singledispatch

from pydantic import BaseModel

from jiandu.rulebook.explain.words import (
    PERIODS,
    Book,
    Parts,
    Under,
    all_of,
    due_by,
    line,
    number,
    parts,
    points,
    quoted,
    span,
    titled,
)
from shared.rulebook.schema.obligations import (
    FigureKind,
    FindingKind,
    Inspection,
    Norm,
    Obligation,
    Roster,
)
from shared.rulebook.schema.scoring import ByIndicator, DoneShare, Item, Method, ObservedMean, Offence, Sheet
from shared.rulebook.schema.triggers import (
    CallbackFault,
    FailedAspect,
    Found,
    IncompleteRecord,
    MissedDeadline,
    MissingElement,
    ObligationFault,
    OfMatter,
    Praise,
    ReportNotSent,
)
from shared.timekeeping.base_types import Line

DONE_BY = {"inspection": line("以{}的检查记录为完成", "fulfilled by the inspection {}")}
"""Way in which a duty is done, where no report is handed in for it → its words around what does it."""


@parts.register
def _obligation(entry: Obligation, book: Book) -> Parts:
    who, due, every = book.any("unit", entry.owed_by), due_by(entry.due, entry.every), PERIODS[entry.every]
    about = book.any("unit", entry.about) if entry.about else None
    times = line(f" {entry.times} 次", f" {entry.times} times") if entry.times > 1 else line("", "")
    yield line(
        f"{who.zh}{f'对每个{about.zh}' if about else ''}{every.zh}{times.zh}，应于{due.zh}完成",
        f"owed by each {who.en}{f' about each {about.en}' if about else ''} {every.en}{times.en}, {due.en}",
    )
    if words := DONE_BY.get(entry.done_by):
        one = quoted(book.name(entry.done_by, getattr(entry, entry.done_by)))
        yield line(words.zh.format(one.zh), words.en.format(one.en))
    right = book.name("right", entry.right)
    yield line(f"由有权{right.zh}者办理", f"by whoever may {right.en}")
    if entry.sections:
        names = [titled(one.title) for one in entry.sections.values()]
        yield line(
            f"须包括{'、'.join(one.zh for one in names)}", f"holds {', '.join(one.en for one in names)}"
        )
    if entry.fields:
        names = [titled(one) for one in entry.fields.values()]
        yield line(
            f"须填写{'、'.join(one.zh for one in names)}", f"states {', '.join(one.en for one in names)}"
        )
    if entry.nil:
        yield line("无可报告的须作零报告", "a unit with nothing to report says so")


@parts.register
def _inspection(entry: Inspection, book: Book) -> Parts:
    of = book.any("unit", entry.of)
    who = book.name("role", entry.by) if entry.by else None
    yield line(
        f"{f'由{who.zh}' if who else ''}对{of.zh}进行", f"of each {of.en}{f' by the {who.en}' if who else ''}"
    )
    if entry.items:
        names = [
            line(
                f"{one.title.zh}（最高 {number(one.most)} 分）", f"{one.title.en} (up to {number(one.most)})"
            )
            for one in entry.items.values()
        ]
        yield line(
            f"评分：{'、'.join(one.zh for one in names)}", f"scores {', '.join(one.en for one in names)}"
        )
    if entry.aspects:
        names = [titled(one) for one in entry.aspects.values()]
        yield line(
            f"逐项检查：{'、'.join(one.zh for one in names)}", f"checks {', '.join(one.en for one in names)}"
        )
    if entry.fields:
        names = [titled(one) for one in entry.fields.values()]
        yield line(
            f"须记录{'、'.join(one.zh for one in names)}", f"records {', '.join(one.en for one in names)}"
        )
    if entry.external:
        yield line("由外部机构实施", "made by an outside body")
    if entry.about_case:
        yield line("须写明所查的事项", "names the matter that is looked into")


_FOUND = {
    "evidence": line("证据", "evidence"),
    "department": line("责任部门", "the department"),
    "person": line("责任人", "the person"),
    "superior": line("直接上级", "the superior"),
    "norm": line("所违反的规范", "the norm"),
}


@parts.register
def _finding(entry: FindingKind, book: Book) -> Parts:
    del book
    needs = all_of(_FOUND[one] for one in entry.needs)
    yield line(f"检查中可作出的认定，须写明{needs.zh}", f"what an inspector may find, stating {needs.en}")
    if entry.about_case:
        yield line("须写明所涉事项", "about a matter")


@parts.register
def _norm(entry: Norm, book: Book) -> Parts:
    del entry, book
    yield line("服务规范之一，检查认定时据此引用", "a norm of conduct that a finding cites")


_MEASURES = {
    "count": line("件数（个）", "a count"),
    "share": line("比例", "a share"),
    "money": line("金额（元）", "an amount of money"),
    "score": line("分数", "a score"),
}


@parts.register
def _figure(entry: FigureKind, book: Book) -> Parts:
    of, every, unit = book.any("unit", entry.of), PERIODS[entry.every], _MEASURES[entry.measure]
    yield line(
        f"{of.zh}{every.zh}的数据，计量单位为{unit.zh}", f"a figure of each {of.en} {every.en}: {unit.en}"
    )
    if entry.by:
        who = book.any("role", entry.by)
        yield line(f"由{who.zh}填报", f"reported by the {who.en}")
    if entry.counted:
        yield line(
            "由系统按期末在档客户数统计", "counted by the system: customers on file at the period's end"
        )


@parts.register
def _roster(entry: Roster, book: Book) -> Parts:
    of = book.any("unit", entry.of)
    when = (
        line("全天 24 小时", "round the clock")
        if entry.covers == "always"
        else line("工作时间内", "in working hours")
    )
    yield line(f"{of.zh}{when.zh}须有人值班", f"somebody is on duty at each {of.en} {when.en}")
    if entry.ahead:
        ahead = span(entry.ahead)
        yield line(f"无人值班的时段提前{ahead.zh}提示", f"a gap is told {ahead.en} before")


# --- sheets and offences


@parts.register
def _sheet(entry: Sheet, book: Book) -> Parts:
    of = book.any("unit", entry.unit_kind)
    peers = book.any("peers", entry.peers) if entry.peers else None
    who = line(
        f"{of.zh}{f'（{peers.zh}组）' if peers else ''}",
        f"each {of.en}{f' of the {peers.en}' if peers else ''}",
    )
    if entry.kind == "scorecard":
        yield line(
            f"每月对{who.zh}评分，满分 {number(entry.full_marks)} 分",
            f"scores {who.en} every month, {number(entry.full_marks)} in full",
        )
    else:
        yield line(f"每月对{who.zh}记录扣分", f"lists what is taken from {who.en} every month")
    if entry.cap is not None:
        yield line(f"合计最高 {number(entry.cap)} 分", f"{number(entry.cap)} at most in all")
    for section in entry.sections.values():
        yield Under(titled(section.title), tuple(_bounds(section.weight, section.floor, section.cap)))
        for item in section.items.values():
            said = (*_bounds(item.weight, item.floor or None, item.cap), *_method(item, book))
            yield Under(line(item.title.zh, item.title.en), said, item.source, level=2)


def _bounds(weight: object, floor: object, cap: object) -> Iterator[Line]:
    yield line(f"{weight} 分", f"{weight} points")
    if floor is not None:
        yield line(f"最低 {floor} 分", f"{floor} at least")
    if cap is not None:
        yield line(f"最高 {cap} 分", f"{cap} at most")


def _method(item: Item, book: Book) -> Iterator[Line]:
    how: Method = item.how
    if isinstance(how, ObservedMean):
        one = quoted(book.name("inspection", how.inspection))
        observed = titled(book.rules.obligations.inspections[how.inspection].items[how.observed].title)
        yield line(
            f"取当月{one.zh}中“{observed.zh}”得分的平均，保留 {how.decimals} 位小数；未检查的记满分并注明",
            f"the mean of '{observed.en}' in the month's inspections {one.en}, to {how.decimals} places; full marks "
            "where there was none",
        )
    elif isinstance(how, DoneShare):
        one = quoted(book.name("obligation", how.obligation))
        yield line(
            f"按{one.zh}的完成比例得分，保留 {how.decimals} 位小数",
            f"by the share of {one.en} that was done, to {how.decimals} places",
        )
    elif isinstance(how, ByIndicator):
        one = quoted(book.name("indicator", how.indicator))
        if how.bands:
            bands = [
                line(
                    f"达到 {number(one.at_least)} 得 {number(one.marks)} 分",
                    f"{number(one.marks)} from {number(one.at_least)}",
                )
                for one in how.bands
            ]
            yield line(
                f"按{one.zh}：{'，'.join(b.zh for b in bands)}",
                f"by {one.en}: {', '.join(b.en for b in bands)}",
            )
        else:
            yield line(
                f"满分乘以{one.zh}，保留 {how.decimals} 位小数",
                f"full marks × {one.en}, to {how.decimals} places",
            )
        if how.none == "full":
            yield line("无数据的记满分", "full marks where nothing was counted")
        else:
            yield line(
                "无数据的不计，由其他各项按比例分摊",
                "left out where nothing was counted; the others weigh more",
            )
    else:
        yield line("从满分中扣减，扣完为止", "full marks less what offences cost")


@parts.register
def _offence(entry: Offence, book: Book) -> Parts:
    if entry.trigger:
        cause = trigger(entry.trigger, book)
    else:
        both = all_of(quoted(book.name("offence", one)) for one in entry.with_all)
        cause = line(f"同时有{both.zh}的", f"where there are {both.en}")
    sheet = quoted(book.name("sheet", entry.sheet))
    place = line(f"在{sheet.zh}", f"on {sheet.en}")
    title = _item(entry, book)
    if title:
        place = line(f"{place.zh}的“{title.zh}”项", f"{place.en}, item '{title.en}',")
    if entry.forfeits:
        yield line(f"{cause.zh}，{place.zh}扣完全部分数", f"{cause.en}, {place.en} forfeits the item")
    else:
        cost = points(entry.points)
        yield line(f"{cause.zh}，每次{place.zh}{cost.zh}", f"{cause.en}, each {place.en} {cost.en}")
    if entry.replaces:
        others = all_of(quoted(book.name("offence", one)) for one in entry.replaces)
        yield line(f"同一事由不再计{others.zh}", f"in place of {others.en}")
    if entry.against == "department-and-person":
        yield line("计入责任部门和责任人", "charged to department and person")
    else:
        yield line("计入责任单位", "charged to the unit")


def _item(entry: Offence, book: Book) -> Line | None:
    sheet = book.rules.scoring.sheets.get(entry.sheet)
    for section in sheet.sections.values() if sheet else ():
        if entry.item in section.items:
            return titled(section.items[entry.item].title)
    return None


@singledispatch
def trigger(cause: BaseModel, book: Book) -> Line:
    """Return what a trigger looks for."""
    del book
    msg = f"{type(cause).__name__} has no words."
    raise NotImplementedError(msg)


def _of(case: Line | None) -> Line:
    return line(f"{case.zh}的，", f"for {case.en}, ") if case else line("", "")


@trigger.register
def _missed(cause: MissedDeadline, book: Book) -> Line:
    clocks, who = book.clocks(cause.clocks), _of(book.when(cause.when))
    said = line(f"{who.zh}{clocks.zh}逾期", f"{who.en}{clocks.en} is late")
    if cause.per:
        each = span(cause.per)
        said = line(f"{said.zh}，每满{each.zh}计一次", f"{said.en}, for every {each.en}")
    if cause.most:
        said = line(f"{said.zh}，最多 {cause.most} 次", f"{said.en}, at most {cause.most} times")
    return said


_MATTER = {
    "registered": line("登记", "registered"),
    "found": line("认定", "found"),
    "reopened": line("重新办理", "re-opened"),
}


@trigger.register
def _matter(cause: OfMatter, book: Book) -> Line:
    case, moment = book.when(cause.when) or line("事项", "a matter"), _MATTER[cause.moment]
    return line(f"{case.zh}的，一经{moment.zh}", f"{case.en}, once {moment.en}")


@trigger.register
def _incomplete(cause: IncompleteRecord, book: Book) -> Line:
    del cause, book
    return line("登记当月月末记录仍缺项的", "a record that still lacks a field at the end of its month")


@trigger.register
def _found(cause: Found, book: Book) -> Line:
    found = quoted(book.name("finding", cause.finding))
    return line(f"检查认定{found.zh}的", f"where {found.en} is found")


@trigger.register
def _failed(cause: FailedAspect, book: Book) -> Line:
    one = quoted(book.name("inspection", cause.inspection))
    return line(
        f"{one.zh}中每有一项不合格的（当月每项只计一次）", f"each aspect that fails in {one.en}, once a month"
    )


@trigger.register
def _missing(cause: MissingElement, book: Book) -> Line:
    one = quoted(book.name("report", cause.report))
    return line(f"{one.zh}每缺一项内容的", f"each element that {one.en} lacks")


@trigger.register
def _not_sent(cause: ReportNotSent, book: Book) -> Line:
    one = quoted(book.name("report", cause.report))
    return line(f"{one.zh}到月末仍未报送的", f"{one.en} that is not sent when its month ends")


_FAULTS = {
    "late": line("逾期的", "late"),
    "missing-section": line("每缺一部分内容的", "for each section that it lacks"),
    "incomplete": line("内容不全的", "incomplete, once"),
    "not-done": line("到月末仍未完成的", "not done when the month ended"),
}


@trigger.register
def _duty(cause: ObligationFault, book: Book) -> Line:
    one, fault = quoted(book.name("obligation", cause.obligation)), _FAULTS[cause.fault]
    return line(f"{one.zh}{fault.zh}", f"{one.en} {fault.en}")


@trigger.register
def _uncalled(cause: CallbackFault, book: Book) -> Line:
    if not cause.plans:
        return line("未在规定期间回访的", "a callback that was not made in its window")
    plans = book.any("plan", cause.plans)
    return line(f"未在规定期间完成{plans.zh}的", f"no {plans.en} in its window")


@trigger.register
def _praise(cause: Praise, book: Book) -> Line:
    known = {**book.rules.intake.channels, **book.rules.procedures.parties}
    to = titled(known[cause.to].title) if cause.to in known else line(cause.to, cause.to)
    return line(f"客户表扬（{to.zh}）的", f"praise ({to.en})")
