"""Matters under the rulebook of luneng itself: who answers, how far authority goes, what is told upwards."""

from collections.abc import Iterable

import pytest

from services.handling.domain import Actor, allowed
from services.handling.domain.refusals import (
    MissingPartsError,
    NotPermittedByRulebookError,
    StepOrderError,
)
from shared.errors import ForbiddenError
from shared.events.handling import (
    AlertRaised,
    CaseEscalated,
    CaseResolved,
    SettlementApproved,
    SettlementSigned,
    StepCompleted,
)
from tests.unit.handling.builders import Story, a_registration, an_actor, on, shown
from tests.unit.rulebook.worked import edition_of

LUNENG = edition_of("luneng")
YANTAI, JINAN, EQUIPMENT, DESK = "yantai-service", "jinan-service", "equipment", "market-desk"


def of(role: str, unit: str = YANTAI, person: str = "") -> Actor:
    return an_actor(role, person, unit, LUNENG)


MANAGER = of("market-manager", "market")
ANSWERED = {"evidence": {"answer": "f1"}}


def a_matter(kind: str = "complaint", unit: str = YANTAI, **fields: object) -> Story:
    """A matter of Wednesday 1 July 2026 at 9, taken by telephone at a branch."""
    told = {
        "kind": kind,
        "class_": "product-quality" if kind == "complaint" else "",
        "channel": "telephone",
        "service": "procurement",
        "unit": unit,
        "site": unit.partition("-")[0],
    }
    return Story(a_registration(**{**told, **fields}), LUNENG)


def answered(unit: str, by: str) -> Story:
    story = a_matter(unit=unit)
    story.step("answer", "07-01 11:00", by=of(by, unit), **ANSWERED)
    return story


def compensate(story: Story, by: Actor, amount: str) -> None:
    agreed = {"way": "compensation", "amount": amount, "reason": "broken fence", "owner_consents": True}
    story.do("propose-settlement", "07-01 12:00", by=by, **agreed)


def sign(story: Story, by: Actor) -> None:
    story.do("approve-settlement", "07-01 13:00", by=by)


def to_sign(story: Story) -> tuple[str, ...]:
    return story.last(SettlementSigned).still_to_sign


# --- LN-05: announced at once


@pytest.mark.rule("LN-05")
@pytest.mark.parametrize(("kind", "told"), [("complaint", 1), ("enquiry", 1), ("business", 0)])
def test_a_complaint_or_enquiry_is_told_to_the_service_group_with_its_registration(
    kind: str, told: int
) -> None:
    alerts = [one for one in a_matter(kind).told(AlertRaised) if one.alert == "one-hour"]

    assert len(alerts) == told
    assert all({"branch-service-head", "customer-officer", "market-manager"} <= {*one.to} for one in alerts)


# --- LN-06, LN-10: who took it first, and where it came from


@pytest.mark.rule("LN-06", "LN-08")
def test_who_took_it_first_is_named_where_it_goes_beyond_an_authority() -> None:
    story = a_matter()

    story.do("reclassify", "07-01 10:00", by=of("customer-officer"), flags=["beyond-authority"], reason="r")

    taken = story.last(CaseEscalated)
    assert (taken.level, taken.to, taken.first_taker) == (1, "market-manager", "first-taker")
    assert story.case.person == "first-taker"


@pytest.mark.rule("LN-10")
def test_a_complaint_that_headquarters_solved_is_answered_back_to_its_branch_at_once() -> None:
    story = a_matter()
    story.do("transfer", "07-01 10:00", by=of("customer-officer"), to_unit=DESK, reason="beyond us")

    story.step("answer", "07-01 15:00", by=MANAGER, **ANSWERED)
    story.step("result", "07-01 16:00", by=MANAGER)

    back = story.happened[-1]
    assert isinstance(back.event, AlertRaised)
    assert (back.event.alert, back.event.to_unit, shown(back.time)) == (
        "back-to-branch",
        YANTAI,
        "07-01 16:00",
    )


# --- LN-07: the order of a repair


@pytest.mark.rule("LN-07")
def test_a_repair_is_assigned_by_the_person_in_charge_before_anybody_goes() -> None:
    story = a_matter("repair")

    with pytest.raises(StepOrderError, match="assign"):
        story.step("on-site", "07-01 14:00", by=of("engineer"))
    with pytest.raises(ForbiddenError, match="is for"):
        story.step("assign", "07-01 10:00", by=of("customer-officer"), person="engineer")
    story.step("assign", "07-01 10:00", by=of("branch-service-head"), person="engineer")
    story.step("on-site", "07-01 14:00", by=of("engineer"))

    assert story.last(StepCompleted).in_time is True


