"""Appeals under the rulebook's own rule: standing, advice, tiers, grade, and who answers (ZY-04, LN-21, XA-05, XA-18)."""

from typing import Any

import pytest

from services.handling import domain
from services.handling.domain import Actor
from services.handling.domain.refusals import AlreadyDoneError, MissingPartsError, NotPermittedByRulebookError
from shared.errors import ForbiddenError, InvalidInputError
from shared.events.handling import (
    AppealAdvised,
    AppealDecided,
    AppealLodged,
    CaseTransferred,
    DeadlineCleared,
    DeadlineMissed,
)
from shared.rulebook.disputes import AdviceMissingError, RecusedError, TermOverError
from tests.unit.handling.builders import (
    LATER,
    Story,
    a_registration,
    a_rule,
    a_step,
    an_edition,
    on,
)

ABOVE = {"station": "company", "office": "company", "other-station": "company", "company": "group"}


def within(unit: str, top: str) -> bool:
    while unit and unit != top:
        unit = ABOVE.get(unit, "")
    return bool(unit)


class Disputed(Story):
    """A story in an organisation: stations and the office lie in the company, the company in the group."""

    def do(self, kind: str, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        command = domain.parse_command({"do": kind, "at": on(at).isoformat(), **fields})
        who = by or of("handler", unit="station")
        told = self.take(domain.decide(self.case, command, who, self.edition, LATER, None, within))
        return [item.event.TYPE for item in told]


def of(role: str, person: str = "", unit: str = "company", *, sees_all: bool = False) -> Actor:
    return Actor(
        person=person or role, unit=unit, role=role, rights=frozenset({"cases.rule"}), sees_all=sees_all
    )


GRADES = {"grade-1": a_rule(rank=1), "grade-3": a_rule(rank=3, presumed=True)}
TABLE = {
    grade: {"title": {"zh": "行", "en": "row"}, "limit": {"days": days}, "counts_from": "receipt"}
    for grade, days in (("grade-1", 1), ("grade-3", 9))
}


def a_disputed_story(**rule: Any) -> Disputed:  # noqa: ANN401  # fields of the rule
    """Received by the station on 1 July at 9, found grade 1 by the office on 2 July at 8; answer missed at 10."""
    terms = {"within": {"days": 5}, "decided_within": {"days": 5}, "right": "cases.rule"}
    edition = an_edition(
        {
            "procedures": {
                "one": a_rule(
                    applies={},
                    steps={
                        "answer": a_step(after="receipt", within={"hours": 25}),
                        "solve": a_step(within={"table": "solve"}, resolves=True),
                    },
                )
            },
            "appeals": {"one": a_rule("XA-05", **{**terms, **rule})},
        },
        limits={"tables": {"solve": a_rule(by="grade", rows=TABLE)}},
        intake={"grades": GRADES, "kinds": {"complaint": a_rule(graded=True)}},
    )
    story = Disputed(a_registration(class_="", unit="station"), edition)
    story.do("assign", "07-01 10:00", by=of("head", unit="station"), department="d", person="ann")
    story.do(
        "make-finding",
        "07-02 08:00",
        by=of("officer", unit="office"),
        validity="valid",
        grade="grade-1",
        reason="r",
    )
    story.sweep("07-02 10:00")
    return story


def lodge(story: Disputed, against: str, by: Actor | None = None, at: str = "07-03 08:00") -> list[str]:
    return story.do("lodge-appeal", at, by=by, against=against, grounds="not so")


def decide(story: Disputed, by: Actor, *, upheld: bool = True, **said: str) -> list[str]:
    return story.do("decide-appeal", "07-04 08:00", by=by, appeal="1", upheld=upheld, reasons="seen", **said)


@pytest.mark.rule("XA-05")
@pytest.mark.parametrize(
    ("standing", "who", "may"),
    [
        ("charged-unit", of("handler", unit="station"), True),
        ("charged-unit", of("head", unit="company"), True),
        ("charged-unit", of("handler", unit="other-station"), False),
        ("charged-person", of("handler", "ann", "other-station"), True),
        ("charged-person", of("handler", "bob", "station"), False),
        ("supervising-office", of("inspector", unit="group", sees_all=True), True),
        ("supervising-office", of("handler", unit="station"), False),
        ("other-side", of("clerk", "first-taker", "other-station"), True),
        ("other-side", of("handler", unit="station"), False),
    ],
)
def test_who_has_standing_may_lodge_and_nobody_else(standing: str, who: Actor, *, may: bool) -> None:
    story = a_disputed_story(standing=standing)

    if not may:
        with pytest.raises(ForbiddenError, match="may be contested by"):
            lodge(story, "finding", who)
        return
    lodge(story, "finding", who)
    assert story.last(AppealLodged).by == who.person


@pytest.mark.rule("XA-05")
def test_what_the_rulebook_lets_nobody_contest_is_not_contested() -> None:
    story = a_disputed_story(against=["validity", "clock"])

    with pytest.raises(InvalidInputError) as refused:
        lodge(story, "responsibility")
    lodge(story, "validity")

    assert "clock, validity" in str(refused.value.problems[0].reason)
    assert story.last(AppealLodged).against == "finding"


@pytest.mark.rule("XA-05")
def test_the_time_to_appeal_counts_from_what_it_is_against() -> None:
    # The finding is of 2 July 8:00, the miss of 10:00; each may be contested for five days.
    lodge(a_disputed_story(), "finding", at="07-07 07:59")
    lodge(a_disputed_story(), "answer", at="07-07 09:59")
    with pytest.raises(TermOverError):
        lodge(a_disputed_story(), "finding", at="07-07 08:00")


@pytest.mark.rule("XA-05")
def test_the_next_tier_decides_and_neither_who_made_it_nor_a_neighbour() -> None:
    story = a_disputed_story(next_tier=True)
    lodge(story, "finding")

    for unit in ("office", "other-station"):
        with pytest.raises(ForbiddenError, match="a unit above 'office'"):
            decide(story, of("leader", unit=unit))
    decide(story, of("leader", unit="company"))

    assert story.last(AppealDecided).upheld


@pytest.mark.rule("LN-21")
def test_only_the_roles_that_the_rulebook_names_decide() -> None:
    story = a_disputed_story(decides=["deputy"])
    lodge(story, "finding")

    with pytest.raises(ForbiddenError, match="ruled by: deputy"):
        decide(story, of("leader"))
    decide(story, of("deputy"))

    assert story.last(AppealDecided).by == "deputy"


@pytest.mark.rule("ZY-04")
def test_advice_comes_first_and_who_advised_does_not_decide() -> None:
    story = a_disputed_story(advises="adviser", advised_within={"days": 2})
    lodge(story, "finding")
    offered = {one["do"] for one in domain.allowed(story.case, story.edition, of("adviser"))}

    with pytest.raises(AdviceMissingError):
        decide(story, of("leader"))
    with pytest.raises(ForbiddenError, match="the role 'adviser' advises"):
        advise(story, of("leader"))
    advise(story, of("adviser", "eve"))
    with pytest.raises(AlreadyDoneError):
        advise(story, of("adviser", "eva"))
    with pytest.raises(RecusedError, match="advised"):
        decide(story, of("leader", "eve"))
    decide(story, of("leader"), upheld=False)

    assert "advise-appeal" in offered
    assert (story.last(AppealAdvised).uphold, story.last(AppealDecided).upheld) == (True, False)


def advise(story: Disputed, by: Actor) -> list[str]:
    return story.do("advise-appeal", "07-03 09:00", by=by, appeal="1", uphold=True, reasons="it was so")


@pytest.mark.rule("ZY-04")
def test_advice_that_does_not_come_is_missed_and_then_holds_up_nothing() -> None:
    story = a_disputed_story(advises="adviser", advised_within={"hours": 20})
    lodge(story, "finding")

    # Lodged on 3 July 8:00; the adviser has until 4 July 4:00.
    assert "advice-1#1 07-04 04:00" in story.sweep("07-04 04:00")
    decide(story, of("leader"))


@pytest.mark.rule("XA-18")
def test_an_upheld_appeal_over_the_grade_brings_back_the_presumed_one_and_its_limits() -> None:
    story = a_disputed_story()
    before = (story.case.grade, story.due("solve"))
    lodge(story, "grade")

    decide(story, of("leader"))

    # Grade 1 had one day from 1 July 9:00, grade 3 has nine; what was missed under grade 1 falls.
    assert (before, story.case.grade, story.due("solve")) == (
        ("grade-1", "07-02 09:00"),
        "grade-3",
        "07-10 09:00",
    )
    assert story.missed == ["answer#1 07-02 10:00"]
    assert story.last(AppealDecided).against == "grade"


@pytest.mark.parametrize("restates", [True, False])
@pytest.mark.rule("XA-05")
def test_the_decision_says_whether_the_month_itself_is_restated(*, restates: bool) -> None:
    upheld, refused = a_disputed_story(restates=restates), a_disputed_story(restates=restates)
    for story in (upheld, refused):
        lodge(story, "answer")

    decide(upheld, of("leader"))
    decide(refused, of("leader"), upheld=False)

    assert (upheld.last(AppealDecided).restates, refused.last(AppealDecided).restates) == (restates, False)


@pytest.mark.rule("XA-05")
def test_an_upheld_appeal_over_who_answers_moves_the_charge_and_what_was_missed_under_it() -> None:
    story = a_disputed_story()
    lodge(story, "responsibility", of("handler", unit="station"))

    told = decide(story, of("leader"), unit="other-station", answers="carl")

    assert (story.case.unit, story.case.person) == ("other-station", "carl")
    # answer was due on 2 July 10:00 and solve at 9:00, both while the charge in question ran.
    moves = ["deadline.cleared.v1", "deadline.missed.v1"] * 2
    assert told == ["appeal.decided.v1", *moves, "case.transferred.v1"]
    again = [item for item in story.happened[-5:] if isinstance(item.event, DeadlineMissed)]
    assert {(item.unit, item.event.person) for item in again if isinstance(item.event, DeadlineMissed)} == {
        ("other-station", "carl")
    }
    assert {item.unit for item in story.happened[-5:] if isinstance(item.event, DeadlineCleared)} == {
        "station"
    }
    assert story.last(CaseTransferred).to_unit == "other-station"
    assert story.sweep("07-05 00:00") == []


def test_a_charge_that_moves_inside_a_unit_transfers_nothing() -> None:
    story = a_disputed_story()
    lodge(story, "responsibility", of("handler", unit="station"))

    decide(story, of("leader"), answers="carl")

    assert (story.case.unit, story.case.person) == ("station", "carl")
    assert story.told(CaseTransferred) == []


def test_an_appeal_over_who_answers_is_upheld_by_saying_who_does() -> None:
    story, other = a_disputed_story(), a_disputed_story()
    lodge(story, "responsibility")
    lodge(other, "finding")

    with pytest.raises(MissingPartsError, match="who does"):
        decide(story, of("leader"))
    with pytest.raises(NotPermittedByRulebookError, match="Leave 'unit'"):
        decide(other, of("leader"), answers="carl")


def test_who_gave_the_charge_does_not_decide_over_it() -> None:
    story = a_disputed_story()
    lodge(story, "responsibility", of("handler", "bob", "station"))

    with pytest.raises(RecusedError):
        decide(story, of("leader", "head"), answers="carl")
