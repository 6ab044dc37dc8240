"""The words of ``limits.yaml``, ``procedures.yaml`` and ``callback.yaml``: how matters are handled."""

from collections.abc import Iterator

from jiandu.rulebook.explain.words import (
    MOMENTS,
    Book,
    Parts,
    Under,
    all_of,
    in_turn,
    line,
    number,
    one_of,
    parts,
    quoted,
    span,
    titled,
    within,
)
from shared.rulebook.schema.procedures import (
    Alert,
    Appeals,
    Determination,
    Escalation,
    Extension,
    Needs,
    Paper,
    Party,
    PauseReason,
    Procedure,
    ReportKind,
    Step,
    Table,
    Validity,
    Watch,
    Way,
)
from shared.timekeeping.base_types import Line
from shared.timekeeping.limits import Limit

_BY = {
    "item": line("项目", "item"),
    "grade": line("级别", "grade"),
    "tier": line("服务等级", "tier"),
    "service": line("业务", "service line"),
}


@parts.register
def _table(entry: Table, book: Book) -> Parts:
    by = _BY[entry.by]
    yield line(f"按{by.zh}规定时限，共 {len(entry.rows)} 项", f"{len(entry.rows)} limits by {by.en}")
    steps = [step for one in book.rules.procedures.procedures.values() for step in one.steps.items()]
    for row in entry.rows.values():
        start = _start_of_row(row.counts_from, steps, book)
        limit = within(row.limit)
        yield Under(titled(row.title), (line(f"自{start.zh}起{limit.zh}", f"{limit.en} of {start.en}"),))


def _start_of_row(key: str, steps: list[tuple[str, Step]], book: Book) -> Line:
    named = list(dict.fromkeys(quoted(titled(step.title)) for name, step in steps if name == key))
    if not named:
        return book.moments([key])
    if len(named) == 1:
        return named[0]
    return line(
        f"{named[0].zh}（其他程序为相应步骤）", f"{named[0].en} (or the like step of another procedure)"
    )


@parts.register
def _validity(entry: Validity, book: Book) -> Parts:
    del book
    yield line("认定结论之一", "what a finding may say")
    if entry.needs_reason:
        yield line("须说明理由", "with its reason")
    if entry.presumed:
        yield line("认定之前推定为此", "presumed until something is found")


@parts.register
def _party(entry: Party, book: Book) -> Parts:
    del entry, book
    yield line("可以是责任方、签字方或付款方", "may be liable, sign or pay")


@parts.register
def _paper(entry: Paper, book: Book) -> Parts:
    del entry, book
    yield line("办理步骤时所需的证明材料之一", "evidence that a step may need")


@parts.register
def _procedure(entry: Procedure, book: Book) -> Parts:
    case = book.when(entry.applies) or line("任何事项", "matter")
    if entry.overlay:
        yield line(
            f"凡{case.zh}的，在原程序之外另按下列步骤办理",
            f"for each {case.en}, these steps beside those of its procedure",
        )
    else:
        yield line(f"凡{case.zh}的，按下列步骤办理", f"for each {case.en}, these steps")
    if entry.rank:
        yield line(
            f"与其他程序同时适用时以等次高者为准（本程序为 {entry.rank}）",
            f"where another applies too, the higher rank holds (here {entry.rank})",
        )
    for step in entry.steps.values():
        yield Under(titled(step.title), tuple(_step(step, entry, book)), step.source)


