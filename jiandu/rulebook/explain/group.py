"""The words of ``rulebook.yaml``, ``rights.yaml`` and ``intake.yaml``: who there is and what may be registered."""

from jiandu.rulebook.explain.words import (
    NOTHING,
    Book,
    Parts,
    Under,
    in_turn,
    line,
    listed,
    moment,
    one_of,
    parts,
    quoted,
    span,
    term,
    titled,
)
from shared.rulebook.schema import CalendarUse, group, intake


@parts.register
def _source(entry: group.Source, book: Book) -> Parts:
    by = line("，{}", " by {}", entry.issued_by) if entry.issued_by else NOTHING
    day = line("，{} 印发", " of {}", entry.issued_on) if entry.issued_on else NOTHING
    yield line("《{}》{}{}，见“{}”", "'{}'{}{}, in '{}'", entry.title, by, day, entry.document)


@parts.register
def _catalogue(entry: group.CatalogueEntry, book: Book) -> Parts:
    yield {
        "modelled": line("本系统全部执行", "carried out in full"),
        "partly": line("本系统部分执行（{}）", "carried out in part ({})", entry.why),
        "not-computable": line("不能由系统执行（{}）", "not computable ({})", entry.why),
    }[entry.coverage]


@parts.register
def _calendar(entry: CalendarUse, book: Book) -> Parts:
    hours = listed(line("{0}–{1}", "{0}–{1}", one.opens, one.closes) for one in entry.hours)
    yield line("工作日 {}（{} 时间）", "{} of working days ({})", hours, entry.zone)
    yield line("工作日和休息日按 calendars/{} 的放假安排", "days off by calendars/{}", entry.national)


@parts.register
def _approval(entry: group.Approval, book: Book) -> Parts:
    of = (
        line("制度", "the regulation")
        if entry.of == "edition"
        else line("单位特定规范", "a unit's own norms")
    )
    chain = in_turn([book.name("roles", role) for role in entry.approves])
    drafts = book.name("roles", entry.drafts)
    yield line("{}由{}起草，{}批准", "{} is drafted by the {} and approved {}", of, drafts, chain)
    if entry.covers:
        files = listed(term("topic", one) for one in entry.covers)
        yield line("涉及{}的修订适用本程序", "for changes of {}", files)
    if entry.interprets:
        yield line("由{}负责解释", "interpreted by the {}", book.name("roles", entry.interprets))
    if entry.carries_out:
        yield line("由{}监督执行", "carried out by the {}", book.name("roles", entry.carries_out))
    if entry.files_with:
        yield line("批准后报{}备案", "filed with {}", entry.files_with)


@parts.register
def _unit_kind(entry: group.UnitKind, book: Book) -> Parts:
    if entry.inside:
        yield line("设在{}之下", "lies in the {}", book.any("unit_kinds", entry.inside))
    else:
        yield line("最高一级机构", "the topmost kind of unit")
    if entry.ranked:
        yield line("参加考核排序", "is ranked")
    if entry.duties:
        yield line("职责：{}", "duties: {}", entry.duties.rstrip("。"))
    if entry.needs_lead:
        yield line("须先指定服务负责人方可启用", "is active only once a person answers for its service")
    if entry.activated_by:
        who = book.any("roles", entry.activated_by)
        yield line("须经{}批准方可启用", "is active only once the {} approves", who)
    if entry.peers:
        groups = book.all("peers", entry.peers)
        yield line("分为{}等组分别考核", "is compared within the groups {}", groups)


@parts.register
def _role(entry: group.Role, book: Book) -> Parts:
    yield line("设于{}", "exists at the {}", book.any("unit_kinds", entry.at))
    yield line("可以{}", "may {}", book.all("rights", entry.rights))
    if entry.sees_all:
        yield line("范围为全集团", "for every unit of the group")
    else:
        yield line("范围为本单位及下属单位", "at its unit and below")
    if entry.deputies:
        yield line("缺位时可由{}代理", "may be deputised by the {}", book.any("roles", entry.deputies))


@parts.register
def _power(entry: group.Power, book: Book) -> Parts:
    right = book.name("rights", entry.right)
    yield line("客户服务机构的权限之一，由有权“{}”的人员行使", "a power of whoever may {}", right)
    if entry.condition:
        yield line("行使前须满足：{}", "only after: {}", entry.condition)


@parts.register
def _appointment(entry: group.Appointment, book: Book) -> Parts:
    role = book.any("roles", entry.role)
    if entry.needs == "opinion":
        yield line(
            "任命{}前，须征求{}的意见并记录在案",
            "before a {} is appointed, the opinion of the {} is asked and recorded",
            role,
            book.name("roles", entry.of),
        )
    else:
        of = book.name("courses", entry.of)
        yield line("任命{}前，须通过“{}”", "a {} first passes the course '{}'", role, of)


@parts.register
def _course(entry: group.Course, book: Book) -> Parts:
    yield line("以考试结业的培训", "a course that ends with an examination")
    if entry.valid:
        yield line("成绩有效期{}", "a pass counts for {}", span(entry.valid))
    else:
        yield line("成绩长期有效", "a pass counts for good")


