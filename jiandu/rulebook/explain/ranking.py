"""The words of indicators, rankings and what follows from them, in ``scoring.yaml``."""

from collections.abc import Mapping

from jiandu.rulebook.explain.words import Book, Parts, Under, all_of, due_by, line, number, parts, quoted
from shared.rulebook.schema.group import Award, Publication, Ranking, Recommendation
from shared.rulebook.schema.scoring import Counted, Indicator, PersonalResult, Reported
from shared.timekeeping.base_types import Line

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
    once = line("（同一事项不重复计）", ", each matter once") if amount.once else line("", "")
    zh = f"{'、'.join(one.zh for one in state)}的" if state else "的" * bool(named.zh)
    en = f" {' or '.join(one.en for one in state)}" if state else ""
    return line(
        f"{f'{case.zh}的' if case else ''}{named.zh}{zh}{said.zh}数{once.zh}",
        f"{said.en}{en}{f' of {named.en}' if named.en else ''}{f' ({case.en})' if case else ''}{once.en}",
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
