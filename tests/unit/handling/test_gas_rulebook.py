"""What the gas company's own regulation says of a case: emergency plan, grades, tiers, authority, appeals (XA-02 … XA-18).

Received on Wednesday 1 July 2026 at 9 by the station Xiangshan, as the rulebook's own people handle it.
"""

import pytest

from services.handling import domain
from services.handling.domain import Actor
from services.handling.domain.refusals import (
    ConsentMissingError,
    MissingPartsError,
    NotPermittedByRulebookError,
    SamePersonError,
    StepOrderError,
)
from shared.errors import ForbiddenError
from shared.events.handling import (
    AlertRaised,
    AppealDecided,
    CaseEscalated,
    FindingMade,
    SettlementApproved,
    SettlementSigned,
)
from shared.rulebook.disputes import TermOverError
from tests.builders_rules import an_edition
from tests.unit.handling.builders import LATER, Story, a_registration, an_actor, on, shown

GAS = an_edition("xinao")
ABOVE = {"xiangshan": "group", "qixing": "group", "service-office": "group", "xiangshan-repair": "xiangshan"}
AT = {
    "handler": "xiangshan",
    "station-head": "xiangshan",
    "repairer": "xiangshan-repair",
    "service-officer": "service-office",
    "service-office-head": "service-office",
    "company-leader": "group",
}
PLAN = ("tell-leader", "on-scene", "secure", "one-voice", "review")


def within(unit: str, top: str) -> bool:
    while unit and unit != top:
        unit = ABOVE.get(unit, "")
    return bool(unit)


def of(role: str, person: str = "", unit: str = "") -> Actor:
    return an_actor(role, person, unit or AT[role], GAS)


class Gas(Story):
    """A story of the gas company, whose station-head and handlers act unless another is named."""

    def do(self, kind: str, at: str, by: Actor | None = None, **fields: object) -> list[str]:
        said = {name.rstrip("_"): value for name, value in fields.items()}
        command = domain.parse_command({"do": kind, "at": on(at).isoformat(), **said})
        who = by or of("handler")
        told = self.take(domain.decide(self.case, command, who, self.edition, LATER, None, within))
        return [item.event.TYPE for item in told]

    def plan(self) -> dict[str, str]:
        """Return when each item of the emergency plan is due that is owed now."""
        return {name: self.due(name) for name in PLAN if self.due(name) != "-"}


def a_gas_story(**registration: object) -> Gas:
    told = {"unit": "xiangshan", "class_": "billing", "service": "metering", "channel": "telephone"}
    return Gas(a_registration(**{**told, **registration}), GAS)


def found(grade: str, at: str = "07-01 15:00", **registration: object) -> Gas:
    story = a_gas_story(**registration)
    story.find(at, grade=grade, evidence={"facts": "f1"})
    return story


# --- XA-02, the emergency plan


@pytest.mark.rule("XA-02")
def test_what_is_registered_as_grade_1_has_its_plan_from_receipt() -> None:
    story = a_gas_story(flags=["danger", "media"], class_="safety", grade="grade-1")

    # 30 minutes, 60 minutes, 2 hours and 7 days; 'secure' waits for the arrival.
    assert story.plan() == {
        "tell-leader": "07-01 09:30",
        "on-scene": "07-01 10:00",
        "one-voice": "07-01 11:00",
        "review": "07-08 09:00",
    }
    story.step("on-scene", "07-01 09:40", by=of("repairer"))
    assert story.due("secure") == "07-01 11:40"


@pytest.mark.rule("XA-02")
def test_what_turns_out_to_be_grade_1_has_its_plan_from_then_on_and_its_limits_from_receipt() -> None:
    story = found("grade-1")

    # Proposed at 15:00: 30 minutes and 7 days from there. The bill is nobody's danger, so nobody drives out.
    assert story.plan() == {"tell-leader": "07-01 15:30", "review": "07-08 15:00"}
    # Grade 1 is answered in 2 and solved in 24 hours, of receipt.
    assert (story.due("answer"), story.due("solve")) == ("07-01 11:00", "07-02 09:00")
    story.sweep("07-01 15:29")
    assert story.missed == ["answer#1 07-01 11:00"]