@parts.register
def _kind(entry: intake.MatterKind, book: Book) -> Parts:
    if entry.counts_as_complaint:
        yield line("可受理的事项，计入投诉件数", "may be registered and counts as a complaint")
    else:
        yield line("可受理的事项，不计入投诉件数", "may be registered and does not count as a complaint")
    if entry.classes:
        yield line("分为{}", "of class {}", book.any("classes", entry.classes))
    if entry.services:
        names = book.any("services", entry.services)
        yield line("登记时须写明业务：{}", "its registration names a service line: {}", names)
    if entry.moments:
        names = one_of(map(moment, entry.moments))
        yield line("登记时须写明{}的时间", "its registration states when {} is", names)
    if entry.graded:
        yield line("须认定级别，认定之前按推定级别办理", "is graded; until then the presumed grade holds")
    if entry.first_contact:
        yield line("实行首问负责，由最先受理人负责到底", "who takes it first answers for it to the end")


@parts.register
def _class(entry: intake.ComplaintClass, book: Book) -> Parts:
    yield line("投诉类别之一，决定适用的处理程序", "a class of complaint; it chooses the procedure")
    if entry.items_from:
        yield line("具体项目见{}表", "its items stand in {}", quoted(book.name("tables", entry.items_from)))


@parts.register
def _grade(entry: intake.Grade, book: Book) -> Parts:
    yield line("严重程度第 {} 级（1 级最重）", "rank {}, 1 being the gravest", entry.rank)
    if entry.presumed:
        yield line("认定之前按此级办理", "holds until a grade is found")
    for match in entry.floor_for:
        if case := book.when(match):
            yield line("{}的，不得低于此级", "what is {} is at least this grave", case)


@parts.register
def _service(entry: intake.ServiceLine, book: Book) -> Parts:
    yield line("服务业务之一", "a line of service")


@parts.register
def _tier(entry: intake.Tier, book: Book) -> Parts:
    if case := book.when(entry.applies):
        yield line("服务等级之一，适用于{}的事项", "the tier of matters that are {}", case)
    else:
        yield line("服务等级之一，适用于其他各等级以外的事项", "the tier of all other matters")


@parts.register
def _channel(entry: intake.Channel, book: Book) -> Parts:
    yield line("受理渠道之一", "a way in")
    if entry.about_unit:
        yield line("登记时须写明所涉单位", "its registration names the unit that it is about")
    if entry.partner:
        yield line("来件自带编号（格式 {}）", "brings a number of its own ({})", entry.partner.number)
        if entry.partner.told:
            told = listed(term("told", one) for one in entry.partner.told)
            yield line("须向来件单位反馈{}情况", "its sender is told of {}", told)


@parts.register
def _form(entry: intake.RecordForm, book: Book) -> Parts:
    kinds = book.any("kinds", entry.kinds)
    yield line("登记{1}时填写下列 {0} 项", "the {} fields of {}", len(entry.fields), kinds)
    for field in entry.fields.values():
        said = [term("need", field.need), term("format", field.format)]
        if field.choices:
            said.append(listed(field.choices.values(), "／", " / "))
        else:
            said.append(line("不超过 {} 字", "at most {} characters", field.max_length))
        if field.personal:
            said.append(line("个人信息，加密保存", "personal, kept sealed"))
        yield Under(titled(field.title), tuple(said))


@parts.register
def _flag(entry: intake.Flag, book: Book) -> Parts:
    yield line("可对事项作出的标记", "a flag that a matter may be given")


@parts.register
def _problem_user(entry: intake.ProblemUser, book: Book) -> Parts:
    where = line("在同一次接触中", " on one contact") if entry.one_contact else NOTHING
    yield line(
        "{1}有下列行为中至少 {0} 种的客户，经提出和另一人确认后列为问题用户，{2} 日内不计入考核指标",
        "a customer who showed at least {} of these{}, proposed by one person and "
        "confirmed by another, is left out of indicators for {} days",
        entry.at_least,
        where,
        entry.days,
    )
    if entry.review_days:
        yield line("每 {} 日复核一次", "reviewed every {} days", entry.review_days)
    for behaviour in entry.behaviours.values():
        yield Under(titled(behaviour), ())


@parts.register
def _duplicates(entry: intake.Duplicates, book: Book) -> Parts:
    yield line(
        "同一客户 {} 日内的相似事项提示为重复",
        "a like matter of the same customer within {} days is suggested as a duplicate",
        entry.within_days,
    )


@parts.register
def _document(entry: intake.Document, book: Book) -> Parts:
    yield term("document-of", entry.of)
    if entry.kinds:
        yield line("适用于{}", "for {}", book.any("kinds", entry.kinds))
    if entry.copies > 1:
        yield line("一式 {} 份", "in {} copies", entry.copies)
    if entry.signatures:
        yield line("由{}签字", "signed by the {}", book.all("parties", entry.signatures))
    yield line("栏目：{}", "holds {}", listed(one.title for one in entry.lines.values()))
