"""Who must do a step, and how far a signature goes (LN-03, LN-07, LN-08, XA-02, XA-12)."""

from typing import Any

import pytest

from services.handling import domain
from services.handling.domain import Actor
from services.handling.domain.refusals import NotTheirTurnError, SamePersonError
from shared.errors import ForbiddenError
from shared.events.handling import SettlementApproved, SettlementProposed, SettlementSigned, StepCompleted
from tests.unit.handling.builders import Story, a_registration, a_rule, a_step, an_edition

STEPS = {
    "assign": a_step(by=["head", "leader"]),
    "agree": a_step(done_by="settlement"),
    "approve": a_step(done_by="approval", right="cases.approve", requires="agree"),
    "done": a_step(requires="approve", resolves=True),
}
CHAIN = ["handler", "head", "office", "leader"]
WAYS = {
    "refund": a_rule(has_amount=True, approvals=CHAIN, up_to={"handler": 200, "head": 2000, "office": 10000}),
    "gift": a_rule(approvals=CHAIN, up_to={"handler": 200, "head": 2000}),
}
EDITION = an_edition({"procedures": {"one": a_rule(applies={}, steps=STEPS)}, "ways": WAYS})


def a_person_of(role: str, person: str = "", *rights: str) -> Actor:
    return Actor(person=person or role, unit="chongqing-branch", role=role, rights=frozenset(rights))


APPROVES = "cases.approve"


def a_proposal(by: Actor, amount: str | None, way: str = "refund") -> Story:
    story = Story(a_registration(), EDITION)
    said: dict[str, Any] = {"amount": amount} if amount else {}
    story.do("propose-settlement", "07-02 08:00", by=by, way=way, **said)
    return story


@pytest.mark.rule("LN-07", "LN-08", "XA-02")
def test_a_step_is_done_by_the_roles_that_the_rulebook_names_and_by_nobody_else() -> None:
    story = Story(a_registration(), EDITION)

    with pytest.raises(ForbiddenError, match="'assign' is for head or leader, not for 'handler'"):
        story.step("assign", "07-01 10:00", by=a_person_of("handler"))
    story.step("assign", "07-01 10:00", by=a_person_of("head"))

    assert story.last(StepCompleted).by == "head"


def test_who_enters_the_past_does_a_step_in_the_role_of_who_did_it() -> None:
    edition = an_edition(
        {"procedures": {"one": a_rule(applies={}, steps={"assign": a_step(by="service-officer")})}}
    )
    story = Story(a_registration(), edition)
    clerk = a_person_of("clerk", "clerk", domain.IMPORT)
    did = {"person": "ann", "role": "service-officer"}

    with pytest.raises(ForbiddenError, match="is for service-officer"):
        story.step("assign", "07-01 10:00", by=clerk)
    story.step("assign", "07-01 10:00", by=clerk, acting_for=did)

    assert story.last(StepCompleted).by == "ann"


@pytest.mark.parametrize(("role", "why_not"), [("handler", "Is for head or leader."), ("leader", None)])
def test_what_is_allowed_names_the_roles(role: str, why_not: str | None) -> None:
    story = Story(a_registration(), EDITION)

    found = domain.allowed(story.case, EDITION, a_person_of(role, "x", "cases.handle"))

    (assign,) = (one for one in found if one["step"] == "assign")
    assert (assign["by"], assign["why_not"]) == (["head", "leader"], why_not)


@pytest.mark.rule("LN-08", "XA-12")
@pytest.mark.parametrize(
    ("role", "amount"),
    [
        pytest.param("handler", "200", id="to the edge of his authority"),
        pytest.param("head", "200", id="nobody below is asked"),
        pytest.param("head", "2000", id="the second"),
        pytest.param("leader", "500000", id="the last of the chain has no edge"),
    ],
)
def test_who_proposes_within_his_authority_settles_at_once(role: str, amount: str) -> None:
    story = a_proposal(a_person_of(role), amount)

    approved = story.last(SettlementApproved)
    assert approved.approvals == (f"{role}:{role}",)
    assert [one.step for one in story.told(StepCompleted)] == ["agree", "approve"]
    assert story.told(SettlementSigned) == []


@pytest.mark.rule("LN-08", "XA-12")
@pytest.mark.parametrize(
    ("amount", "still"),
    [
        ("200.01", ("head",)),
        ("2000", ("head",)),
        ("2000.01", ("head", "office")),
        ("10000.01", ("head", "office", "leader")),
    ],
)
def test_what_is_beyond_an_authority_goes_up_to_the_first_that_covers_it(
    amount: str, still: tuple[str, ...]
) -> None:
    story = a_proposal(a_person_of("handler"), amount)

    signed = story.last(SettlementSigned)

    assert (signed.role, signed.by, signed.still_to_sign) == ("handler", "handler", still)
    assert story.told(SettlementApproved) == []
    for role in still:
        assert story.told(SettlementApproved) == []
        story.do("approve-settlement", "07-02 09:00", by=a_person_of(role, "", APPROVES))
    assert story.last(SettlementApproved).approvals == tuple(f"{one}:{one}" for one in ("handler", *still))


def test_who_is_not_of_the_chain_signs_nothing_by_proposing() -> None:
    story = a_proposal(a_person_of("clerk"), "150")

    with pytest.raises(
        NotTheirTurnError, match="'handler' or 'head' or 'office' or 'leader', not of 'clerk'"
    ):
        story.do("approve-settlement", "07-02 09:00", by=a_person_of("clerk", "ann", APPROVES))
    story.do("approve-settlement", "07-02 09:00", by=a_person_of("handler", "", APPROVES))

    # 150 is within the handler's 200, so nobody else is asked.
    assert story.last(SettlementApproved).approvals == ("handler:handler",)


@pytest.mark.rule("LN-08", "XA-12")
@pytest.mark.parametrize(
    ("amount", "role", "still"),
    [
        pytest.param("1500", "head", (), id="within his own authority"),
        pytest.param("1500", "leader", (), id="and of anybody above him"),
        pytest.param("2000.01", "head", ("office",), id="beyond it, the next above signs too"),
    ],
)
def test_where_a_unit_lacks_the_lower_role_one_above_signs_for_it(
    amount: str, role: str, still: tuple[str, ...]
) -> None:
    story = a_proposal(a_person_of("clerk"), amount)

    story.do("approve-settlement", "07-02 09:00", by=a_person_of(role, "", APPROVES))

    assert tuple(one for signed in story.told(SettlementSigned) for one in signed.still_to_sign) == still
    assert bool(story.told(SettlementApproved)) == (not still)


def test_whoever_signed_by_proposing_signs_for_nobody_else() -> None:
    story = a_proposal(a_person_of("handler", "ann"), "1500")

    with pytest.raises(SamePersonError):
        story.do("approve-settlement", "07-02 09:00", by=a_person_of("head", "ann", APPROVES))


def test_where_no_amount_is_known_the_whole_chain_signs() -> None:
    story = a_proposal(a_person_of("handler"), None, way="gift")

    assert story.last(SettlementSigned).still_to_sign == ("head", "office", "leader")
    assert story.last(SettlementProposed).amount is None
