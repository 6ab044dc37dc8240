"""Whether callbacks, duties, sheets, offences and rankings fit together."""

from collections.abc import Collection, Iterator, Mapping

from shared.rulebook.checks.references import Fault, step_names, unknown
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import Question, Questionnaire
from shared.rulebook.schema.obligations import WAYS_DONE, Obligation
from shared.rulebook.schema.scoring import Counted, ObservedMean, Sheet
from shared.rulebook.schema.triggers import ANY_STEP

_CALLBACK = "callback"
"""Channel by which a matter comes in that a customer brought up when called back."""

MONTHS_WEIGHED = {"month": 0, "quarter": 3, "year": 12}


def faults(rules: Rules) -> Iterator[Fault]:
    """Return what does not fit in callback.yaml, obligations.yaml and scoring.yaml."""
    yield from _plans(rules)
    yield from _questions(rules)
    yield from _campaigns(rules)
    yield from _duties(rules)
    for key, sheet in rules.scoring.sheets.items():
        yield from _observed(key, sheet, rules)
    yield from _items_of_offences(rules)
    yield from _weights(rules)
    yield from _counted(rules)


_CALLED = {
    "clocks": "step or watch",
    "extensions": "step or watch",
    "callbacks": "callback plan",
    "answers": "callback plan",
    "recalls": "callback plan",
    "duties": "obligation",
    "alerts": "alert",
}
"""What an indicator counts → what ``of`` names."""


def _counted(rules: Rules) -> Iterator[Fault]:
    about = rules.procedures
    known: Mapping[str, tuple[str, Collection[str]]] = {
        "step or watch": ("procedures.watches", {ANY_STEP, *step_names(rules), *about.watches}),
        "callback plan": ("callback.plans", rules.callback.plans),
        "obligation": ("obligations.obligations", rules.obligations.obligations),
        "alert": ("procedures.alerts", about.alerts),
    }
    for key, indicator in rules.scoring.indicators.items():
        for part in ("numerator", "denominator"):
            asked = getattr(indicator, part)
            if not isinstance(asked, Counted) or not asked.of:
                continue
            loc = ("scoring", "indicators", key, part, "of")
            what = _CALLED.get(asked.count)
            if what is None:
                yield Fault(
                    loc, f"'{asked.count}' have no names.", "Leave 'of' out; 'when' asks what a matter is."
                )
            else:
                where, names = known[what]
                yield from unknown(loc, asked.of, names, what, where)


def _plans(rules: Rules) -> Iterator[Fault]:
    for key, plan in rules.callback.plans.items():
        loc = ("callback", "plans", key)
        if plan.reopen_at >= plan.satisfied_from:
            what = (
                f"An answer of {plan.satisfied_from} is satisfied, and one up to {plan.reopen_at} re-opens."
            )
            yield Fault((*loc, "reopen_at"), what, "Let 'reopen_at' lie below 'satisfied_from'.")
        if not 0 <= plan.ratio <= 1:
            yield Fault((*loc, "ratio"), f"The ratio is {plan.ratio}.", "Give a share from 0 to 1.")


def _campaigns(rules: Rules) -> Iterator[Fault]:
    for key, campaign in rules.callback.campaigns.items():
        form = rules.callback.questionnaires.get(campaign.questionnaire)
        opens = [name for name, one in form.questions.items() if one.opens] if form else []
        if opens:
            what = f"Answers to {', '.join(opens)} open a matter, and those of a campaign are told to nobody."
            loc = ("callback", "campaigns", key, "questionnaire")
            yield Fault(loc, what, "Ask a questionnaire that opens nothing.")


def _questions(rules: Rules) -> Iterator[Fault]:
    for key, form in rules.callback.questionnaires.items():
        for name, question in form.questions.items():
            if (question.kind == "choice") != bool(question.choices):
                what = f"'{name}' is of kind '{question.kind}' with {len(question.choices)} choices."
                loc = ("callback", "questionnaires", key, "questions", name)
                yield Fault(loc, what, "Give choices to questions of kind 'choice', and only to them.")
            yield from _branches(key, name, form, rules)