def _step(step: Step, procedure: Procedure, book: Book) -> Iterator[Line]:
    case = book.when(step.when)
    if case:
        yield line(f"限于{case.zh}的", f"only where {case.en}")
    yield from _time(step, procedure, book)
    yield from _order(step, procedure)
    yield from _needs(step.needs, book)
    if step.by:
        who = book.any("role", step.by)
        yield line(f"由{who.zh}办理", f"by the {who.en}")
    if step.right:
        right = book.name("right", step.right)
        yield line(f"办理人须有权{right.zh}", f"needs the right to {right.en}")
    if step.report:
        report = quoted(book.name("report", step.report))
        yield line(f"须报送{report.zh}", f"sends {report.en}")
    if step.done_by:
        act = MOMENTS[step.done_by]
        yield line(f"{act.zh}即为完成", f"done by {act.en}")
    if step.again_on_refusal:
        yield line("结果被拒绝的，重新办理并重新计时", "starts again where the result is refused")
    if step.again_within:
        again = within(step.again_within)
        yield line(f"重新办理的，限{again.zh}", f"later rounds {again.en}")
    if step.answers:
        yield line("完成后视为已答复客户", "answers the customer")
    if step.resolves:
        yield line("完成后视为事项已解决", "resolves the matter")


def _time(step: Step, procedure: Procedure, book: Book) -> Iterator[Line]:
    start = _starts(step.after, procedure)
    if isinstance(step.within, Limit):
        limit = within(step.within)
        yield line(f"自{start.zh}起，限{limit.zh}", f"{limit.en} of {start.en}")
    elif step.within:
        said = book.table(step.within)
        yield line(
            f"自{start.zh}起，{said.zh}" if step.after else said.zh,
            f"{said.en}, from {start.en}" if step.after else said.en,
        )
    elif step.after:
        yield line(f"{start.zh}后办理", f"after {start.en}")
    if step.agreed:
        yield line("可与客户另行约定时间代替时限", "a date agreed with the customer replaces the limit")


def _starts(keys: tuple[str, ...], procedure: Procedure) -> Line:
    if not keys:
        return line("", "")
    named = one_of(_named(key, procedure) for key in keys)
    done = all(key in procedure.steps for key in keys)
    return line(f"{named.zh}完成", named.en) if done else named


def _named(key: str, procedure: Procedure) -> Line:
    if key in procedure.steps:
        return quoted(titled(procedure.steps[key].title))
    return MOMENTS.get(key, line(key, key))


def _order(step: Step, procedure: Procedure) -> Iterator[Line]:
    if step.requires:
        before = all_of(_named(key, procedure) for key in step.requires)
        yield line(f"须先完成{before.zh}", f"after {before.en} is done")
    if step.unless:
        other = one_of(_named(key, procedure) for key in step.unless)
        yield line(f"已完成{other.zh}的，免办", f"void once {other.en} is done")


def _needs(needs: Needs, book: Book) -> Iterator[Line]:
    if needs.evidence:
        papers = all_of(quoted(book.name("paper", key)) for key in needs.evidence)
        yield line(f"须备{papers.zh}", f"with {papers.en}")
    if needs.signatures:
        who = book.all("party", needs.signatures)
        yield line(f"须由{who.zh}签字", f"signed by {who.en}")
    if needs.person:
        yield line("须指定责任人", "names a person who answers for it")
    if needs.reason:
        yield line("须说明理由", "with its reason")
    if needs.item:
        yield line("须确定项目或约定日期", "names the item, or a date is agreed")


_DONE = {"first-step": "完成首个步骤", "record-complete": "将记录填写完整"}


@parts.register
def _watch(entry: Watch, book: Book) -> Parts:
    case = book.when(entry.applies)
    who = line(f"{case.zh}的，", f"for {case.en}, ") if case else line("", "")
    limit, start, stop = within(entry.within), MOMENTS[entry.after], MOMENTS[entry.stops_at]
    yield line(
        f"{who.zh}自{start.zh}起，须在{limit.zh}{_DONE.get(entry.stops_at, stop.zh)}",
        f"{who.en}{stop.en} {limit.en} of {start.en}",
    )


@parts.register
def _report(entry: ReportKind, book: Book) -> Parts:
    to = book.all("role", entry.to)
    yield line(f"报送{to.zh}", f"goes to the {to.en}")
    names = [titled(one.title) for one in entry.elements.values()]
    yield line(
        f"须包括{'、'.join(one.zh for one in names)}（共 {len(names)} 项）",
        f"holds {', '.join(one.en for one in names)}",
    )


