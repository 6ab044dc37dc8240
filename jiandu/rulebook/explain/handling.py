"""The words of ``limits.yaml`` and ``procedures.yaml``: how matters are handled."""

from collections.abc import Iterator

from jiandu.rulebook.explain.words import (
    NOTHING,
    Book,
    Parts,
    Under,
    Words,
    all_of,
    in_turn,
    line,
    listed,
    moment,
    number,
    one_of,
    parts,
    quoted,
    span,
    term,
    titled,
    within,
)
from shared.rulebook.schema import procedures
from shared.rulebook.schema.procedures import Procedure, Step
from shared.timekeeping.base_types import Line
from shared.timekeeping.limits import Limit


@parts.register
def _table(entry: procedures.Table, book: Book) -> Parts:
    by, number_of = term("table-by", entry.by), len(entry.rows)
    yield line("按{1}规定时限，共 {0} 项", "{} limits by {}", number_of, by)
    steps = [step for one in book.rules.procedures.procedures.values() for step in one.steps.items()]
    for row in entry.rows.values():
        limit, start = within(row.limit), _start_of_row(row.counts_from, steps)
        yield Under(titled(row.title), (line("自{1}起{0}", "{} of {}", limit, start),))


def _start_of_row(key: str, steps: list[tuple[str, Step]]) -> Line:
    named = list(dict.fromkeys(quoted(step.title) for name, step in steps if name == key))
    if not named:
        return moment(key)
    if len(named) == 1:
        return named[0]
    return line("{}（其他程序为相应步骤）", "{} (or the like step of another procedure)", named[0])


@parts.register
def _validity(entry: procedures.Validity, book: Book) -> Parts:
    yield line("认定结论之一", "what a finding may say")
    if entry.needs_reason:
        yield line("须说明理由", "with its reason")
    if entry.presumed:
        yield line("认定之前推定为此", "presumed until something is found")


@parts.register
def _party(entry: procedures.Party, book: Book) -> Parts:
    yield line("可以是责任方、签字方或付款方", "may be liable, sign or pay")


@parts.register
def _paper(entry: procedures.Paper, book: Book) -> Parts:
    yield line("办理步骤时所需的证明材料之一", "evidence that a step may need")


@parts.register
def _procedure(entry: Procedure, book: Book) -> Parts:
    case = book.when(entry.applies) or line("任何事项", "matter")
    if entry.overlay:
        yield line(
            "凡{}的，在原程序之外另按下列步骤办理",
            "for each {}, these steps beside those of its procedure",
            case,
        )
    else:
        yield line("凡{}的，按下列步骤办理", "for each {}, these steps", case)
    if entry.rank:
        yield line(
            "与其他程序同时适用时以等次高者为准（本程序为 {}）",
            "where another applies too, the higher rank holds (here {})",
            entry.rank,
        )
    for step in entry.steps.values():
        yield Under(titled(step.title), tuple(_step(step, entry, book)), step.source)


def _step(step: Step, procedure: Procedure, book: Book) -> Iterator[Line]:
    if case := book.when(step.when):
        yield line("限于{}的", "only where {}", case)
    yield from _time(step, procedure, book)
    yield from _order(step, procedure)
    yield from _needs(step.needs, book)
    if step.by:
        yield line("由{}办理", "by the {}", book.any("roles", step.by))
    if step.right:
        yield line("办理人须有权{}", "needs the right to {}", book.name("rights", step.right))
    if step.report:
        yield line("须报送{}", "sends {}", quoted(book.name("reports", step.report)))
    if step.done_by:
        yield line("{}即为完成", "done by {}", moment(step.done_by))
    if step.again_on_refusal:
        yield line("结果被拒绝的，重新办理并重新计时", "starts again where the result is refused")
    if step.again_within:
        yield line("重新办理的，限{}", "later rounds {}", within(step.again_within))
    if step.answers:
        yield line("完成后视为已答复客户", "answers the customer")
    if step.resolves:
        yield line("完成后视为事项已解决", "resolves the matter")


