"""How a draft comes into force: who drafts, which chains it passes, who approves for whom."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from services.registry.domain.editions import (
    ApprovalError,
    Draft,
    Holder,
    PublishedPeriodError,
    approve,
    chains_for,
    enacted,
    file,
    must_build_on,
    must_draft,
    must_spare_the_published,
    propose,
    reject,
)
from services.registry.domain.records import State
from shared.errors import ForbiddenError, InvalidInputError
from shared.rulebook.edition import Edition
from shared.rulebook.load import edition_from_files
from tests.unit.rulebook.editions import jinke

NOW = datetime(2026, 8, 3, 1, tzinfo=UTC)
CHAIN = """  {key}:
    from: 2005-05-28
    source: JK-01
    title: {{zh: 链, en: chain}}
    drafts: centre-director
    approves: [{approves}]
    covers: [{covers}]
    files_with: {files_with}
"""


def regulation(*chains: str) -> Edition:
    """Return jinke's edition with other chains of approval."""
    head, _, _ = jinke()["rulebook.yaml"].partition("\napproval:\n")
    return edition_from_files({**jinke(), "rulebook.yaml": f"{head}\napproval:\n{''.join(chains)}"})


def chain(key: str, approves: str, covers: str = "", files_with: str = '""') -> str:
    return CHAIN.format(key=key, approves=approves, covers=covers, files_with=files_with)


COMPLAINTS = chain("complaints", "group-president, supervisor", "procedures, limits", "国家中心")
CALLBACKS = chain("callbacks", "group-president, branch-head", "callback")
REST = chain("rest", "group-president")


def proposal(edition: Edition, *topics: str) -> State:
    draft = Draft("next", "a" * 64, "bundle", topics=topics, against="b" * 64)
    return propose(draft, "drafter", NOW, chains_for(edition, topics, NOW))[0]


def own(person: str, role: str) -> list[Holder]:
    return [Holder(person, role)]


# --- chains


@pytest.mark.rule("XA-15", "QS-11")
@pytest.mark.parametrize(
    ("topics", "chains"),
    [
        (("limits",), {"complaints"}),
        (("callback",), {"callbacks"}),
        (("callback", "procedures"), {"callbacks", "complaints"}),
        # No chain covers the scoring, so what covers nothing in particular is for it.
        (("limits", "scoring"), {"complaints", "rest"}),
        # Nothing but what the edition is called.
        ((), {"rest"}),
    ],
)
def test_a_draft_passes_the_chains_of_the_topics_that_it_changes(
    topics: tuple[str, ...], chains: set[str]
) -> None:
    assert chains_for(regulation(COMPLAINTS, CALLBACKS, REST), topics, NOW).keys() == chains


@pytest.mark.rule("XA-15")
def test_what_no_chain_covers_passes_all_of_them() -> None:
    """INVARIANT: nobody changes the chains of approval themselves past those who approve.

    What breaks it: no chain for a topic that no chain names.
    """
    assert chains_for(regulation(COMPLAINTS, CALLBACKS), ("rulebook",), NOW).keys() == {
        "complaints",
        "callbacks",
    }


@pytest.mark.rule("ZY-13", "QS-11")
def test_only_the_role_that_the_regulation_names_drafts() -> None:
    chains = chains_for(regulation(REST), ("limits",), NOW)

    must_draft("centre-director", chains)
    with pytest.raises(ForbiddenError, match="drafted by a 'centre-director'"):
        must_draft("branch-head", chains)


# --- approvals


@pytest.mark.rule("XA-15")
def test_each_chain_goes_in_its_order_and_one_approval_counts_in_all_where_it_is_the_turn() -> None:
    waits = proposal(regulation(COMPLAINTS, CALLBACKS), "limits", "callback")
    assert waits["waits_for"] == ["group-president"]

    waits, told = approve(waits, own("president", "group-president"), NOW, "c" * 64)
    assert [(one.chain, one.report) for one in told] == [("complaints", "c" * 64), ("callbacks", "c" * 64)]
    assert waits["waits_for"] == ["supervisor", "branch-head"]

    waits, _ = approve(waits, own("head", "branch-head"), NOW)
    assert waits["waits_for"] == ["supervisor"]
    with pytest.raises(ApprovalError, match="waits for the approval of a 'supervisor'"):
        approve(waits, own("head", "branch-head"), NOW)

    waits, _ = approve(waits, own("officer", "supervisor"), NOW)
    assert (waits["waits_for"], enacted(waits, NOW).approved_by) == ([], ("president", "head", "officer"))
    with pytest.raises(ApprovalError, match="has all its approvals"):
        approve(waits, own("officer", "supervisor"), NOW)


