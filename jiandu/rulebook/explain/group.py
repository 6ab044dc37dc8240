"""The words of ``rulebook.yaml``, ``rights.yaml`` and ``intake.yaml``: who there is and what may be registered."""

from jiandu.rulebook.explain.words import Book, Parts, Under, in_turn, line, parts, quoted, span, titled
from shared.rulebook.schema import CalendarUse
from shared.rulebook.schema.group import (
    Appointment,
    Approval,
    CatalogueEntry,
    Course,
    Power,
    Role,
    Source,
    UnitKind,
)
from shared.rulebook.schema.intake import (
    Channel,
    ComplaintClass,
    Document,
    Duplicates,
    Flag,
    Grade,
    MatterKind,
    ProblemUser,
    RecordForm,
    ServiceLine,
    Tier,
)

_FILES = {
    "rulebook": line("总则", "the head"),
    "calendar": line("工作日历", "the calendar"),
    "rights": line("机构与职责", "rights"),
    "intake": line("受理", "intake"),
    "limits": line("时限表", "limits"),
    "procedures": line("处理程序", "procedures"),
    "callback": line("回访", "callback"),
    "obligations": line("定期工作", "obligations"),
    "scoring": line("考核", "scoring"),
}


def topic(name: str) -> str:
    """Return what a file holds, in Chinese."""
    return _FILES[name].zh


@parts.register
def _source(entry: Source, book: Book) -> Parts:
    del book
    issued = f"，{entry.issued_by}" if entry.issued_by else ""
    day = f"，{entry.issued_on} 印发" if entry.issued_on else ""
    yield line(
        f"《{entry.title}》{issued}{day}，见“{entry.document}”",
        f"'{entry.title}'"
        + (f" by {entry.issued_by}" if entry.issued_by else "")
        + (f" of {entry.issued_on}" if entry.issued_on else "")
        + f", in '{entry.document}'",
    )


@parts.register
def _catalogue(entry: CatalogueEntry, book: Book) -> Parts:
    del book
    yield {
        "modelled": line("本系统全部执行", "carried out in full"),
        "partly": line(f"本系统部分执行（{entry.why}）", f"carried out in part ({entry.why})"),
        "not-computable": line(f"不能由系统执行（{entry.why}）", f"not computable ({entry.why})"),
    }[entry.coverage]


@parts.register
def _calendar(entry: CalendarUse, book: Book) -> Parts:
    del book
    hours = [f"{one.opens}–{one.closes}" for one in entry.hours]
    yield line(
        f"工作日 {'、'.join(hours)}（{entry.zone} 时间）",
        f"{', '.join(hours)} of working days ({entry.zone})",
    )
    yield line(
        f"工作日和休息日按 calendars/{entry.national} 的放假安排", f"days off by calendars/{entry.national}"
    )


@parts.register
def _approval(entry: Approval, book: Book) -> Parts:
    zh, en = ("制度", "the regulation") if entry.of == "edition" else ("单位特定规范", "a unit's own norms")
    chain = [book.name("role", role) for role in entry.approves]
    yield line(
        f"{zh}由{book.name('role', entry.drafts).zh}起草，{in_turn(chain).zh}批准",
        f"{en} is drafted by the {book.name('role', entry.drafts).en} and approved {in_turn(chain).en}",
    )
    if entry.covers:
        yield line(
            f"涉及{'、'.join(_FILES[one].zh for one in entry.covers)}的修订适用本程序",
            f"for changes of {', '.join(_FILES[one].en for one in entry.covers)}",
        )
    if entry.interprets:
        one = book.name("role", entry.interprets)
        yield line(f"由{one.zh}负责解释", f"interpreted by the {one.en}")
    if entry.carries_out:
        one = book.name("role", entry.carries_out)
        yield line(f"由{one.zh}监督执行", f"carried out by the {one.en}")
    if entry.files_with:
        yield line(f"批准后报{entry.files_with}备案", f"filed with {entry.files_with}")


@parts.register
def _unit_kind(entry: UnitKind, book: Book) -> Parts:
    if entry.inside:
        above = book.any("unit", entry.inside)
        yield line(f"设在{above.zh}之下", f"lies in the {above.en}")
    else:
        yield line("最高一级机构", "the topmost kind of unit")
    if entry.ranked:
        yield line("参加考核排序", "is ranked")
    if entry.duties:
        yield line(f"职责：{entry.duties.rstrip('。')}", f"duties: {entry.duties.rstrip('。')}")
    if entry.needs_lead:
        yield line("须先指定服务负责人方可启用", "is active only once a person answers for its service")
    if entry.activated_by:
        who = book.any("role", entry.activated_by)
        yield line(f"须经{who.zh}批准方可启用", f"is active only once the {who.en} approves")
    if entry.peers:
        groups = book.all("peers", entry.peers)
        yield line(f"分为{groups.zh}等组分别考核", f"is compared within the groups {groups.en}")