@pytest.mark.rule("XA-02")
def test_the_confirmation_of_a_grade_does_not_begin_the_plan_anew() -> None:
    story = found("grade-1")

    story.do("confirm-finding", "07-01 16:00", by=of("service-officer"), agrees=True)

    assert story.plan()["tell-leader"] == "07-01 15:30"


@pytest.mark.rule("XA-02")
def test_danger_that_is_seen_later_begins_the_plan_tells_the_leader_and_takes_the_case_up() -> None:
    story = a_gas_story(class_="safety", service="appliance")

    story.do("reclassify", "07-01 13:00", flags=["danger"], reason="gas in the room")

    assert story.plan() == {
        "tell-leader": "07-01 13:30",
        "on-scene": "07-01 14:00",
        "review": "07-08 13:00",
    }
    assert story.last(AlertRaised).to == ("company-leader", "service-office-head")
    assert story.last(CaseEscalated).to == "company-leader"


@pytest.mark.rule("XA-02")
@pytest.mark.parametrize(
    ("step", "owner", "another"),
    [
        ("tell-leader", "handler", "repairer"),
        ("on-scene", "repairer", "handler"),
        ("one-voice", "service-office-head", "handler"),
    ],
)
def test_every_item_of_the_plan_has_its_owner(step: str, owner: str, another: str) -> None:
    story = a_gas_story(flags=["danger", "media"], class_="safety", grade="grade-1")

    with pytest.raises(ForbiddenError, match=f"'{step}' is for"):
        story.step(step, "07-01 09:20", by=of(another))
    story.step(step, "07-01 09:20", by=of(owner))


@pytest.mark.rule("XA-02")
def test_the_plan_never_pauses() -> None:
    story = a_gas_story(flags=["danger"], class_="safety", grade="grade-1")

    story.do("pause", "07-01 09:10", by=of("station-head"), reason="no-access")

    assert story.case.pauses[-1].clocks == ("solve",)


@pytest.mark.rule("XA-02")
def test_the_scene_is_made_safe_by_who_arrived_and_the_review_leaves_minutes() -> None:
    story = a_gas_story(flags=["danger"], class_="safety", grade="grade-1")

    with pytest.raises(StepOrderError):
        story.step("secure", "07-01 09:50", by=of("repairer"))
    with pytest.raises(MissingPartsError, match="minutes"):
        story.step("review", "07-02 09:00", by=of("service-officer"))
    story.step("review", "07-02 09:00", by=of("service-officer"), evidence={"minutes": "f2"})


# --- XA-03, XA-13: internal complaints, tiers


@pytest.mark.rule("XA-03")
def test_a_clock_stands_still_only_by_approval_and_for_seven_days_at_most() -> None:
    story = a_gas_story()

    with pytest.raises(ForbiddenError, match="needs the right"):
        story.do("pause", "07-01 10:00", by=of("repairer"), reason="no-access")
    story.do("pause", "07-01 10:00", by=of("station-head"), reason="no-access")

    ends = story.case.pauses[-1].ends
    assert ends is not None
    assert shown(ends) == "07-08 10:00"


@pytest.mark.rule("XA-03")
@pytest.mark.parametrize("channel", sorted({*GAS.slices[-1][1].intake.channels} - {"national-centre"}))
def test_what_is_taken_internally_has_the_same_limits(channel: str) -> None:
    story = a_gas_story(channel=channel)

    # Grade 3: 24 hours; five working days from Wed 1 July 9:00: Thu, Fri, Mon, Tue, Wed 8 July 9:00.
    assert (story.case.grade, story.due("answer"), story.due("solve")) == (
        "grade-3",
        "07-02 09:00",
        "07-08 09:00",
    )