def _time(step: Step, procedure: Procedure, book: Book) -> Iterator[Line]:
    start = _starts(step.after, procedure)
    if isinstance(step.within, Limit):
        yield line("自{1}起，限{0}", "{} of {}", within(step.within), start)
    elif step.within:
        said = book.table(step.within)
        yield line("自{1}起，{0}", "{}, from {}", said, start) if step.after else said
    elif step.after:
        yield line("{}后办理", "after {}", start)
    if step.agreed:
        yield line("可与客户另行约定时间代替时限", "a date agreed with the customer replaces the limit")


def _starts(keys: tuple[str, ...], procedure: Procedure) -> Line:
    if not keys:
        return NOTHING
    named = one_of(_named(key, procedure) for key in keys)
    return line("{}完成", "{}", named) if all(key in procedure.steps for key in keys) else named


def _named(key: str, procedure: Procedure) -> Line:
    return quoted(procedure.steps[key].title) if key in procedure.steps else moment(key)


def _order(step: Step, procedure: Procedure) -> Iterator[Line]:
    if step.requires:
        before = all_of(_named(key, procedure) for key in step.requires)
        yield line("须先完成{}", "after {} is done", before)
    if step.unless:
        other = one_of(_named(key, procedure) for key in step.unless)
        yield line("已完成{}的，免办", "void once {} is done", other)


def _needs(needs: procedures.Needs, book: Book) -> Iterator[Line]:
    if needs.evidence:
        yield line("须备{}", "with {}", all_of(quoted(book.name("papers", key)) for key in needs.evidence))
    if needs.signatures:
        yield line("须由{}签字", "signed by {}", book.all("parties", needs.signatures))
    if needs.person:
        yield line("须指定责任人", "names a person who answers for it")
    if needs.reason:
        yield line("须说明理由", "with its reason")
    if needs.item:
        yield line("须确定项目或约定日期", "names the item, or a date is agreed")


_DONE = {"first-step": "完成首个步骤", "record-complete": "将记录填写完整"}


@parts.register
def _watch(entry: procedures.Watch, book: Book) -> Parts:
    limit, start, stop = within(entry.within), moment(entry.after), moment(entry.stops_at)
    stop = line(_DONE.get(entry.stops_at, stop.zh), stop.en)
    who = NOTHING
    if case := book.when(entry.applies):
        who = line("{}的，", "for {}, ", case)
    yield line("{0}自{3}起，须在{2}{1}", "{}{} {} of {}", who, stop, limit, start)


@parts.register
def _report(entry: procedures.ReportKind, book: Book) -> Parts:
    yield line("报送{}", "goes to the {}", book.all("roles", entry.to))
    names = listed(one.title for one in entry.elements.values())
    yield line("须包括{0}（共 {1} 项）", "holds {0}", names, len(entry.elements))


@parts.register
def _way(entry: procedures.Way, book: Book) -> Parts:
    yield line("处理方式之一", "a way to settle")
    if entry.needs_reason:
        yield line("须说明理由", "with its reason")
    if entry.needs_consent:
        yield line("须经客户同意", "with the customer's consent")
    if entry.has_amount:
        yield line("须写明金额", "with its amount")
    if entry.approvals:
        chain = in_turn([book.name("roles", role) for role in entry.approvals])
        yield line("{}审批", "approved {}", chain)
    if entry.up_to:
        ends = listed(
            line("不超过 {1} 的至{0}为止", "the {} up to {}", book.name("roles", role), number(amount))
            for role, amount in entry.up_to.items()
        )
        yield line("金额{}", "ends with {}", ends)
    if entry.payer:
        yield line("费用由{}承担", "paid by {}", term("payer", entry.payer))


@parts.register
def _escalation(entry: procedures.Escalation, book: Book) -> Parts:
    to = book.name("roles", entry.to)
    yield line("升级第 {} 级，报{}", "level {}, up to the {}", entry.level, to)