@pytest.mark.rule("QS-11")
@pytest.mark.parametrize(
    "holders", [own("drafter", "group-president"), [Holder("deputy", "group-president", "drafter")]]
)
def test_who_drafts_does_not_approve_not_even_through_a_deputy(holders: Sequence[Holder]) -> None:
    with pytest.raises(ApprovalError, match="does not approve it"):
        approve(proposal(regulation(REST), "limits"), holders, NOW)


@pytest.mark.rule("QS-11")
def test_one_person_approves_once_in_a_chain_whatever_roles_they_hold() -> None:
    twice = chain("twice", "group-president, supervisor")
    waits, _ = approve(proposal(regulation(twice), "limits"), own("x", "group-president"), NOW)

    for holder in (Holder("x", "supervisor"), Holder("y", "supervisor", "x")):
        with pytest.raises(ApprovalError, match="approved this draft already"):
            approve(waits, [holder], NOW)


@pytest.mark.rule("QS-11")
def test_a_deputy_approves_and_it_is_recorded_for_whom() -> None:
    deputy = [Holder("y", "branch-head"), Holder("y", "group-president", "president")]

    approved, (told,) = approve(proposal(regulation(REST), "limits"), deputy, NOW)

    assert (told.role, told.person, told.for_person) == ("group-president", "y", "president")
    assert approved["approvals"][0]["for_person"] == "president"


@pytest.mark.rule("QS-11")
def test_a_rejected_draft_says_why_and_is_approved_by_nobody() -> None:
    refused, told = reject(
        proposal(regulation(COMPLAINTS), "limits"), own("p", "group-president"), "期限太短。", NOW
    )

    assert (told.chain, told.role, told.reasons, refused["waits_for"]) == (
        "complaints",
        "group-president",
        "期限太短。",
        [],
    )
    with pytest.raises(ApprovalError, match="期限太短"):
        approve(refused, own("p", "group-president"), NOW)


def test_a_draft_that_would_undo_what_came_into_force_meanwhile_is_not_approved() -> None:
    must_build_on(proposal(regulation(REST), "limits"), "b" * 64)
    with pytest.raises(ApprovalError, match="would undo it"):
        must_build_on(proposal(regulation(REST), "limits"), "d" * 64)


# --- published periods


@pytest.mark.parametrize(
    ("first", "published", "restates", "passes"),
    [
        # July is published: what changes on its last day is refused, on 1 August it is not.
        (date(2026, 7, 31), date(2026, 8, 1), False, False),
        (date(2026, 8, 1), date(2026, 8, 1), False, True),
        (date(2026, 7, 31), date(2026, 8, 1), True, True),
        (date(2005, 5, 28), None, False, True),
        (None, date(2026, 8, 1), False, True),
    ],
)
@pytest.mark.rule("QS-11")
def test_a_published_period_is_changed_only_by_a_draft_that_says_so(
    first: date | None, published: date | None, restates: bool, passes: bool
) -> None:
    try:
        must_spare_the_published(first, published, restates=restates)
    except PublishedPeriodError:
        assert not passes
    else:
        assert passes


# --- filing


@pytest.mark.rule("XA-15")
def test_an_approved_text_is_filed_with_the_body_that_the_regulation_names() -> None:
    waits = proposal(regulation(COMPLAINTS), "limits")
    with pytest.raises(ApprovalError, match="nothing to file"):
        file(waits, "国家中心", date(2026, 8, 9), "drafter")
    waits, _ = approve(waits, own("p", "group-president"), NOW)
    approved, _ = approve(waits, own("o", "supervisor"), NOW)

    with pytest.raises(InvalidInputError):
        file(approved, "别处", date(2026, 8, 9), "drafter")
    filed, told = file(approved, "国家中心", date(2026, 8, 9), "drafter")
    again = file(filed, "国家中心", date(2026, 8, 10), "drafter")

    assert told is not None
    assert filed["filed"] == [{"filed_with": "国家中心", "on": "2026-08-09", "by": "drafter"}]
    assert again == (filed, None)