@pytest.mark.rule("XA-01")
@pytest.mark.parametrize(
    ("registration", "grade"),
    [
        ({"channel": "national-centre"}, "grade-2"),
        ({"class_": "supply-interruption"}, "grade-2"),
        ({"flags": ["media"]}, "grade-1"),
        ({"flags": ["danger"], "channel": "national-centre"}, "grade-1"),
        ({"class_": "attitude"}, "grade-3"),
    ],
)
def test_nothing_is_milder_than_the_group_s_floor(registration: dict[str, object], grade: str) -> None:
    story = a_gas_story(**registration)

    assert story.case.grade == grade
    if grade != "grade-3":
        with pytest.raises(NotPermittedByRulebookError, match=f"'{grade}' at least"):
            story.find("07-01 15:00", grade="grade-3", evidence={"facts": "f1"})


@pytest.mark.rule("XA-13")
@pytest.mark.parametrize(
    ("service", "tier", "due"),
    [
        # 24 hours, 48 hours, five working days from Wed 1 July 9:00.
        ("leak-repair", "safety", "07-02 09:00"),
        ("ignition", "safety", "07-02 09:00"),
        ("safety-check", "safety", "07-02 09:00"),
        ("supply", "supply", "07-03 09:00"),
        ("installation", "ordinary", "07-08 09:00"),
        ("metering", "ordinary", "07-08 09:00"),
        ("appliance", "ordinary", "07-08 09:00"),
    ],
)
def test_each_service_is_of_its_tier(service: str, tier: str, due: str) -> None:
    complaint = a_gas_story(service=service)
    request = a_gas_story(kind="service-request", class_="", service=service)

    assert (complaint.case.tier, complaint.due("solve")) == (tier, due)
    assert (request.case.tier, request.due("serve")) == (tier, due)


# --- XA-12, authority


@pytest.mark.rule("XA-12")
@pytest.mark.parametrize(
    ("way", "role", "amount", "still"),
    [
        ("bill-correction", "handler", "200", ()),
        ("bill-correction", "handler", "200.01", ("station-head",)),
        ("bill-correction", "station-head", "2000", ()),
        ("bill-correction", "station-head", "2000.01", ("service-office-head",)),
        ("bill-correction", "service-office-head", "10000", ()),
        ("bill-correction", "service-office-head", "10000.01", ("company-leader",)),
        ("compensation", "station-head", "1000", ()),
        ("compensation", "station-head", "1000.01", ("service-office-head",)),
        ("compensation", "service-office-head", "5000", ()),
        ("compensation", "service-office-head", "5000.01", ("company-leader",)),
    ],
)
def test_each_level_settles_up_to_its_amount(
    way: str, role: str, amount: str, still: tuple[str, ...]
) -> None:
    story = found("grade-3")

    story.do(
        "propose-settlement",
        "07-01 16:00",
        by=of(role),
        way=way,
        amount=amount,
        reason="misread",
        owner_consents=True,
    )

    assert bool(story.told(SettlementApproved)) == (not still)
    if still:
        assert story.last(SettlementSigned).still_to_sign == still


@pytest.mark.rule("XA-12")
def test_a_compensation_needs_the_customer_s_consent_and_a_reason() -> None:
    head, offer = of("station-head"), {"way": "compensation", "amount": "100"}

    with pytest.raises(ConsentMissingError):
        found("grade-3").do("propose-settlement", "07-01 16:00", head, reason="broken", **offer)
    with pytest.raises(MissingPartsError, match="reason"):
        found("grade-3").do("propose-settlement", "07-01 16:00", head, owner_consents=True, **offer)