@parts.register
def _alert(entry: procedures.Alert, book: Book) -> Parts:
    who = NOTHING
    if case := book.when(entry.when):
        who = line("{}的，", "for {}: ", case)
    does = []
    if entry.to:
        does.append(line("自动通知{}", "the {} are told", book.all("roles", entry.to)))
    if entry.to_origin:
        does.append(line("自动回复转来的单位", "the unit that passed it on is told"))
    if entry.escalates:
        up = quoted(book.name("escalations", entry.escalates))
        does.append(line("自动升级至{}", "the case goes up to {}", up))
    yield line("{}{}{}", "{}{}, {}", who, _alerted(entry, book), listed(does, "，并", " and "))


def _alerted(entry: procedures.Alert, book: Book) -> Line:
    """Say when an alert goes out."""
    if entry.on != "deadline":
        return term("alert-on", entry.on)
    clocks = book.clocks(entry.clocks)
    if entry.after:
        late = span(entry.after)
        return line("{1}逾期{0}仍未完成时", "{} after {} fell due, while undone", late, clocks)
    if entry.before:
        return line("{1}到期前{0}", "{} before {} falls due", span(entry.before), clocks)
    return line("{}到期时", "when {} falls due", clocks)


@parts.register
def _determination(entry: procedures.Determination, book: Book) -> Parts:
    yield line(
        "{}由{}提出，由{}（须为另一人）确认，确认前暂按提出的意见办理",
        "{} is proposed by the {} and confirmed by another person, the {}; until then it is provisional",
        line("有效性", "the validity") if entry.of == "validity" else line("级别", "the grade"),
        book.any("roles", entry.proposes),
        book.any("roles", entry.confirms),
    )
    if entry.within:
        yield line("须在{}确认", "confirmed {}", within(entry.within))


@parts.register
def _pause(entry: procedures.PauseReason, book: Book) -> Parts:
    if entry.steps:
        yield line("{}可因此暂停计时", "may stop the clock of {}", book.clocks(entry.steps))
    else:
        yield line("各步骤可因此暂停计时", "may stop the clock of any step")
    if entry.needs_approval:
        yield line("须经有权审批者批准", "needs approval")
    else:
        yield line("办理人可自行决定", "the handler decides")
    if entry.longest:
        yield line("最长{}", "for {} at most", span(entry.longest))


@parts.register
def _extension(entry: procedures.Extension, book: Book) -> Parts:
    yield line(
        "{}可以延期，最多 {} 次，由有权{}者批准",
        "{} may get more time, at most {} times, by whoever may {}",
        book.clocks(entry.steps),
        entry.times,
        book.name("rights", entry.right),
    )
    if entry.longest:
        each = listed(map(span, entry.longest), en=", then ")
        yield line("各次最长依次为{}", "for {} at most", each)
    if entry.asked_in_time:
        yield line("须在到期前申请", "asked for before the deadline")


@parts.register
def _appeals(entry: procedures.Appeals, book: Book) -> Parts:
    who = one_of(term("standing", one) for one in entry.standing)
    what = line("任何扣分事项", "whatever costs points")
    if entry.against:
        what = one_of(term("contested", one) for one in entry.against)
    limit = within(entry.within)
    yield line("{}对{}不服的，可在{}提出", "{} may contest {} {}", who, what, limit)
    if entry.advises:
        time = line("在{}", " {}", within(entry.advised_within)) if entry.advised_within else NOTHING
        role = book.name("roles", entry.advises)
        yield line("由{}{}先提出附理由的建议", "the {} first advises with reasons{}", role, time)
    right = book.name("rights", entry.right)
    decides: Words = line("有权{}者", "whoever may {}", right)
    if entry.decides:
        decides = book.any("roles", entry.decides)
    yield line("由{}在{}裁定", "{} decides {}", decides, within(entry.decided_within))
    if entry.decides:
        yield line("裁定人须有权{}", "who decides has the right to {}", right)
    if entry.next_tier:
        yield line(
            "裁定人须属于作出决定单位的上一级", "somebody of a unit above the one that made it decides"
        )
    if entry.restates:
        yield line("成立的，重新公布原月份成绩", "an upheld one restates the month itself")
    else:
        yield line("成立的，在裁定当月冲回", "an upheld one is reversed in the month of the ruling")