_PAYERS = {
    "contractor": line("施工单位", "the contractor"),
    "contractor-deposit": line("施工单位保证金", "the contractor's deposit"),
    "company": line("公司", "the company"),
    "maker": line("生产厂商", "the maker"),
}


@parts.register
def _way(entry: Way, book: Book) -> Parts:
    yield line("处理方式之一", "a way to settle")
    if entry.needs_reason:
        yield line("须说明理由", "with its reason")
    if entry.needs_consent:
        yield line("须经客户同意", "with the customer's consent")
    if entry.has_amount:
        yield line("须写明金额", "with its amount")
    if entry.approvals:
        chain = [book.name("role", role) for role in entry.approvals]
        yield line(f"{in_turn(chain).zh}审批", f"approved {in_turn(chain).en}")
    if entry.up_to:
        ends = [(book.name("role", role), number(amount)) for role, amount in entry.up_to.items()]
        yield line(
            "金额" + "、".join(f"不超过 {amount} 的至{role.zh}为止" for role, amount in ends),
            "ends with " + ", ".join(f"the {role.en} up to {amount}" for role, amount in ends),
        )
    if entry.payer:
        payer = _PAYERS[entry.payer]
        yield line(f"费用由{payer.zh}承担", f"paid by {payer.en}")


@parts.register
def _escalation(entry: Escalation, book: Book) -> Parts:
    to = book.name("role", entry.to)
    yield line(f"升级第 {entry.level} 级，报{to.zh}", f"level {entry.level}, up to the {to.en}")


_HAPPENS = {
    "registered": line("登记后", "once registered"),
    "flagged": line("作出标记后", "once flagged"),
    "found": line("作出认定后", "once found"),
    "transferred": line("转办后", "once transferred"),
    "resolved": line("解决后", "once resolved"),
    "closed": line("办结后", "once closed"),
    "reopened": line("重新办理时", "once re-opened"),
}


@parts.register
def _alert(entry: Alert, book: Book) -> Parts:
    case = book.when(entry.when)
    who = line(f"{case.zh}的，", f"for {case.en}: ") if case else line("", "")
    if entry.on == "deadline":
        clocks = book.clocks(entry.clocks)
        when = line(f"{clocks.zh}到期时", f"when {clocks.en} falls due")
        if entry.before:
            early = span(entry.before)
            when = line(f"{clocks.zh}到期前{early.zh}", f"{early.en} before {clocks.en} falls due")
        if entry.after:
            late = span(entry.after)
            when = line(
                f"{clocks.zh}逾期{late.zh}仍未完成时", f"{late.en} after {clocks.en} fell due, while undone"
            )
    else:
        when = _HAPPENS[entry.on]
    does = []
    if entry.to:
        to = book.all("role", entry.to)
        does.append(line(f"自动通知{to.zh}", f"the {to.en} are told"))
    if entry.to_origin:
        does.append(line("自动回复转来的单位", "the unit that passed it on is told"))
    if entry.escalates:
        up = quoted(book.name("escalation", entry.escalates))
        does.append(line(f"自动升级至{up.zh}", f"the case goes up to {up.en}"))
    yield line(
        f"{who.zh}{when.zh}{'，并'.join(one.zh for one in does)}",
        f"{who.en}{when.en}, {' and '.join(one.en for one in does)}",
    )


@parts.register
def _determination(entry: Determination, book: Book) -> Parts:
    what = line("有效性", "the validity") if entry.of == "validity" else line("级别", "the grade")
    one, other = book.any("role", entry.proposes), book.any("role", entry.confirms)
    yield line(
        f"{what.zh}由{one.zh}提出，由{other.zh}（须为另一人）确认，确认前暂按提出的意见办理",
        f"{what.en} is proposed by the {one.en} and confirmed by another person, the {other.en}; until then "
        "it is provisional",
    )
    if entry.within:
        limit = within(entry.within)
        yield line(f"须在{limit.zh}确认", f"confirmed {limit.en}")


