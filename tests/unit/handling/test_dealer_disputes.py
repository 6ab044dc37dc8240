"""Internal arbitration by the car dealers' own regulation: either side opens, the office advises, the president rules. Rule ZY-04.

Received on Wednesday 1 July 2026 at 9 by the Yizhuang dealership, found to be a valid complaint on Friday 3 July at 9.
"""

import pytest

from services.handling import domain
from services.handling.domain import RIGHTS, Actor
from shared.errors import ForbiddenError
from shared.events.handling import AppealDecided, AppealLodged
from shared.rulebook.disputes import AdviceMissingError, TermOverError
from tests.builders_rules import an_edition
from tests.unit.handling.builders import LATER, Story, a_registration, an_actor, on

CARS = an_edition("zhongyida")
ABOVE = {"yizhuang": "group", "haidian": "group", "strategy": "group", "supervision": "strategy"}
AT = {
    "group-president": "group",
    "strategy-head": "strategy",
    "supervision-head": "supervision",
    "supervisor": "supervision",
}


def within(unit: str, top: str) -> bool:
    while unit and unit != top:
        unit = ABOVE.get(unit, "")
    return bool(unit)


def of(role: str, person: str = "", unit: str = "") -> Actor:
    return an_actor(role, person, unit or AT.get(role, "yizhuang"), CARS)


class Dealers(Story):
    """A story of the car dealers; who commands has the right that the command asks for."""

    def do(self, kind: str, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        who = by or of("service-officer")
        if RIGHTS[kind] not in who.rights:
            raise ForbiddenError(f"'{kind}' needs '{RIGHTS[kind]}'.")
        command = domain.parse_command({"do": kind, "at": on(at).isoformat(), **fields})
        told = self.take(domain.decide(self.case, command, who, self.edition, LATER, None, within))
        return [item.event.TYPE for item in told]


def a_valid_complaint() -> Dealers:
    registration = a_registration(unit="yizhuang", class_="", channel="telephone", registered_by="taker")
    story = Dealers(registration, CARS)
    story.find("07-03 09:00", by=of("clerk", "finder"), evidence={"facts": "f1"})
    return story


def lodged(by: Actor, at: str = "07-06 09:00") -> Dealers:
    story = a_valid_complaint()
    story.do("lodge-appeal", at, by=by, against="validity", grounds="no gross negligence")
    return story


@pytest.mark.rule("ZY-04")
@pytest.mark.parametrize(
    "by",
    [
        pytest.param(of("service-officer"), id="the unit"),
        pytest.param(of("unit-head"), id="its head"),
        pytest.param(of("clerk", "taker"), id="who took the matter, for the customer"),
        pytest.param(of("supervisor"), id="the office that supervises"),
    ],
)
def test_either_side_opens_a_dispute(by: Actor) -> None:
    assert lodged(by).last(AppealLodged).by == by.person


@pytest.mark.rule("ZY-04")
def test_who_took_a_matter_about_another_unit_speaks_for_the_customer() -> None:
    told = {"unit": "haidian", "about_unit": "yizhuang", "registered_by": "taker", "channel": "headquarters"}
    story = Dealers(a_registration(class_="", **told), CARS)
    story.find("07-03 09:00", evidence={"facts": "f1"})

    story.do(
        "lodge-appeal",
        "07-06 09:00",
        by=of("clerk", "taker", "haidian"),
        against="validity",
        grounds="it was gross",
    )

    assert story.last(AppealLodged).by == "taker"


@pytest.mark.rule("ZY-04")
def test_another_unit_has_no_say() -> None:
    with pytest.raises(ForbiddenError, match="may be contested by"):
        lodged(of("service-officer", "neighbour", "haidian"))


@pytest.mark.rule("ZY-04")
def test_a_finding_may_be_disputed_for_thirty_days() -> None:
    # 3 July 9:00 + 30 days = 2 August 9:00.
    lodged(of("unit-head"), "08-02 08:59")
    with pytest.raises(TermOverError):
        lodged(of("unit-head"), "08-02 09:00")


@pytest.mark.rule("ZY-04")
def test_the_office_advises_in_ten_days_and_the_president_rules_in_twenty() -> None:
    story = lodged(of("unit-head"))

    # 6 July 9:00 + 10 days, + 20 days.
    assert (story.due("advice-1"), story.due("appeal-1")) == ("07-16 09:00", "07-26 09:00")


@pytest.mark.rule("ZY-04")
def test_the_president_rules_after_the_advice_and_need_not_follow_it() -> None:
    story = lodged(of("unit-head"))
    ruling = {"appeal": "1", "upheld": True, "reasons": "an oversight, and no gross one"}

    with pytest.raises(AdviceMissingError):
        story.do("decide-appeal", "07-07 09:00", by=of("group-president"), **ruling)
    with pytest.raises(ForbiddenError):
        story.do(
            "advise-appeal", "07-07 09:00", by=of("supervisor"), appeal="1", uphold=False, reasons="seen"
        )
    story.do(
        "advise-appeal", "07-07 09:00", by=of("supervision-head"), appeal="1", uphold=False, reasons="seen"
    )
    for role in ("strategy-head", "supervision-head"):
        with pytest.raises(ForbiddenError):
            story.do("decide-appeal", "07-08 09:00", by=of(role), **ruling)
    story.do("decide-appeal", "07-08 09:00", by=of("group-president"), **ruling)

    assert (story.last(AppealDecided).restates, story.case.finding) == (True, None)
