"""Ways to settle (JK-09), payment in lieu (JK-10), and who pays (JK-13)."""

from decimal import Decimal
from typing import Any

import pytest

from services.handling.domain import Actor
from services.handling.domain.refusals import (
    AlreadyDoneError,
    ConsentMissingError,
    MissingPartsError,
    NotInProcedureError,
    NotTheirTurnError,
    SamePersonError,
    StepOrderError,
    UnknownKeyError,
)
from shared.errors import ForbiddenError
from shared.events.handling import DeadlineCleared, SettlementApproved, SettlementProposed
from tests.unit.handling.builders import AGREED, IN_LIEU, Story, a_story, an_actor, an_engineering_story


def a_found_story() -> Story:
    """A general complaint, found valid on 2 July at 08:00."""
    story = a_story(class_="general")
    story.find("07-02 08:00")
    return story


@pytest.mark.rule("JK-09")
def test_payment_in_lieu_needs_a_recorded_reason() -> None:
    story = a_found_story()

    with pytest.raises(MissingPartsError, match="reason"):
        story.do("propose-settlement", "07-03 08:00", **{**IN_LIEU, "reason": ""})


@pytest.mark.rule("JK-09")
def test_payment_in_lieu_needs_the_owners_consent() -> None:
    story = a_found_story()

    with pytest.raises(ConsentMissingError, match="consent"):
        story.do("propose-settlement", "07-03 08:00", **{**IN_LIEU, "owner_consents": False})


@pytest.mark.rule("JK-09")
def test_reason_and_consent_go_out_with_the_proposal() -> None:
    story = a_found_story()

    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)

    proposed = story.last(SettlementProposed)
    assert (proposed.owner_consents, proposed.reason) == (True, "rectification would damage the finish")
    assert (proposed.amount, proposed.payer) == (Decimal(8000), "contractor-deposit")


@pytest.mark.rule("JK-10")
@pytest.mark.parametrize(("at", "missed"), [("07-11 09:59:59", []), ("07-11 10:00", ["pay#1 07-11 10:00"])])
def test_payment_in_lieu_is_due_seven_days_after_the_approval(at: str, missed: list[str]) -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)
    story.do("approve-settlement", "07-04 07:00")

    # Approved on 4 July at 07:00, so due 11 July at 07:00; a later approval moves it along.
    assert story.due("pay") == "07-11 07:00"
    other = a_found_story()
    other.do("propose-settlement", "07-03 12:00", **IN_LIEU)
    other.do("approve-settlement", "07-04 10:00")
    other.step("pay", at, evidence={"payment-slip": "f6"})
    assert other.missed == missed


@pytest.mark.rule("JK-10")
def test_a_payment_without_its_slip_is_not_done() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)
    story.do("approve-settlement", "07-04 07:00")

    with pytest.raises(MissingPartsError, match=r"evidence\.payment-slip"):
        story.step("pay", "07-05 08:00")


@pytest.mark.rule("JK-13")
@pytest.mark.parametrize(
    ("deposit", "from_deposit", "directly"),
    # The amount is 8,000.
    [
        ("10000", "8000", "0"),
        ("8000", "8000", "0"),
        ("5000.50", "5000.50", "2999.50"),
        ("0", "0", "8000"),
    ],
)
def test_only_the_shortfall_of_the_deposit_is_paid_directly(
    deposit: str, from_deposit: str, directly: str
) -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)

    story.do("approve-settlement", "07-04 07:00", deposit=deposit)

    approved = story.last(SettlementApproved)
    assert (approved.from_deposit, approved.paid_directly) == (Decimal(from_deposit), Decimal(directly))


@pytest.mark.rule("JK-13")
def test_while_the_deposit_is_not_known_no_split_is_told() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)

    story.do("approve-settlement", "07-04 07:00")

    approved = story.last(SettlementApproved)
    assert (approved.amount, approved.from_deposit, approved.paid_directly) == (Decimal(8000), None, None)