@parts.register
def _pause(entry: PauseReason, book: Book) -> Parts:
    if entry.steps:
        steps = book.clocks(entry.steps)
        yield line(f"{steps.zh}可因此暂停计时", f"may stop the clock of {steps.en}")
    else:
        yield line("各步骤可因此暂停计时", "may stop the clock of any step")
    if entry.needs_approval:
        yield line("须经有权审批者批准", "needs approval")
    else:
        yield line("办理人可自行决定", "the handler decides")
    if entry.longest:
        longest = span(entry.longest)
        yield line(f"最长{longest.zh}", f"for {longest.en} at most")


@parts.register
def _extension(entry: Extension, book: Book) -> Parts:
    steps, right = book.clocks(entry.steps), book.name("right", entry.right)
    yield line(
        f"{steps.zh}可以延期，最多 {entry.times} 次，由有权{right.zh}者批准",
        f"{steps.en} may get more time, at most {entry.times} times, by whoever may {right.en}",
    )
    if entry.longest:
        each = [span(one) for one in entry.longest]
        yield line(
            f"各次最长依次为{'、'.join(one.zh for one in each)}",
            f"for {', then '.join(one.en for one in each)} at most",
        )
    if entry.asked_in_time:
        yield line("须在到期前申请", "asked for before the deadline")


_CONTESTED = {
    "validity": line("有效性认定", "validity"),
    "grade": line("级别认定", "grade"),
    "responsibility": line("责任认定", "responsibility"),
    "clock": line("逾期认定", "a missed clock"),
    "callback": line("回访结果", "a callback's result"),
    "posting": line("扣分", "points"),
    "inspection": line("检查结果", "an inspection"),
    "management": line("上级的管理和支持", "the management"),
    "service-quality": line("服务质量", "service quality"),
}
_STANDING = {
    "charged-unit": line("被考核单位", "the unit that is charged"),
    "charged-person": line("被考核人", "the person who is charged"),
    "supervising-office": line("监督部门", "the office that supervises"),
    "other-side": line("客户一方", "the customer's side"),
}


@parts.register
def _appeals(entry: Appeals, book: Book) -> Parts:
    who = one_of(_STANDING[one] for one in entry.standing)
    what = (
        one_of(_CONTESTED[one] for one in entry.against)
        if entry.against
        else line("任何扣分事项", "whatever costs points")
    )
    limit = within(entry.within)
    yield line(f"{who.zh}对{what.zh}不服的，可在{limit.zh}提出", f"{who.en} may contest {what.en} {limit.en}")
    if entry.advises:
        role = book.name("role", entry.advises)
        term = within(entry.advised_within) if entry.advised_within else None
        yield line(
            f"由{role.zh}{f'在{term.zh}' if term else ''}先提出附理由的建议",
            f"the {role.en} first advises with reasons" + (f" {term.en}" if term else ""),
        )
    right = book.name("right", entry.right)
    decides = (
        book.any("role", entry.decides)
        if entry.decides
        else line(f"有权{right.zh}者", f"whoever may {right.en}")
    )
    limit = within(entry.decided_within)
    yield line(f"由{decides.zh}在{limit.zh}裁定", f"{decides.en} decides {limit.en}")
    if entry.decides:
        yield line(f"裁定人须有权{right.zh}", f"who decides has the right to {right.en}")
    if entry.next_tier:
        yield line(
            "裁定人须属于作出决定单位的上一级", "somebody of a unit above the one that made it decides"
        )
    if entry.restates:
        yield line("成立的，重新公布原月份成绩", "an upheld one restates the month itself")
    else:
        yield line("成立的，在裁定当月冲回", "an upheld one is reversed in the month of the ruling")