@parts.register
def _role(entry: Role, book: Book) -> Parts:
    where = book.any("unit", entry.at)
    yield line(f"设于{where.zh}", f"exists at the {where.en}")
    rights = book.all("right", entry.rights)
    yield line(f"可以{rights.zh}", f"may {rights.en}")
    if entry.sees_all:
        yield line("范围为全集团", "for every unit of the group")
    else:
        yield line("范围为本单位及下属单位", "at its unit and below")
    if entry.deputies:
        who = book.any("role", entry.deputies)
        yield line(f"缺位时可由{who.zh}代理", f"may be deputised by the {who.en}")


@parts.register
def _power(entry: Power, book: Book) -> Parts:
    right = book.name("right", entry.right)
    yield line(f"客户服务机构的权限之一，由有权“{right.zh}”的人员行使", f"a power of whoever may {right.en}")
    if entry.condition:
        yield line(f"行使前须满足：{entry.condition.zh}", f"only after: {entry.condition.en}")


@parts.register
def _appointment(entry: Appointment, book: Book) -> Parts:
    role = book.any("role", entry.role)
    if entry.needs == "opinion":
        of = book.name("role", entry.of)
        yield line(
            f"任命{role.zh}前，须征求{of.zh}的意见并记录在案",
            f"before a {role.en} is appointed, the opinion of the {of.en} is asked and recorded",
        )
    else:
        of = book.name("course", entry.of)
        yield line(f"任命{role.zh}前，须通过“{of.zh}”", f"a {role.en} first passes the course '{of.en}'")


@parts.register
def _course(entry: Course, book: Book) -> Parts:
    del book
    yield line("以考试结业的培训", "a course that ends with an examination")
    if entry.valid:
        valid = span(entry.valid)
        yield line(f"成绩有效期{valid.zh}", f"a pass counts for {valid.en}")
    else:
        yield line("成绩长期有效", "a pass counts for good")


@parts.register
def _kind(entry: MatterKind, book: Book) -> Parts:
    if entry.counts_as_complaint:
        yield line("可受理的事项，计入投诉件数", "may be registered and counts as a complaint")
    else:
        yield line("可受理的事项，不计入投诉件数", "may be registered and does not count as a complaint")
    if entry.classes:
        names = book.any("class", entry.classes)
        yield line(f"分为{names.zh}", f"of class {names.en}")
    if entry.services:
        names = book.any("service", entry.services)
        yield line(f"登记时须写明业务：{names.zh}", f"its registration names a service line: {names.en}")
    if entry.moments:
        names = book.moments(entry.moments)
        yield line(f"登记时须写明{names.zh}的时间", f"its registration states when {names.en} is")
    if entry.graded:
        yield line("须认定级别，认定之前按推定级别办理", "is graded; until then the presumed grade holds")
    if entry.first_contact:
        yield line("实行首问负责，由最先受理人负责到底", "who takes it first answers for it to the end")


@parts.register
def _class(entry: ComplaintClass, book: Book) -> Parts:
    yield line("投诉类别之一，决定适用的处理程序", "a class of complaint; it chooses the procedure")
    if entry.items_from:
        table = quoted(book.name("table", entry.items_from))
        yield line(f"具体项目见{table.zh}表", f"its items stand in {table.en}")


@parts.register
def _grade(entry: Grade, book: Book) -> Parts:
    yield line(f"严重程度第 {entry.rank} 级（1 级最重）", f"rank {entry.rank}, 1 being the gravest")
    if entry.presumed:
        yield line("认定之前按此级办理", "holds until a grade is found")
    for match in entry.floor_for:
        case = book.when(match)
        if case:
            yield line(f"{case.zh}的，不得低于此级", f"what is {case.en} is at least this grave")


@parts.register
def _service(entry: ServiceLine, book: Book) -> Parts:
    del entry, book
    yield line("服务业务之一", "a line of service")


@parts.register
def _tier(entry: Tier, book: Book) -> Parts:
    case = book.when(entry.applies)
    if case:
        yield line(f"服务等级之一，适用于{case.zh}的事项", f"the tier of matters that are {case.en}")
    else:
        yield line("服务等级之一，适用于其他各等级以外的事项", "the tier of all other matters")


