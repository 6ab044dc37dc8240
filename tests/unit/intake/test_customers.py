"""Claims about customers' files and problem users."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.intake.domain.customers import (
    Customer,
    FlagOpenError,
    NoProposalError,
    SamePersonError,
    decide,
    examine_proposal,
    holds,
    lapse,
    opened,
    propose,
    refiled,
    standard,
)
from services.intake.domain.files import (
    EarlierDeclarationError,
    Praise,
    Product,
    declare,
    file_product,
    praise_id,
    receive_praise,
)
from shared.errors import InvalidInputError, NotFoundError
from shared.values.idempotency import Command
from tests.builders_rules import an_edition
from tests.unit.intake.builders import A_BOX, RECEIVED, the_rules

RULE = standard(the_rules())[1]
COMMAND = Command("key-0001", "digest", "request")
BOTH = {"abuse": "录音 17", "extortion": "短信截图"}


def a_customer() -> Customer:
    return opened("c" * 32, "chongqing-branch", A_BOX, RECEIVED)


def proposed(customer: Customer | None = None, at: datetime = RECEIVED) -> Customer:
    behaviours = tuple(BOTH)
    return propose(
        customer or a_customer(),
        rule="standard",
        behaviours=behaviours,
        evidence=A_BOX,
        by="zhang-san",
        at=at,
        command=COMMAND,
    )[0]


def decided(
    customer: Customer, *, confirmed: bool = True, by: str = "li-si", at: datetime = RECEIVED
) -> Customer:
    return decide(
        customer,
        confirmed=confirmed,
        reason="属实",
        by=by,
        at=at,
        rule=RULE,
        calendar=an_edition().calendar,
        command=COMMAND,
    )[0]


def test_a_changed_file_is_told() -> None:
    customer = opened("c" * 32, "chongqing-branch", A_BOX, RECEIVED)
    again, changed = refiled(customer, A_BOX, date(2026, 7, 1))

    assert (again.first_business_on, changed.first_business_on) == (date(2026, 7, 1), date(2026, 7, 1))


@pytest.mark.parametrize(
    ("evidence", "field"),
    [
        ({"abuse": "录音"}, "evidence"),
        ({"abuse": "录音", "extortion": " "}, "evidence.extortion"),
        ({"abuse": "录音", "singing": "录音"}, "evidence.singing"),
    ],
)
def test_a_proposal_shows_enough_behaviours_each_with_evidence(evidence: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        examine_proposal(evidence, RULE)
    assert field in [problem.field for problem in refused.value.problems]


def test_two_behaviours_with_evidence_are_enough() -> None:
    examine_proposal(BOTH, RULE)


def test_the_proposer_cannot_decide() -> None:
    """INVARIANT: two people stand behind every problem user.

    What breaks it: asking for the right only; one person may have both rights.
    """
    with pytest.raises(SamePersonError):
        decided(proposed(), by="zhang-san")


def test_a_confirmed_status_holds_from_the_decision_until_local_midnight_after_its_days() -> None:
    # Confirmed on 3 July 2026 in Chongqing; 90 days later is 1 October, 00:00 local = 30 September 16:00 UTC.
    customer = decided(proposed())
    over = datetime(2026, 9, 30, 16, tzinfo=UTC)
    moment = timedelta(microseconds=1)

    assert holds(customer.spans, RECEIVED)
    assert not holds(customer.spans, RECEIVED - moment)
    assert holds(customer.spans, over - moment)
    assert not holds(customer.spans, over)


def test_a_refused_proposal_changes_nothing_for_the_customer() -> None:
    customer = decided(proposed(), confirmed=False)

    assert customer.spans == ()
    assert proposed(customer).flag is not None


def test_only_a_proposal_can_be_decided_and_only_after_it_was_made() -> None:
    with pytest.raises(NoProposalError):
        decided(a_customer())
    with pytest.raises(InvalidInputError):
        decided(proposed(), at=RECEIVED - timedelta(seconds=1))


def test_nothing_is_proposed_while_a_proposal_waits_or_the_status_holds() -> None:
    with pytest.raises(FlagOpenError):
        proposed(proposed())
    with pytest.raises(FlagOpenError):
        proposed(decided(proposed()))

    assert proposed(decided(proposed()), at=RECEIVED + timedelta(days=91)).flag is not None


def test_a_status_ends_by_itself_at_its_own_moment() -> None:
    customer = decided(proposed())
    over = datetime(2026, 9, 30, 16, tzinfo=UTC)

    ended = lapse(customer, over + timedelta(hours=5))

    assert ended is not None
    state, event, at = ended
    assert (event.status, at) == ("ended", over)
    assert state.flag is not None
    assert state.spans == customer.spans


def test_ending_twice_or_early_tells_nothing() -> None:
    customer = decided(proposed())
    over = datetime(2026, 9, 30, 16, tzinfo=UTC)
    once = lapse(customer, over)

    assert once is not None
    assert lapse(once[0], over) is None
    assert lapse(customer, over - timedelta(microseconds=1)) is None
    assert lapse(a_customer(), over) is None


def test_a_rulebook_without_problem_users_says_so() -> None:
    rules = the_rules()
    without = rules.model_copy(update={"intake": rules.intake.model_copy(update={"problem_users": {}})})

    with pytest.raises(NotFoundError):
        standard(without)


def test_a_declaration_is_never_taken_back_and_never_about_the_future() -> None:
    first, event = declare(None, "chongqing-branch", RECEIVED, "li-si", RECEIVED, COMMAND)

    assert event.complete_up_to == RECEIVED
    with pytest.raises(EarlierDeclarationError):
        declare(first, "chongqing-branch", RECEIVED - timedelta(days=1), "li-si", RECEIVED, COMMAND)
    with pytest.raises(InvalidInputError):
        declare(first, "chongqing-branch", RECEIVED + timedelta(days=1), "li-si", RECEIVED, COMMAND)


def test_a_products_file_is_opened_and_brought_up_to_date() -> None:
    first, _ = file_product(None, Product("flat-1", "chongqing-branch", "1栋101", ""), COMMAND)
    again, event = file_product(first, Product("flat-1", "chongqing-branch", "1栋101", "A"), COMMAND)

    assert (again.model, event.model) == ("A", "A")


def test_the_same_key_of_the_same_unit_is_the_same_praise() -> None:
    assert praise_id("u", "key-0001") == praise_id("u", "key-0001")
    assert praise_id("u", "key-0001") != praise_id("v", "key-0001")


def test_praise_is_told_to_whom_it_was_given() -> None:
    praise = Praise("00000000-0000-0000-0000-000000000001", "u", "group", RECEIVED, "c" * 32, A_BOX, "digest")

    assert receive_praise(praise, RECEIVED).to == "group"


def test_praise_was_not_received_in_the_future() -> None:
    praise = Praise("0" * 8, "u", "group", RECEIVED + timedelta(seconds=1), "c" * 32, A_BOX, "digest")

    with pytest.raises(InvalidInputError):
        receive_praise(praise, RECEIVED)