@pytest.mark.rule("LN-07")
def test_where_the_maker_is_liable_his_repair_is_followed_through_before_the_customer_signs() -> None:
    story = a_matter("repair")
    story.step("assign", "07-01 10:00", by=of("branch-service-head"), person="engineer")
    story.step("on-site", "07-01 14:00", by=of("engineer"))
    story.find("07-01 14:10", by=of("customer-officer"), liable="maker")
    signed = {"evidence": {"work-order": "f1"}, "signatures": {"customer": "f1"}}

    for step in ("contact-maker", "tell-customer", "follow-maker"):
        with pytest.raises(StepOrderError):
            story.step("work-order", "07-02 10:00", by=of("engineer"), **signed)
        story.step(step, "07-02 09:00", by=of("customer-officer"))
    with pytest.raises(MissingPartsError):
        story.step("work-order", "07-02 10:00", by=of("engineer"), evidence={"work-order": "f1"})
    story.step("work-order", "07-02 10:00", by=of("engineer"), **signed)

    # Back at headquarters within seven days of the service, 1 July 14:00.
    assert (len(story.told(CaseResolved)), story.due("return-work-order")) == (1, "07-08 14:00")


# --- LN-08: who answers


@pytest.mark.rule("LN-08")
@pytest.mark.parametrize(
    ("unit", "may", "may_not"),
    [
        (YANTAI, "customer-officer", "engineer"),
        (JINAN, "subsidiary-market-manager", "service-officer"),
        (EQUIPMENT, "department-head", "department-officer"),
    ],
)
def test_a_complaint_is_answered_in_person_by_who_answers_for_it(unit: str, may: str, may_not: str) -> None:
    story = a_matter(unit=unit)

    with pytest.raises(ForbiddenError, match="is for"):
        story.step("answer", "07-01 11:00", by=of(may_not, unit), **ANSWERED)
    story.step("answer", "07-01 11:00", by=of(may, unit), **ANSWERED)

    assert story.last(StepCompleted).by == may


@pytest.mark.rule("LN-08")
def test_a_complaint_to_headquarters_is_answered_by_its_manager_whatever_unit_it_is_about() -> None:
    story = a_matter(unit=DESK, channel="group", about_unit=YANTAI)

    with pytest.raises(ForbiddenError, match="is for market-manager"):
        story.step("answer-by-headquarters", "07-01 11:00", by=of("branch-service-head"), **ANSWERED)
    story.step("answer-by-headquarters", "07-01 11:00", by=MANAGER, **ANSWERED)
    story.step("result", "07-01 12:00", by=MANAGER)

    assert (story.case.unit, story.due("answer")) == (YANTAI, "-")


# --- LN-08: how far authority goes


@pytest.mark.rule("LN-08")
def test_a_branch_goes_up_its_own_line_and_asks_nobody_of_a_subsidiary() -> None:
    # The officer signs up to 2,000, the branch's head up to 10,000, the manager at headquarters up to 50,000.
    story = answered(YANTAI, "customer-officer")
    compensate(story, of("customer-officer"), "50000.01")

    sign(story, of("branch-service-head"))
    beyond_the_branch = to_sign(story)
    sign(story, MANAGER)

    assert beyond_the_branch == ("market-manager", "deputy-general-manager")
    assert to_sign(story) == ("deputy-general-manager",)
    sign(story, of("deputy-general-manager", "group"))
    assert len(story.last(SettlementApproved).approvals) == 4


@pytest.mark.rule("LN-08")
@pytest.mark.parametrize(
    ("unit", "answers", "proposes", "signs", "amount", "holds"),
    [
        (JINAN, "subsidiary-market-manager", "service-officer", "subsidiary-market-manager", "10000", True),
        (
            JINAN,
            "subsidiary-market-manager",
            "service-officer",
            "subsidiary-market-manager",
            "10000.01",
            False,
        ),
        (EQUIPMENT, "department-head", "department-officer", "department-head", "10000", True),
        (EQUIPMENT, "department-head", "department-officer", "department-head", "10000.01", False),
        (YANTAI, "customer-officer", "customer-officer", "branch-service-head", "2000.01", True),
    ],
)
def test_every_unit_has_somebody_who_signs_within_an_authority(  # each is a column of the table
    unit: str, answers: str, proposes: str, signs: str, amount: str, holds: bool
) -> None:
    story = answered(unit, answers)

    compensate(story, of(proposes, unit), amount)
    sign(story, of(signs, unit))

    assert bool(story.told(SettlementApproved)) == holds
    assert holds or to_sign(story) == ("market-manager",)


@pytest.mark.rule("LN-08")
def test_no_result_is_registered_before_who_has_the_authority_signed() -> None:
    story = answered(YANTAI, "customer-officer")
    compensate(story, of("customer-officer"), "2000.01")

    with pytest.raises(StepOrderError, match="approve"):
        story.step("result", "07-01 14:00", by=of("customer-officer"))
    sign(story, of("branch-service-head"))
    story.step("result", "07-01 14:00", by=of("customer-officer"))

    assert len(story.told(CaseResolved)) == 1


# --- LN-11: exceptional quality problems


@pytest.mark.rule("LN-11")
def test_an_exceptional_problem_is_at_the_deputy_at_once_and_at_the_general_manager_unanswered() -> None:
    # Its 24 hours end 2 July 9:00; a day later it is the general manager's.
    story = a_matter(flags=["exceptional-quality"])
    at_once = [(one.level, one.to) for one in story.told(CaseEscalated)]

    story.sweep("07-03 08:59")
    before = len(story.told(CaseEscalated))
    story.sweep("07-03 09:00")

    assert (at_once, before) == ([(2, "deputy-general-manager")], 1)
    assert (story.last(CaseEscalated).level, story.last(CaseEscalated).to) == (3, "general-manager")
    assert story.due("report-up") == "07-02 00:00"