_TOLD = {
    "accepted": line("受理", "the acceptance"),
    "extended": line("延期", "each extension"),
    "resolved": line("解决", "the resolution"),
    "closed": line("办结", "the closing"),
    "withdrawn": line("撤回", "the withdrawal"),
}


@parts.register
def _channel(entry: Channel, book: Book) -> Parts:
    del book
    yield line("受理渠道之一", "a way in")
    if entry.about_unit:
        yield line("登记时须写明所涉单位", "its registration names the unit that it is about")
    if entry.partner:
        yield line(
            f"来件自带编号（格式 {entry.partner.number}）",
            f"brings a number of its own ({entry.partner.number})",
        )
        if entry.partner.told:
            told = [_TOLD[one] for one in entry.partner.told]
            yield line(
                f"须向来件单位反馈{'、'.join(one.zh for one in told)}情况",
                f"its sender is told of {', '.join(one.en for one in told)}",
            )


_NEEDS = {
    "must": line("必填，缺少不予登记", "required: without it nothing is registered"),
    "record": line("应填，缺少视为记录不完整", "part of a complete record"),
    "may": line("选填", "free"),
}
_FORMATS = {
    "text": line("文字", "text"),
    "phone": line("电话号码", "a telephone number"),
    "date": line("日期", "a day"),
    "number": line("数字", "a number"),
    "choice": line("选项", "a choice"),
}


@parts.register
def _form(entry: RecordForm, book: Book) -> Parts:
    kinds = book.any("kind", entry.kinds)
    yield line(
        f"登记{kinds.zh}时填写下列 {len(entry.fields)} 项", f"the {len(entry.fields)} fields of {kinds.en}"
    )
    for field in entry.fields.values():
        said = [_NEEDS[field.need], _FORMATS[field.format]]
        if field.choices:
            names = [titled(one) for one in field.choices.values()]
            said.append(line("／".join(one.zh for one in names), " / ".join(one.en for one in names)))
        else:
            said.append(line(f"不超过 {field.max_length} 字", f"at most {field.max_length} characters"))
        if field.personal:
            said.append(line("个人信息，加密保存", "personal, kept sealed"))
        yield Under(titled(field.title), tuple(said))


@parts.register
def _flag(entry: Flag, book: Book) -> Parts:
    del entry, book
    yield line("可对事项作出的标记", "a flag that a matter may be given")


@parts.register
def _problem_user(entry: ProblemUser, book: Book) -> Parts:
    del book
    where = line("在同一次接触中", " on one contact") if entry.one_contact else line("", "")
    yield line(
        f"{where.zh}有下列行为中至少 {entry.at_least} 种的客户，经提出和另一人确认后列为问题用户，"
        f"{entry.days} 日内不计入考核指标",
        f"a customer who showed at least {entry.at_least} of these{where.en}, proposed by one person and "
        f"confirmed by another, is left out of indicators for {entry.days} days",
    )
    if entry.review_days:
        yield line(f"每 {entry.review_days} 日复核一次", f"reviewed every {entry.review_days} days")
    for behaviour in entry.behaviours.values():
        yield Under(titled(behaviour), ())


@parts.register
def _duplicates(entry: Duplicates, book: Book) -> Parts:
    del book
    yield line(
        f"同一客户 {entry.within_days} 日内的相似事项提示为重复",
        f"a like matter of the same customer within {entry.within_days} days is suggested as a duplicate",
    )


_PAPERS = {
    "ledger": line("台账，每件事项一行", "a ledger with a row for each matter"),
    "matter": line("单据，每件事项一份", "a paper about each matter"),
    "customer": line("卡片，每名客户一份", "a card about each customer"),
}


@parts.register
def _document(entry: Document, book: Book) -> Parts:
    yield _PAPERS[entry.of]
    if entry.kinds:
        kinds = book.any("kind", entry.kinds)
        yield line(f"适用于{kinds.zh}", f"for {kinds.en}")
    if entry.copies > 1:
        yield line(f"一式 {entry.copies} 份", f"in {entry.copies} copies")
    if entry.signatures:
        who = book.all("party", entry.signatures)
        yield line(f"由{who.zh}签字", f"signed by the {who.en}")
    names = [titled(one.title) for one in entry.lines.values()]
    yield line(f"栏目：{'、'.join(one.zh for one in names)}", f"holds {', '.join(one.en for one in names)}")
