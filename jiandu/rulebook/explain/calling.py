"""The words of ``callback.yaml``: who is called back, in what time, and what is asked."""

from collections.abc import Iterator

from jiandu.rulebook.explain.words import (
    NOTHING,
    Book,
    Parts,
    Under,
    all_of,
    line,
    listed,
    moment,
    one_of,
    parts,
    percent,
    quoted,
    span,
    term,
    terms,
    titled,
    within,
)
from shared.rulebook.schema.callback import CallbackPlan, CallingHours, Campaign, Question, Questionnaire
from shared.timekeeping.base_types import Line


@parts.register
def _plan(entry: CallbackPlan, book: Book) -> Parts:
    case = book.when(entry.applies) or line("所有事项", "every matter")
    after, latest = moment(entry.after), within(entry.latest)
    yield line("{0}，自{2}起，须在{1}回访", "{}: called back {} of {}", case, latest, after)
    if entry.earliest:
        yield line("最早在{}后", "not before {} after it", span(entry.earliest))
    if entry.ratio == 1:
        yield line("全部回访", "all of them")
    else:
        yield line("回访比例不低于 {}", "{} of them at least", percent(entry.ratio))
    apart = line("，每次相隔{}以上", ", {} apart", span(entry.apart)) if entry.apart else NOTHING
    yield line("未接通的最多拨打 {} 次{}", "{} attempts{}", entry.attempts, apart)
    yield line("使用{}问卷", "with the questionnaire {}", _form(entry, book))
    yield line("{} 分及以上（满分 5 分）为满意", "{} of 5 is satisfied", entry.satisfied_from)
    if entry.reopen_at:
        yield line("{} 分及以下的重新办理", "{} or less re-opens the case", entry.reopen_at)
    if not entry.own_unit:
        yield line("被投诉单位不得自行回访", "the unit complained about does not call")
    if entry.recall:
        who, time = book.any("roles", entry.recall.by), within(entry.recall.within)
        share = percent(entry.recall.ratio)
        yield line("由{1}在{2}抽取 {0} 复访", "{} are called again by the {} {}", share, who, time)


def _form(entry: CallbackPlan | Campaign, book: Book) -> Line:
    return quoted(book.name("questionnaires", entry.questionnaire))


@parts.register
def _questionnaire(entry: Questionnaire, book: Book) -> Parts:
    yield line("共 {} 问", "{} questions", len(entry.questions))
    for question in entry.questions.values():
        yield Under(titled(question.title), tuple(_question(question, entry, book)))


def _question(question: Question, form: Questionnaire, book: Book) -> Iterator[Line]:
    if question.choices:
        yield listed(question.choices.values(), "／", " / ")
    else:
        yield term("question", question.kind)
    if not question.required:
        yield line("可不答", "may be left out")
    for key, answers in question.asked_if.items():
        other = form.questions[key]
        given = _answers(other, answers)
        yield line("仅当{}答{}时询问", "asked only where {} is {}", quoted(other.title), given)
    if question.opens:
        kind = book.name("kinds", question.opens)
        if question.opens_on:
            given = _answers(question, question.opens_on)
            yield line("答{}的，登记为{}", "{} opens a matter: {}", given, kind)
        else:
            yield line("有回答的，登记为{}", "any answer opens a matter: {}", kind)


def _answers(question: Question, keys: tuple[str, ...]) -> Line:
    known = terms()["answer"]
    return one_of(quoted(question.choices.get(key) or known.get(key, line(key, key))) for key in keys)


@parts.register
def _hours(entry: CallingHours, book: Book) -> Parts:
    yield line(
        "每日 {} 至 {}，同一客户每日最多 {} 次",
        "from {} to {}, one customer at most {} times a day",
        entry.opens,
        entry.closes,
        entry.per_day,
    )
    if entry.burst:
        yield line("{1}最多 {0} 次", "at most {} {}", entry.burst.calls, within(entry.burst.within))


@parts.register
def _campaign(entry: Campaign, book: Book) -> Parts:
    of = line("上期办结的事项", "matters closed in the period before")
    if entry.of == "customers":
        of = line("在档客户", "customers on file")
    if case := book.when(entry.frame):
        of = line("{}（{}）", "{} ({})", of, case)
    yield line("由{}发起，对象为{}", "started by the {}, of {}", book.any("roles", entry.by), of)
    sample = entry.sample
    if sample.share is not None:
        yield line("抽取 {}", "{} of them", percent(sample.share))
    elif sample.number is not None:
        yield line("抽取 {} 个", "{} of them", sample.number)
    elif sample.margin is not None:
        margin = percent(sample.margin)
        yield line("样本量按误差不超过 {} 确定", "as many as a margin of {} asks for", margin)
    if entry.strata:
        names = all_of(
            line("单位", "unit") if one == "unit" else line("业务", "service line") for one in entry.strata
        )
        yield line("按{}分层抽取", "drawn within each {}", names)
    form, time = _form(entry, book), within(entry.within)
    yield line("使用{}问卷，{}完成", "with the questionnaire {}, {}", form, time)