@pytest.mark.rule("JK-13")
def test_the_contractor_bears_a_rectification() -> None:
    story = a_found_story()

    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-04 07:00")

    approved = story.last(SettlementApproved)
    assert (approved.payer, approved.amount) == ("contractor", None)


@pytest.mark.rule("JK-13")
def test_the_leader_in_the_chain_approves_and_nobody_else() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)

    with pytest.raises(NotTheirTurnError, match="company-leader"):
        story.do("approve-settlement", "07-04 07:00", by=an_actor("branch-head"))
    story.do("approve-settlement", "07-04 07:00")

    assert story.last(SettlementApproved).approvals == ("company-leader:company-leader",)


@pytest.mark.rule("JK-03")
def test_where_no_chain_is_ruled_the_signature_still_needs_the_right_to_approve() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="explanation", **AGREED)

    with pytest.raises(ForbiddenError, match=r"cases\.approve"):
        story.do("approve-settlement", "07-04 07:00", by=an_actor("branch-head"))


def test_who_proposed_a_settlement_cannot_approve_it() -> None:
    story = a_found_story()
    leader = an_actor("company-leader", "leader-1", "chongqing")
    story.do("propose-settlement", "07-03 08:00", by=leader, **IN_LIEU)

    with pytest.raises(SamePersonError):
        story.do("approve-settlement", "07-04 07:00", by=leader)


def a_deputy(person: str, absent: str = "leader-1") -> Actor:
    """The branch head, who stands in for the absent leader; signing in lends the right to approve."""
    head = an_actor("branch-head", person)
    lent = {"stands_for": ((absent, "company-leader"),), "rights": head.rights | {"cases.approve"}}
    return head.model_copy(update=lent)


def test_a_deputy_signs_for_the_absent_holder_and_the_record_says_for_whom() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", **IN_LIEU)

    story.do("approve-settlement", "07-04 07:00", by=a_deputy("head-1"))

    assert story.last(SettlementApproved).approvals == ("company-leader:head-1 for leader-1",)


def test_nobody_signs_through_a_deputy_what_they_proposed() -> None:
    story = a_found_story()
    leader = an_actor("company-leader", "leader-1", "chongqing")
    story.do("propose-settlement", "07-03 08:00", by=leader, **IN_LIEU)

    with pytest.raises(SamePersonError):
        story.do("approve-settlement", "07-04 07:00", by=a_deputy("head-1"))


def test_an_importer_enters_for_others_under_their_own_names() -> None:
    story = a_found_story()
    importer = an_actor("importer", "importer-1", "chongqing")
    officer = {"person": "officer-1", "role": "branch-officer"}
    leader = {"person": "leader-1", "role": "company-leader"}

    story.do("propose-settlement", "07-03 08:00", by=importer, acting_for=officer, **IN_LIEU)
    story.do("approve-settlement", "07-04 07:00", by=importer, acting_for=leader)

    assert story.last(SettlementProposed).by == "officer-1"
    assert story.last(SettlementApproved).approvals == ("company-leader:leader-1",)


def test_nobody_else_may_enter_for_others() -> None:
    story = a_found_story()
    leader = {"person": "leader-1", "role": "company-leader"}

    with pytest.raises(ForbiddenError, match=r"complaints\.import"):
        story.do("approve-settlement", "07-04 07:00", by=an_actor("branch-head"), acting_for=leader)


def test_there_is_nothing_to_approve_before_a_proposal_and_nothing_after_the_approval() -> None:
    story = a_found_story()

    with pytest.raises(StepOrderError, match="propose-settlement"):
        story.do("approve-settlement", "07-03 07:00")
    story.do("propose-settlement", "07-03 08:00", way="explanation", **AGREED)
    story.do("approve-settlement", "07-04 07:00")
    with pytest.raises(AlreadyDoneError):
        story.do("approve-settlement", "07-04 08:00")


def test_a_procedure_that_settles_nothing_by_agreement_takes_no_settlement() -> None:
    story = an_engineering_story()

    with pytest.raises(NotInProcedureError, match="settles nothing"):
        story.do("propose-settlement", "07-09 08:00", way="explanation", **AGREED)