@pytest.mark.rule("XA-12")
def test_a_handler_may_not_promise_a_compensation_of_any_amount() -> None:
    story = found("grade-3")

    story.do(
        "propose-settlement",
        "07-01 16:00",
        way="compensation",
        amount="1",
        reason="broken",
        owner_consents=True,
    )
    assert story.told(SettlementApproved) == []
    story.do("approve-settlement", "07-01 17:00", by=of("station-head"))

    assert story.last(SettlementApproved).approvals == ("station-head:station-head",)


# --- XA-18, XA-05


@pytest.mark.rule("XA-18")
def test_the_handler_proposes_a_grade_and_the_service_office_confirms_it_within_24_hours() -> None:
    story = found("grade-2")

    assert (story.told(FindingMade), story.due("confirm-grade")) == ([], "07-02 15:00")
    with pytest.raises(ForbiddenError, match="is for service-officer or service-office-head"):
        story.do("confirm-finding", "07-01 16:00", by=of("station-head"), agrees=True)
    with pytest.raises(ForbiddenError, match="is for handler or station-head"):
        a_gas_story().find("07-01 15:00", by=of("service-officer"), evidence={"facts": "f1"})
    story.do("confirm-finding", "07-02 14:59", by=of("service-officer"), agrees=True)

    assert story.last(FindingMade).grade == "grade-2"


def appealed(at: str, against: str = "grade") -> Gas:
    """Grade 2, confirmed on Wed 1 July at 16:00."""
    story = found("grade-2")
    story.do("confirm-finding", "07-01 16:00", by=of("service-officer"), agrees=True)
    story.do("lodge-appeal", at, by=of("station-head"), against=against, grounds="milder than that")
    return story


@pytest.mark.rule("XA-05", "XA-18")
@pytest.mark.parametrize("against", ["grade", "finding"])
def test_a_disputed_grade_is_appealed_against_within_five_working_days_of_its_confirmation(
    against: str,
) -> None:
    # Wed 1 July 16:00: Thu, Fri, Mon, Tue, Wed 8 July 16:00.
    story = appealed("07-08 15:59", against)

    # Decided within five more: Thu 9, Fri 10, Mon 13, Tue 14, Wed 15 July 15:59.
    assert story.due("appeal-1") == "07-15 15:59"
    with pytest.raises(TermOverError):
        appealed("07-08 16:00", against)


@pytest.mark.rule("XA-05", "XA-18")
def test_the_company_decides_above_station_and_office_and_only_once() -> None:
    story = appealed("07-03 09:00")

    for judge in (of("service-office-head"), of("station-head", "another", "qixing")):
        with pytest.raises(ForbiddenError):
            story.do("decide-appeal", "07-06 09:00", by=judge, appeal="1", upheld=True, reasons="seen")
    story.do(
        "decide-appeal",
        "07-06 09:00",
        by=of("company-leader"),
        appeal="1",
        upheld=True,
        reasons="a bill only",
    )

    assert (story.last(AppealDecided).restates, story.case.grade) == (True, "grade-3")
    with pytest.raises(SamePersonError):
        story.find("07-07 09:00", grade="grade-2", evidence={"facts": "f2"})


# --- XA-11, XA-16


@pytest.mark.rule("XA-11")
def test_an_opinion_goes_to_a_department_and_comes_to_a_result() -> None:
    story = a_gas_story(kind="opinion", class_="", channel="callback")

    assert (story.due("route"), story.case.grade) == ("07-02 09:00", "")
    story.step("route", "07-01 12:00", person="qixing-head")
    assert story.due("result") == "07-11 09:00"
    story.step("result", "07-10 09:00", outcome="a new counter opens")

    assert story.case.status == "resolved"


@pytest.mark.rule("XA-16")
def test_an_incomplete_record_is_completed_within_24_hours_of_its_registration() -> None:
    story = a_gas_story(complete=False, missing=["address"], registered="07-01 10:00")

    # Registered at 10:00, an hour after receipt.
    clock = story.case.clock("record-complete")
    assert clock is not None
    assert shown(clock.due) == "07-02 10:00"
