"""The words of ``obligations.yaml`` and ``scoring.yaml``: what comes round, and how facts become points."""

from collections.abc import Iterator, Mapping
from functools import singledispatch

from pydantic import BaseModel

from jiandu.rulebook_explain.words import (
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
from shared.rulebook.parts import Line
from shared.rulebook.schema.group import Award, Publication, Ranking, Recommendation
from shared.rulebook.schema.obligations import (
    FigureKind,
    FindingKind,
    Inspection,
    Norm,
    Obligation,
    Roster,
)
from shared.rulebook.schema.scoring import (
    ByIndicator,
    CallbackFault,
    Counted,
    DoneShare,
    FailedAspect,
    Found,
    IncompleteRecord,
    Indicator,
    Item,
    Method,
    MissedDeadline,
    MissingElement,
    ObligationFault,
    ObservedMean,
    Offence,
    OfMatter,
    PersonalResult,
    Praise,
    Reported,
    ReportNotSent,
    Sheet,
)


@parts.register
def _obligation(entry: Obligation, book: Book) -> Parts:
    who, due, every = book.any("unit", entry.owed_by), due_by(entry.due, entry.every), PERIODS[entry.every]
    about = book.any("unit", entry.about) if entry.about else None
    times = line(f" {entry.times} 次", f" {entry.times} times") if entry.times > 1 else line("", "")
    yield line(
        f"{who.zh}{f'对每个{about.zh}' if about else ''}{every.zh}{times.zh}，应于{due.zh}完成",
        f"owed by each {who.en}{f' about each {about.en}' if about else ''} {every.en}{times.en}, {due.en}",
    )
    if entry.done_by == "inspection":
        one = quoted(book.name("inspection", entry.inspection))
        yield line(f"以{one.zh}的检查记录为完成", f"fulfilled by the inspection {one.en}")
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


# --- indicators and ranks

_READY = {
    "satisfaction": line("满意答复数占有效答复数的比例", "satisfied answers of all answers"),
    "record-completeness": line("记录完整的事项占登记事项的比例", "complete records of all registered"),
    "on-time": line("按期完成的步骤占应完成步骤的比例", "deadlines met of all deadlines"),
    "complaint-count": line("计入投诉的事项件数", "number of matters that count as complaints"),
    "callback-coverage": line("已回访数占应回访数的比例", "callbacks attempted of all that were due"),
    "first-response": line("首次答复客户的按期比例", "first answers in time of all"),
}
_COUNTS: Mapping[str, Line] = {
    "matters": line("登记的事项", "matters registered"),
    "record-fields": line("记录项", "fields of records"),
    "findings": line("认定件", "findings"),
    "clocks": line("办理次", "clocks"),
    "resolutions": line("解决件", "resolutions"),
    "closings": line("办结件", "closings"),
    "reopenings": line("重新办理件", "re-openings"),
    "transfers": line("转办件", "transfers"),
    "withdrawals": line("撤回件", "withdrawals"),
    "escalations": line("升级次", "escalations"),
    "extensions": line("延期次", "extensions"),
    "callbacks": line("回访任务", "callbacks due"),
    "answers": line("回访答复", "answers"),
    "recalls": line("复访", "second calls"),
    "appeals": line("申诉件", "appeals"),
    "duties": line("定期工作", "duties"),
    "alerts": line("提醒次", "alerts"),
}
_STATES: Mapping[str, Line] = {
    "complete": line("完整", "complete"),
    "filled": line("已填", "filled"),
    "in-time": line("按期", "in time"),
    "missed": line("逾期", "missed"),
    "attempted": line("已拨打", "attempted"),
    "completed": line("成功", "completed"),
    "unreachable": line("未接通", "unreachable"),
    "satisfied": line("满意", "satisfied"),
    "solved": line("已解决", "solved"),
    "agreeing": line("一致", "agreeing"),
    "upheld": line("成立", "upheld"),
    "done": line("已完成", "done"),
    "nil": line("零报告", "nil returns"),
}


def counted(amount: Counted | Reported, book: Book) -> Line:
    """Return what is counted."""
    if isinstance(amount, Reported):
        one = quoted(book.name("figure", amount.figure))
        return line(f"{one.zh}数据", f"the figure {one.en}")
    said = _COUNTS[amount.count]
    case = book.when(amount.when)
    named = _named(amount, book)
    state = [_STATES[one] for one in amount.is_]
    zh = f"{'、'.join(one.zh for one in state)}的" if state else "的" * bool(named.zh)
    en = f" {' or '.join(one.en for one in state)}" if state else ""
    return line(
        f"{f'{case.zh}的' if case else ''}{named.zh}{zh}{said.zh}数",
        f"{said.en}{en}{f' of {named.en}' if named.en else ''}{f' ({case.en})' if case else ''}",
    )


_NAMED = {
    "callbacks": "plan",
    "recalls": "plan",
    "answers": "plan",
    "duties": "obligation",
    "alerts": "alert",
}


def _named(amount: Counted, book: Book) -> Line:
    if not amount.of:
        return line("", "")
    if amount.count in _NAMED:
        return book.any(_NAMED[amount.count], amount.of)
    return book.clocks(amount.of)


@parts.register
def _indicator(entry: Indicator, book: Book) -> Parts:
    if entry.measure:
        yield _READY[entry.measure]
    elif entry.mean:
        yield (
            line("满意度平均值（5 分制）", "mean satisfaction, of five")
            if entry.mean == "satisfaction"
            else line("净推荐值", "net promoter score")
        )
    elif entry.numerator:
        above = counted(entry.numerator, book)
        if entry.denominator:
            below = counted(entry.denominator, book)
            per = line(f"，乘以 {entry.per}", f", times {entry.per}") if entry.per != 1 else line("", "")
            yield line(f"{above.zh}除以{below.zh}{per.zh}", f"{above.en} over {below.en}{per.en}")
        else:
            yield (
                line(above.zh, above.en)
                if entry.per == 1
                else line(f"{above.zh}乘以 {entry.per}", f"{above.en} times {entry.per}")
            )
    if entry.better == "high":
        yield line("越高越好", "higher is better")
    else:
        yield line("越低越好", "lower is better")
    if entry.target is not None:
        bound = line("不低于", "at least") if entry.better == "high" else line("不高于", "at most")
        yield line(f"目标{bound.zh} {number(entry.target)}", f"target {bound.en} {number(entry.target)}")
    if entry.minimum_n > 1:
        yield line(f"基数不足 {entry.minimum_n} 的不评", f"not rated below {entry.minimum_n}")
    if entry.counts_problem_users:
        yield line("包括问题用户", "problem users are counted")
    else:
        yield line(
            "剔除问题用户，另列含问题用户的数值",
            "problem users are left out; the figure with them stands beside",
        )


_EVERY = {
    "month": line("每月", "every month"),
    "quarter": line("每季度", "every quarter"),
    "year": line("每年", "every year"),
}


@parts.register
def _ranking(entry: Ranking, book: Book) -> Parts:
    what = "sheet" if entry.by in book.rules.scoring.sheets else "indicator"
    by, of, every = quoted(book.name(what, entry.by)), book.any("unit", entry.unit_kind), _EVERY[entry.every]
    order = (
        line("由高到低", "highest first") if entry.order == "high-first" else line("由低到高", "lowest first")
    )
    yield line(
        f"{every.zh}将各{of.zh}按{by.zh}{order.zh}排序，同分并列",
        f"each {of.en} by {by.en} {every.en}, {order.en}, ties shared",
    )
    if entry.weights:
        weights = "：".join(map(str, entry.weights))
        yield line(f"各月权重 {weights}", f"months weighed {weights.replace('：', ':')}")
    if entry.established == "whole-period":
        yield line("期内一直设立的单位参加", "of units that existed for the whole period")
    else:
        yield line("期内曾设立的单位均参加", "of units that existed on any day of the period")
    if entry.per_peers:
        yield line("各组分别排序", "each peer group for itself")
    if entry.nil == "best":
        yield line("零报告单位按最好计", "a nil return stands best")


_WHAT = {
    "award": line("给予奖励", "an award"),
    "penalty": line("给予处罚", "a penalty"),
    "red-list": line("列入红榜", "the red list"),
    "black-list": line("列入黑榜", "the black list"),
}


@parts.register
def _award(entry: Award, book: Book) -> Parts:
    ranking, what = quoted(book.name("ranking", entry.ranking)), _WHAT[entry.what]
    if entry.first:
        whom = line(f"前 {entry.first} 名", f"the first {entry.first}")
    elif entry.last:
        whom = line(f"后 {entry.last} 名", f"the last {entry.last}")
    elif entry.at_least is not None:
        whom = line(f"不低于 {number(entry.at_least)} 的", f"those of at least {number(entry.at_least)}")
    elif entry.below is not None:
        whom = line(f"低于 {number(entry.below)} 的", f"those below {number(entry.below)}")
    else:
        whom = line(f"第 {entry.rank} 名", f"rank {entry.rank}")
    yield line(f"{ranking.zh}中{whom.zh}{what.zh}", f"{what.en} for {whom.en} in {ranking.en}")
    if entry.paid_by:
        unit = "元" if entry.currency == "CNY" else f" {entry.currency}"
        yield line(
            f"金额 {entry.amount} {unit.strip()}，由{entry.paid_by.zh}支付",
            f"{entry.currency} {entry.amount}, paid by {entry.paid_by.en}",
        )
        if entry.ties == "each":
            yield line("并列的各得全额", "each of a tie gets all of it")
        else:
            yield line("并列的平分", "a tie shares it")


@parts.register
def _recommendation(entry: Recommendation, book: Book) -> Parts:
    sheet = quoted(book.name("sheet", entry.sheet))
    yield line(
        f"{sheet.zh}连续 {entry.months_running} 个月低于 {entry.below} 分的：{entry.text.zh.rstrip('。')}",
        f"after {entry.months_running} months running below {entry.below} on {sheet.en}: {entry.text.en.rstrip('.')}",
    )


@parts.register
def _personal(entry: PersonalResult, book: Book) -> Parts:
    role = book.name("role", entry.role)
    yield line(f"{role.zh}的月度成绩由下列部分组成", f"the monthly result of the {role.en}, in parts")
    for part, weight in entry.parts.items():
        by = (
            book.any("role", entry.by[part]) if part in entry.by else line("有权考评者", "whoever may assess")
        )
        yield Under(
            line(part, part),
            (line(f"占 {weight}%", f"{weight}%"), line(f"由{by.zh}评定", f"given by the {by.en}")),
        )


@parts.register
def _publication(entry: Publication, book: Book) -> Parts:
    to, due = book.name("role", entry.to), due_by(entry.due, "month")
    yield line(f"应于{due.zh}送达{to.zh}", f"to the {to.en} {due.en}")
    shown = [book.name("sheet", key) for key in entry.sheets]
    shown += [book.name("indicator", key) for key in entry.indicators]
    if shown:
        names = all_of(shown)
        yield line(f"内容为{names.zh}", f"with {names.en}")