def test_a_way_that_the_rulebook_does_not_know_is_refused_with_those_it_knows() -> None:
    story = a_found_story()

    with pytest.raises(UnknownKeyError, match="explanation, payment-in-lieu, rectification"):
        story.do("propose-settlement", "07-03 08:00", way="gift", **AGREED)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": None}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"way": "rectification"}, "amount"),
        ({"way": "rectification", "amount": None, "deposit": "5"}, "deposit"),
    ],
)
def test_an_amount_or_deposit_that_does_not_fit_the_way_is_refused(
    changed: dict[str, Any], field: str
) -> None:
    story = a_found_story()

    with pytest.raises(MissingPartsError) as refused:
        story.do("propose-settlement", "07-03 08:00", **{**IN_LIEU, **changed})

    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.rule("JK-03")
def test_steps_of_another_way_are_not_owed() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="explanation", **AGREED)
    story.do("approve-settlement", "07-04 07:00")

    with pytest.raises(NotInProcedureError, match=r"'pay' belongs to the way 'payment-in-lieu'"):
        story.step("pay", "07-05 08:00", evidence={"payment-slip": "f6"})


def test_proposing_another_way_ends_no_clock_until_it_is_approved() -> None:
    """INVARIANT: a deadline cannot be escaped by proposing another way to settle.

    What breaks it: following the newest proposal instead of the approved settlement.
    """
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-04 07:00")

    # Ten days from the approval: 14 July 07:00.
    story.do("propose-settlement", "07-13 08:00", **IN_LIEU)
    assert story.sweep("07-14 07:00") == ["carry-out#1 07-14 07:00"]
    story.do("approve-settlement", "07-14 07:30")

    assert (story.due("pay"), story.missed) == ("07-21 07:30", ["carry-out#1 07-14 07:00"])


def test_a_new_settlement_has_to_be_signed_anew_and_in_time() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-04 07:00")

    story.do("propose-settlement", "07-10 08:00", **IN_LIEU)

    # 10 July 08:00 + 24 h, the leader's second signature.
    assert story.sweep("07-11 08:00") == ["approve#2 07-11 08:00"]


def test_an_approved_change_of_way_ends_the_clocks_of_the_old_one() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-04 07:00")
    story.do("propose-settlement", "07-10 08:00", **IN_LIEU)
    story.do("approve-settlement", "07-11 07:00")

    told = story.sweep("07-20 00:00")

    # Only the payment is owed now: 11 July 07:00 + 7 days.
    assert told == ["pay#1 07-18 07:00"]


def test_a_return_to_the_first_way_lets_its_step_begin_again() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-03 20:00")
    story.do("propose-settlement", "07-05 08:00", **IN_LIEU)
    story.do("approve-settlement", "07-05 20:00")

    story.do("propose-settlement", "07-08 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-08 20:00")

    # 8 July 20:00 + 10 days; the payment is not owed any more. It is the third settlement, so the third run.
    assert story.due("carry-out") == "07-18 20:00"
    assert story.sweep("07-31 00:00") == ["carry-out#3 07-18 20:00"]


def test_an_approval_entered_late_takes_back_what_the_old_settlement_was_told_to_have_missed() -> None:
    story = a_found_story()
    story.do("propose-settlement", "07-03 08:00", way="rectification", **AGREED)
    story.do("approve-settlement", "07-03 20:00")
    story.do("propose-settlement", "07-05 08:00", way="rectification", **AGREED)
    story.sweep("07-20 00:00")

    story.do("approve-settlement", "07-05 20:00")

    # Told on the 20th: the first settlement's ten days ended on 13 July at 20:00. But it had been replaced on the
    # 5th, so the ten days of the second count, to 15 July 20:00.
    assert [event.reason for event in story.told(DeadlineCleared)] == ["done-in-time", "begun-again"]
    assert story.missed == []
    assert story.sweep("07-20 00:00") == ["carry-out#2 07-15 20:00"]