def _branches(key: str, name: str, form: Questionnaire, rules: Rules) -> Iterator[Fault]:
    """Find conditions that no answer meets, and answers that open a matter which cannot come in."""
    question, loc = form.questions[name], ("callback", "questionnaires", key, "questions", name)
    before = list(form.questions)[: list(form.questions).index(name)]
    for other, answers in question.asked_if.items():
        yield from unknown((*loc, "asked_if"), [other], before, "earlier question", f"questionnaires.{key}")
        if other in before:
            known = _answers_of(form.questions[other])
            yield from unknown((*loc, "asked_if", other), answers, known, "answer", other)
    if question.opens and _CALLBACK not in rules.intake.channels:
        what = f"'{name}' opens a matter, and no channel is called '{_CALLBACK}'."
        yield Fault(
            (*loc, "opens"), what, f"Add '{_CALLBACK}' to intake.channels: by it the matter comes in."
        )
    if question.kind != "text" and bool(question.opens) != bool(question.opens_on):
        yield Fault((*loc, "opens"), "'opens' and 'opens_on' belong together.", "Give both, or neither.")
    yield from unknown((*loc, "opens_on"), question.opens_on, _answers_of(question), "answer", name)


def _answers_of(question: Question) -> list[str]:
    return {
        "satisfaction": [str(level) for level in range(1, 6)],
        "recommendation": [str(level) for level in range(11)],
        "yes-no": ["yes", "no"],
    }.get(question.kind, list(question.choices))


def _duties(rules: Rules) -> Iterator[Fault]:
    for key, duty in rules.obligations.obligations.items():
        for way in WAYS_DONE:
            if way in Obligation.model_fields and (duty.done_by == way) != bool(getattr(duty, way)):
                what = f"'done_by: {way}' and '{way}' belong together."
                yield Fault(("obligations", "obligations", key), what, "Give both, or neither.")


def _observed(key: str, sheet: Sheet, rules: Rules) -> Iterator[Fault]:
    for section, part in sheet.sections.items():
        for name, item in part.items.items():
            if not isinstance(item.how, ObservedMean):
                continue
            inspection = rules.obligations.inspections.get(item.how.inspection)
            if inspection is None:
                continue
            loc = ("scoring", "sheets", key, "sections", section, "items", name, "how", "observed")
            where = f"obligations.inspections.{item.how.inspection}.items"
            yield from unknown(loc, [item.how.observed], inspection.items, "item", where)
            observed = inspection.items.get(item.how.observed)
            if observed is not None and observed.most != item.weight:
                what = f"The item weighs {item.weight}, and an inspection gives at most {observed.most}."
                yield Fault(loc, what, "Let 'most' of the inspection's item equal the weight.")


def _items_of_offences(rules: Rules) -> Iterator[Fault]:
    for key, offence in rules.scoring.offences.items():
        sheet = rules.scoring.sheets.get(offence.sheet)
        if sheet is None or sheet.kind != "scorecard":
            continue
        loc = ("scoring", "offences", key)
        items = [name for part in sheet.sections.values() for name in part.items]
        if not offence.item:
            what = f"The offence counts on '{offence.sheet}' and names no item of it."
            yield Fault(loc, what, f"Add 'item', one of {', '.join(items)}.")
        yield from unknown((*loc, "item"), [offence.item], items, "item", f"scoring.sheets.{offence.sheet}")


def _weights(rules: Rules) -> Iterator[Fault]:
    for key, ranking in rules.scoring.rankings.items():
        months = MONTHS_WEIGHED[ranking.every]
        if ranking.weights and len(ranking.weights) != months:
            what = f"A {ranking.every} weighs {months} months, and {len(ranking.weights)} weights are given."
            yield Fault(("scoring", "rankings", key, "weights"), what, "Give one weight for each month.")