# --- LN-29: courses on application


@pytest.mark.rule("LN-29")
def test_a_course_on_application_is_approved_and_held_by_market_development() -> None:
    story = a_matter("training-application", service="")

    with pytest.raises(ForbiddenError, match="is for market-manager"):
        story.step("approve-course", "07-01 10:00", by=of("branch-service-head"))
    story.step("approve-course", "07-01 10:00", by=MANAGER)
    with pytest.raises(ForbiddenError, match="is for market-manager"):
        story.step("hold-course", "07-10 10:00", by=of("branch-service-head"), evidence={"course-plan": "f1"})
    story.step("hold-course", "07-10 10:00", by=MANAGER, evidence={"course-plan": "f1"})

    assert len(story.told(CaseResolved)) == 1


# --- LN-04, LN-31: a time that is agreed


@pytest.mark.rule("LN-04", "LN-31")
@pytest.mark.parametrize(("kind", "step"), [("repair", "on-site"), ("enquiry", "answer")])
def test_a_time_that_the_customer_names_replaces_the_24_hours(kind: str, step: str) -> None:
    story = a_matter(kind)
    before = story.due(step)

    story.do(
        "agree-date",
        "07-01 10:00",
        by=of("customer-officer"),
        step=step,
        due_before=on("07-04 16:00").isoformat(),
        evidence={"answer": "f1"},
    )

    assert (before, story.due(step)) == ("07-02 09:00", "07-04 16:00")


@pytest.mark.rule("LN-09")
def test_no_date_replaces_the_24_hours_of_a_complaint() -> None:
    with pytest.raises(NotPermittedByRulebookError, match="answer"):
        a_matter().do(
            "agree-date",
            "07-01 10:00",
            by=of("customer-officer"),
            step="answer",
            due_before=on("07-04 16:00").isoformat(),
            evidence={"answer": "f1"},
        )


@pytest.mark.rule("LN-05", "LN-31")
def test_an_enquiry_that_is_answered_at_once_is_passed_on_to_nobody() -> None:
    story = a_matter("enquiry")

    story.step("answer", "07-01 09:05", by=of("customer-officer"))
    story.sweep("07-03 00:00")

    assert story.missed == []


# --- LN-03, LN-30: tenders

TENDER = [
    ("committees", "07-01 10:00", "committee-decision"),
    ("method", "07-02 10:00", "method-sheet"),
    ("publish", "07-02 11:00", "tender-notice"),
    ("send-documents", "07-03 10:00", "tender-documents"),
    ("open", "07-20 10:00", "bids opening-register"),
    ("evaluate", "07-22 10:00", "committee-sheet"),
    ("approve-award", "07-24 10:00", "approval-sheet"),
    ("award", "07-25 10:00", "award-notice"),
]
"""The steps of a public tender with the documents that are kept of each."""

BIDDER = of("tender-officer", "tendering")


def a_tender(*flags: str) -> Story:
    return a_matter("tender-request", unit="tendering", service="tendering", flags=list(flags))


def do_tender(story: Story, step: str, when: str, papers: Iterable[str]) -> None:
    by = MANAGER if step == "approve-award" else BIDDER
    story.step(step, when, by=by, evidence=dict.fromkeys(papers, "f1"))


@pytest.mark.rule("LN-30")
def test_a_public_tender_takes_no_step_before_the_one_that_precedes_it_nor_without_its_document() -> None:
    story = a_tender("public-tender")

    for number, (step, when, kept) in enumerate(TENDER):
        papers = kept.split()
        for later, _, others in TENDER[number + 1 :]:
            with pytest.raises(StepOrderError):
                do_tender(story, later, "07-30 10:00", others.split())
        for missing in papers:
            with pytest.raises(MissingPartsError):
                do_tender(story, step, when, [paper for paper in papers if paper != missing])
        do_tender(story, step, when, papers)

    assert (len(story.told(CaseResolved)), story.missed) == (1, [])


@pytest.mark.rule("LN-30")
def test_a_tender_that_is_not_public_has_no_notice() -> None:
    assert "publish" not in {one["step"] for one in allowed(a_tender().case, LUNENG, BIDDER)}


@pytest.mark.rule("LN-03")
@pytest.mark.parametrize("step", ["send-documents", "award"])
def test_documents_and_award_go_out_from_the_tendering_company(step: str) -> None:
    story = a_tender("public-tender")
    at_hand = [one[0] for one in TENDER].index(step)
    for one, when, kept in TENDER[:at_hand]:
        do_tender(story, one, when, kept.split())
    _, when, kept = TENDER[at_hand]

    with pytest.raises(ForbiddenError, match="is for tender-officer"):
        story.step(step, when, by=MANAGER, evidence={kept: "f1"})
