"""Claims about the one contact that a problem user's status rests on, and about its review. Rule ZY-05."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.domain.customers import (
    Customer,
    NoStatusError,
    SamePersonError,
    decide,
    examine_proposal,
    holds,
    lapse,
    opened,
    propose,
    review,
    standard,
)
from shared.errors import InvalidInputError
from shared.events.intake import CustomerFlagged
from shared.values.idempotency import Command
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX, RECEIVED, the_rules

# 90 days, and a look after 60.
RULE = standard(the_rules())[1].model_copy(update={"one_contact": True, "review_days": 60, "days": 90})
CALENDAR = an_edition().calendar
COMMAND = Command("key-0001", "digest", "request")
# Received on 3 July: looked at from 1 September, over on 1 October, each at midnight in Shanghai.
REVIEW = datetime(2026, 8, 31, 16, tzinfo=UTC)
OVER = datetime(2026, 9, 30, 16, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def a_problem_user() -> Customer:
    customer, _ = propose(
        opened("c" * 32, "chongqing-branch", A_BOX, RECEIVED),
        rule="standard",
        behaviours=("abuse", "extortion"),
        evidence=A_BOX,
        by="zhang-san",
        at=RECEIVED,
        command=COMMAND,
        contact="matter-1",
    )
    return decide(
        customer,
        confirmed=True,
        reason="属实",
        by="li-si",
        at=RECEIVED,
        rule=RULE,
        calendar=CALENDAR,
        command=COMMAND,
    )[0]


def reviewed(*, keep: bool, at: datetime = REVIEW, by: str = "li-si") -> tuple[Customer, CustomerFlagged]:
    return review(
        a_problem_user(),
        keep=keep,
        reason="复核",
        by=by,
        at=at,
        rule=RULE,
        calendar=CALENDAR,
        command=Command("key-0002", "digest", "request"),
    )


def test_a_proposal_names_the_one_contact_where_the_rulebook_asks_for_one() -> None:
    evidence = {"abuse": "录音 17", "extortion": "短信截图"}

    with pytest.raises(InvalidInputError) as refused:
        examine_proposal(evidence, RULE)
    assert [problem.field for problem in refused.value.problems] == ["contact"]
    examine_proposal(evidence, RULE, "matter-1")
    examine_proposal(evidence, RULE.model_copy(update={"one_contact": False}))


def test_after_its_days_somebody_is_asked_to_look_once_and_the_status_holds_on() -> None:
    customer = a_problem_user()

    asked = lapse(customer, REVIEW)

    assert lapse(customer, REVIEW - MOMENT) is None
    assert asked is not None
    state, event, at = asked
    assert (event.status, event.contact, at) == ("review-due", "matter-1", REVIEW)
    assert holds(state.spans, REVIEW)
    assert lapse(state, OVER - MOMENT) is None


def test_whoever_slept_through_both_is_told_of_both_in_order() -> None:
    # The sweep was down until November: first the review, then the end, each at its own moment.
    late = OVER + timedelta(days=30)
    first = lapse(a_problem_user(), late)
    assert first is not None
    second = lapse(first[0], late)
    assert second is not None

    assert [(one[1].status, one[2]) for one in (first, second)] == [("review-due", REVIEW), ("ended", OVER)]
    assert lapse(second[0], late) is None


def test_a_status_that_is_not_kept_ends_at_that_moment() -> None:
    state, event = reviewed(keep=False)

    assert event.status == "ended"
    assert state.spans == ((RECEIVED, REVIEW),)
    assert (holds(state.spans, REVIEW - MOMENT), holds(state.spans, REVIEW)) == (True, False)
    assert lapse(state, OVER) is None


def test_a_status_that_is_kept_is_looked_at_again_only_before_its_end() -> None:
    # 60 days after 1 September lies behind 1 October; 60 days after 13 July is 11 September.
    late, event = reviewed(keep=True)
    early, _ = reviewed(keep=True, at=RECEIVED + timedelta(days=10))

    assert late.flag is not None
    assert early.flag is not None
    assert (late.flag.review_at, event.status, late.spans) == (None, "confirmed", ((RECEIVED, OVER),))
    assert early.flag.review_at == datetime(2026, 9, 10, 16, tzinfo=UTC)


def test_the_proposer_does_not_review() -> None:
    with pytest.raises(SamePersonError):
        reviewed(keep=True, by="zhang-san")


@pytest.mark.parametrize("at", [RECEIVED - MOMENT, OVER])
def test_there_is_nothing_to_review_where_no_status_holds(at: datetime) -> None:
    with pytest.raises(NoStatusError):
        reviewed(keep=False, at=at)


def test_without_review_days_nobody_is_asked() -> None:
    rule = RULE.model_copy(update={"review_days": None})
    customer = decide(
        propose(
            opened("c" * 32, "chongqing-branch", A_BOX, RECEIVED),
            rule="standard",
            behaviours=("abuse", "extortion"),
            evidence=A_BOX,
            by="zhang-san",
            at=RECEIVED,
            command=COMMAND,
        )[0],
        confirmed=True,
        reason="属实",
        by="li-si",
        at=RECEIVED,
        rule=rule,
        calendar=CALENDAR,
        command=COMMAND,
    )[0]

    assert lapse(customer, OVER - MOMENT) is None
