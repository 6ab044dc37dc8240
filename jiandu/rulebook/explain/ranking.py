"""The words of indicators, rankings and what follows from them, in ``scoring.yaml``."""

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
    quoted,
    term,
)
from shared.rulebook.schema.group import Award, Publication, Ranking, Recommendation
from shared.rulebook.schema.scoring import Counted, Indicator, PersonalResult, Reported
from shared.timekeeping.base_types import Line


def _counted(amount: Counted | Reported, book: Book) -> Line:
    """Return what is counted."""
    if isinstance(amount, Reported):
        return line("{}数据", "the figure {}", quoted(book.name("figures", amount.figure)))
    what, when, state = term("count", amount.count), book.when(amount.when), NOTHING
    case = line("{}的", " ({})", when) if when else NOTHING
    of = line("{}", " of {}", _of(amount, book)) if amount.of else NOTHING
    if amount.is_:
        state = line("{}的", " {}", listed((term("state", one) for one in amount.is_), en=" or "))
    elif amount.of:
        state = line("的", "")
    once = line("（同一事项不重复计）", ", each matter once") if amount.once else NOTHING
    return line("{0}{1}{2}{3}数{4}", "{3}{2}{1}{0}{4}", case, of, state, what, once)


_NAMED = {
    "callbacks": "plans",
    "recalls": "plans",
    "answers": "plans",
    "duties": "obligations",
    "alerts": "alerts",
}
"""What is counted → the section that names which of them; all else is counted by clocks."""


def _of(amount: Counted, book: Book) -> Line:
    section = _NAMED.get(amount.count)
    return book.any(section, amount.of) if section else book.clocks(amount.of)


def _fraction(entry: Indicator, numerator: Counted | Reported, book: Book) -> Line:
    said, comma = _counted(numerator, book), NOTHING
    if entry.denominator:
        said, comma = line("{}除以{}", "{} over {}", said, _counted(entry.denominator, book)), line("，", ",")
    return said if entry.per == 1 else line("{}{}乘以 {}", "{}{} times {}", said, comma, entry.per)


@parts.register
def _indicator(entry: Indicator, book: Book) -> Parts:
    if entry.measure:
        yield term("indicator", entry.measure)
    elif entry.mean == "satisfaction":
        yield line("满意度平均值（5 分制）", "mean satisfaction, of five")
    elif entry.mean:
        yield line("净推荐值", "net promoter score")
    elif entry.numerator:
        yield _fraction(entry, entry.numerator, book)
    if entry.better == "high":
        yield line("越高越好", "higher is better")
    else:
        yield line("越低越好", "lower is better")
    if entry.target is not None:
        bound = line("不低于", "at least") if entry.better == "high" else line("不高于", "at most")
        yield line("目标{} {}", "target {} {}", bound, number(entry.target))
    if entry.minimum_n > 1:
        yield line("基数不足 {} 的不评", "not rated below {}", entry.minimum_n)
    if entry.counts_problem_users:
        yield line("包括问题用户", "problem users are counted")
    else:
        yield line(
            "剔除问题用户，另列含问题用户的数值",
            "problem users are left out; the figure with them stands beside",
        )


@parts.register
def _ranking(entry: Ranking, book: Book) -> Parts:
    what = "sheets" if entry.by in book.rules.scoring.sheets else "indicators"
    order = line("由低到高", "lowest first")
    if entry.order == "high-first":
        order = line("由高到低", "highest first")
    yield line(
        "{2}将各{0}按{1}{3}排序，同分并列",
        "each {} by {} {}, {}, ties shared",
        book.any("unit_kinds", entry.unit_kind),
        quoted(book.name(what, entry.by)),
        term("every", entry.every),
        order,
    )
    if entry.weights:
        weights = listed((line("{0}", "{0}", one) for one in entry.weights), "：", ":")
        yield line("各月权重 {}", "months weighed {}", weights)
    if entry.established == "whole-period":
        yield line("期内一直设立的单位参加", "of units that existed for the whole period")
    else:
        yield line("期内曾设立的单位均参加", "of units that existed on any day of the period")
    if entry.per_peers:
        yield line("各组分别排序", "each peer group for itself")
    if entry.nil == "best":
        yield line("零报告单位按最好计", "a nil return stands best")


@parts.register
def _award(entry: Award, book: Book) -> Parts:
    if entry.first:
        whom = line("前 {} 名", "the first {}", entry.first)
    elif entry.last:
        whom = line("后 {} 名", "the last {}", entry.last)
    elif entry.at_least is not None:
        whom = line("不低于 {} 的", "those of at least {}", number(entry.at_least))
    elif entry.below is not None:
        whom = line("低于 {} 的", "those below {}", number(entry.below))
    else:
        whom = line("第 {} 名", "rank {}", entry.rank)
    ranking, what = quoted(book.name("rankings", entry.ranking)), term("award", entry.what)
    yield line("{2}中{1}{0}", "{} for {} in {}", what, whom, ranking)
    if entry.paid_by:
        unit = "元" if entry.currency == "CNY" else entry.currency
        yield line(
            f"金额 {{}} {unit}，由{{}}支付",
            f"{entry.currency} {{}}, paid by {{}}",
            entry.amount,
            entry.paid_by,
        )
        if entry.ties == "each":
            yield line("并列的各得全额", "each of a tie gets all of it")
        else:
            yield line("并列的平分", "a tie shares it")


@parts.register
def _recommendation(entry: Recommendation, book: Book) -> Parts:
    yield line(
        "{2}连续 {0} 个月低于 {1} 分的：{3}",
        "after {} months running below {} on {}: {}",
        entry.months_running,
        entry.below,
        quoted(book.name("sheets", entry.sheet)),
        line(entry.text.zh.rstrip("。"), entry.text.en.rstrip(".")),
    )


@parts.register
def _personal(entry: PersonalResult, book: Book) -> Parts:
    role = book.name("roles", entry.role)
    yield line("{}的月度成绩由下列部分组成", "the monthly result of the {}, in parts", role)
    for part, weight in entry.parts.items():
        by = line("有权考评者", "whoever may assess")
        if part in entry.by:
            by = book.any("roles", entry.by[part])
        said = (line("占 {}%", "{}%", weight), line("由{}评定", "given by the {}", by))
        yield Under(line(part, part), said)


@parts.register
def _publication(entry: Publication, book: Book) -> Parts:
    to, due = book.name("roles", entry.to), due_by(entry.due, "month")
    yield line("应于{1}送达{0}", "to the {} {}", to, due)
    shown = [book.name("sheets", key) for key in entry.sheets]
    shown += [book.name("indicators", key) for key in entry.indicators]
    if shown:
        yield line("内容为{}", "with {}", all_of(shown))
