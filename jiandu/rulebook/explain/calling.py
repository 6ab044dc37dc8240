"""The words of ``callback.yaml``: who is called back, in what time, and what is asked."""

from collections.abc import Iterator

from jiandu.rulebook.explain.words import (
    MOMENTS,
    Book,
    Parts,
    Under,
    all_of,
    line,
    one_of,
    parts,
    percent,
    quoted,
    span,
    titled,
    within,
)
from shared.rulebook.schema.callback import CallbackPlan, CallingHours, Campaign, Question, Questionnaire
from shared.timekeeping.base_types import Line


@parts.register
def _plan(entry: CallbackPlan, book: Book) -> Parts:
    case = book.when(entry.applies) or line("所有事项", "every matter")
    after, latest = MOMENTS[entry.after], within(entry.latest)
    yield line(
        f"{case.zh}，自{after.zh}起，须在{latest.zh}回访", f"{case.en}: called back {latest.en} of {after.en}"
    )
    if entry.earliest:
        early = span(entry.earliest)
        yield line(f"最早在{early.zh}后", f"not before {early.en} after it")
    if entry.ratio == 1:
        yield line("全部回访", "all of them")
    else:
        yield line(f"回访比例不低于 {percent(entry.ratio)}", f"{percent(entry.ratio)} of them at least")
    apart = span(entry.apart) if entry.apart else None
    yield line(
        f"未接通的最多拨打 {entry.attempts} 次" + (f"，每次相隔{apart.zh}以上" if apart else ""),
        f"{entry.attempts} attempts" + (f", {apart.en} apart" if apart else ""),
    )
    form = quoted(book.name("questionnaire", entry.questionnaire))
    yield line(f"使用{form.zh}问卷", f"with the questionnaire {form.en}")
    yield line(
        f"{entry.satisfied_from} 分及以上（满分 5 分）为满意", f"{entry.satisfied_from} of 5 is satisfied"
    )
    if entry.reopen_at:
        yield line(f"{entry.reopen_at} 分及以下的重新办理", f"{entry.reopen_at} or less re-opens the case")
    if not entry.own_unit:
        yield line("被投诉单位不得自行回访", "the unit complained about does not call")
    if entry.recall:
        who, term = book.any("role", entry.recall.by), within(entry.recall.within)
        yield line(
            f"由{who.zh}在{term.zh}抽取 {percent(entry.recall.ratio)} 复访",
            f"{percent(entry.recall.ratio)} are called again by the {who.en} {term.en}",
        )


_QUESTIONS = {
    "satisfaction": line("五级满意度", "five levels of satisfaction"),
    "recommendation": line("0 至 10 分的推荐意愿", "recommendation from 0 to 10"),
    "yes-no": line("是或否", "yes or no"),
    "choice": line("选择", "a choice"),
    "text": line("文字", "text"),
}


@parts.register
def _questionnaire(entry: Questionnaire, book: Book) -> Parts:
    yield line(f"共 {len(entry.questions)} 问", f"{len(entry.questions)} questions")
    for question in entry.questions.values():
        yield Under(titled(question.title), tuple(_question(question, entry, book)))


def _question(question: Question, form: Questionnaire, book: Book) -> Iterator[Line]:
    kind = _QUESTIONS[question.kind]
    if question.choices:
        names = [titled(one) for one in question.choices.values()]
        kind = line("／".join(one.zh for one in names), " / ".join(one.en for one in names))
    yield kind
    if not question.required:
        yield line("可不答", "may be left out")
    for other, answers in question.asked_if.items():
        asked = form.questions[other]
        yield line(
            f"仅当{quoted(titled(asked.title)).zh}答{_answers(asked, answers).zh}时询问",
            f"asked only where {quoted(titled(asked.title)).en} is {_answers(asked, answers).en}",
        )
    if question.opens:
        kind = book.name("kind", question.opens)
        if question.opens_on:
            given = _answers(question, question.opens_on)
            yield line(f"答{given.zh}的，登记为{kind.zh}", f"{given.en} opens a matter: {kind.en}")
        else:
            yield line(f"有回答的，登记为{kind.zh}", f"any answer opens a matter: {kind.en}")


_ANSWERS = {"yes": line("是", "yes"), "no": line("否", "no")}


def _answers(question: Question, keys: tuple[str, ...]) -> Line:
    return one_of(
        quoted(
            titled(question.choices[key]) if key in question.choices else _ANSWERS.get(key, line(key, key))
        )
        for key in keys
    )


@parts.register
def _hours(entry: CallingHours, book: Book) -> Parts:
    del book
    yield line(
        f"每日 {entry.opens} 至 {entry.closes}，同一客户每日最多 {entry.per_day} 次",
        f"from {entry.opens} to {entry.closes}, one customer at most {entry.per_day} times a day",
    )
    if entry.burst:
        term = within(entry.burst.within)
        yield line(f"{term.zh}最多 {entry.burst.calls} 次", f"at most {entry.burst.calls} {term.en}")


@parts.register
def _campaign(entry: Campaign, book: Book) -> Parts:
    who = book.any("role", entry.by)
    case = book.when(entry.frame)
    of = (
        line("在档客户", "customers on file")
        if entry.of == "customers"
        else line("上期办结的事项", "matters closed in the period before")
    )
    among = line(f"{of.zh}（{case.zh}）", f"{of.en} ({case.en})") if case else of
    yield line(f"由{who.zh}发起，对象为{among.zh}", f"started by the {who.en}, of {among.en}")
    sample = entry.sample
    if sample.share is not None:
        yield line(f"抽取 {percent(sample.share)}", f"{percent(sample.share)} of them")
    elif sample.number is not None:
        yield line(f"抽取 {sample.number} 个", f"{sample.number} of them")
    elif sample.margin is not None:
        yield line(
            f"样本量按误差不超过 {percent(sample.margin)} 确定",
            f"as many as a margin of {percent(sample.margin)} asks for",
        )
    if entry.strata:
        names = all_of(
            line("单位", "unit") if one == "unit" else line("业务", "service line") for one in entry.strata
        )
        yield line(f"按{names.zh}分层抽取", f"drawn within each {names.en}")
    form, term = quoted(book.name("questionnaire", entry.questionnaire)), within(entry.within)
    yield line(f"使用{form.zh}问卷，{term.zh}完成", f"with the questionnaire {form.en}, {term.en}")
