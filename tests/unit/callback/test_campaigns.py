"""Campaigns: whom they could ask, whom they ask, what is told. Rules ZY-10, LN-27."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.callback import domain
from services.callback.domain import Matter, Outcome, Status, campaigns
from services.callback.domain.campaigns import Campaign, Stage
from services.callback.domain.refusals import CampaignOverError, FrameEmptyError
from services.callback.domain.sampling import commitment, hash_of
from shared.errors import ForbiddenError, NotFoundError
from shared.events.callback import CampaignClosed, CampaignDrawn, CampaignOpened
from shared.rulebook.edition import Edition
from shared.rulebook.schema import Rules
from shared.rulebook.schema.callback import Campaign as Rule
from tests.builders_rules import an_edition_with
from tests.unit.callback.builders import (
    a_call,
    an_answer,
    at,
    called,
    closed,
    grown,
    registered,
    types,
)

NOW = at("2026-07-10 10:00")
SURVEY: dict[str, Any] = {
    "from": "2020-01-01",
    "source": "ZY-10",
    "title": {"zh": "访谈", "en": "interview"},
    "of": "matters",
    "sample": {"number": 4},
    "strata": "unit",
    "questionnaire": "owners",
    "within": {"days": 30},
    "by": "supervisor",
}


def a_rule(**changed: object) -> Rule:
    return Rule.model_validate({**SURVEY, **changed})


def an_edition(**changed: object) -> Edition:
    def change(rules: Rules) -> Rules:
        callback = rules.callback.model_copy(update={"campaigns": {"visit": a_rule(**changed)}})
        return rules.model_copy(update={"callback": callback})

    return an_edition_with(change)


def matters(count: int = 8) -> list[Matter]:
    """Complaints closed on 1 July, each a customer's own."""
    found = []
    for number in range(count):
        complaint = UUID(int=number + 1)
        matter, _ = grown([registered(complaint), closed(at("2026-07-01 10:00"), complaint=complaint)])
        found.append(matter.model_copy(update={"customer": f"customer/{number}"}))
    return found


def opened(
    edition: Edition | None = None, known: list[Matter] | None = None
) -> tuple[Campaign, CampaignOpened]:
    edition = edition or an_edition()
    rule = campaigns.rule_of("visit", "supervisor", edition, NOW)
    frame = campaigns.frame_of(matters() if known is None else known, rule, None, NOW)
    campaign, happened = campaigns.opened(
        "c1", "visit", rule, frame, seed="seed", by="li", unit="group", edition=edition, now=NOW
    )
    (event,) = [item.event for item in happened if isinstance(item.event, CampaignOpened)]
    return campaign, event


def interviews(campaign: Campaign, edition: Edition) -> dict[str, Matter]:
    by_id = {matter.complaint_id: matter for matter in matters()}
    return {
        source.id: campaigns.interview(campaign, source, by_id[source.matter], edition)
        for source in campaign.frame
        if source.id in campaign.sample
    }


# --- whom


def test_who_is_asked_is_fixed_before_the_lot_is_drawn() -> None:
    """INVARIANT: the frame's hash and the seed's are told first, the seed with the draw.

    What breaks it: a seed that is told, or chosen, when it is known whom it draws.
    """
    campaign, told = opened()
    drawn, happened = campaigns.draw(campaign, an_edition(), NOW + timedelta(hours=1))
    (event,) = [item.event for item in happened if isinstance(item.event, CampaignDrawn)]

    assert (told.frame_size, told.size, told.frame_hash) == (8, 4, hash_of(campaign.members))
    assert "seed" not in told.model_dump_json().replace("seed_hash", "")
    assert commitment(event.seed) == told.seed_hash
    assert event.sample_hash == hash_of(one for one in drawn.members if one.id in drawn.sample)
    assert (drawn.stage, len(drawn.sample)) == (Stage.DRAWN, 4)
    # A second draw is no draw.
    assert campaigns.draw(drawn, an_edition(), NOW + timedelta(hours=2)) == (drawn, [])


@pytest.mark.parametrize(
    ("changed", "since", "count"),
    [
        # All closed on 1 July.
        ({}, None, 8),
        ({}, "2026-07-01 10:00", 8),
        ({}, "2026-07-01 10:01", 0),
        ({"frame": {"kind": "repair"}}, None, 0),
        # Eight customers with a matter each.
        ({"of": "customers"}, "2026-07-09 00:00", 8),
        ({"of": "customers", "frame": {"kind": "repair"}}, None, 0),
    ],
)
def test_the_frame_is_whom_the_rulebook_means(
    changed: dict[str, object], since: str | None, count: int
) -> None:
    frame = campaigns.frame_of(matters(), a_rule(**changed), at(since) if since else None, NOW)

    assert len(frame) == count


def test_a_customer_is_in_the_frame_once_and_a_problem_user_never() -> None:
    same = [one.model_copy(update={"customer": "customer/same"}) for one in matters(3)]
    problem = matters(1)[0].model_copy(update={"problem_user": True})

    assert [one.id for one in campaigns.frame_of(same, a_rule(of="customers"), None, NOW)] == [
        "customer/same"
    ]
    assert campaigns.frame_of([problem], a_rule(), None, NOW) == []


def test_nobody_asks_an_empty_frame() -> None:
    with pytest.raises(FrameEmptyError):
        opened(known=[])


def test_only_the_rulebook_s_roles_start_it() -> None:
    with pytest.raises(ForbiddenError, match="started by supervisor"):
        campaigns.rule_of("visit", "caller", an_edition(), NOW)
    with pytest.raises(NotFoundError, match="it has: visit"):
        campaigns.rule_of("visits", "supervisor", an_edition(), NOW)


# --- interviews


def test_an_interview_is_a_task_in_a_window_of_its_own_and_is_told_to_nobody() -> None:
    edition = an_edition()
    drawn, _ = campaigns.draw(opened(edition)[0], edition, NOW)
    matter = next(iter(interviews(drawn, edition).values()))
    task = matter.current
    assert task is not None
    # 10 July 10:00 + 30 days.
    assert (task.status, task.due_before) == (Status.OPEN, at("2026-08-09 10:00"))
    assert domain.questionnaire_of(task, edition).title.zh

    answered, happened = called(matter, an_answer("2026-07-11 10:00"), edition=edition)
    silent, missed = domain.settle(matter, at("2026-08-09 10:00"))

    assert (types(happened), missed) == ([], [])
    assert answered.current is not None
    assert silent.current is not None
    assert (answered.current.status, silent.current.status) == (Status.COMPLETED, Status.MISSED)
    assert domain.rows_of(answered) == []
    # And no campaign asks an interview.
    assert campaigns.frame_of([answered], a_rule(), None, at("2026-08-10 10:00")) == []


def test_a_campaign_ends_with_what_its_answers_say_of_all() -> None:
    # One stratum of 8, four asked: 5, 3 and 4 answer, one cannot be reached.
    edition = an_edition()
    drawn, _ = campaigns.draw(opened(edition)[0], edition, NOW)
    asked = {}
    levels = [5, 3, 4]
    for place, (member, matter) in enumerate(sorted(interviews(drawn, edition).items())):
        call = (
            an_answer("2026-07-11 10:00", levels[place])
            if place < len(levels)
            else a_call("2026-07-11 10:00", Outcome.UNREACHABLE)
        )
        asked[campaigns.interview_id(drawn, member)] = called(matter, call, edition=edition)[0]

    early = campaigns.close(drawn, asked, at("2026-08-09 09:59"))
    closed_, happened = campaigns.close(drawn, asked, at("2026-08-20 10:00"))

    assert early == (drawn, [])
    # Mean 4, s² = 1, f = 3/8: variance (1 − 3/8)/3 = 0.208333; half 1.96·0.456435 = 0.894613.
    assert [(item.event, item.time) for item in happened] == [
        (
            CampaignClosed(
                campaign="c1",
                asked=4,
                answered=3,
                estimate=Decimal("4.0000"),
                low=Decimal("3.1054"),
                high=Decimal("4.8946"),
            ),
            at("2026-08-09 10:00"),
        )
    ]
    assert closed_.stage is Stage.CLOSED
    with pytest.raises(CampaignOverError):
        campaigns.must_be_drawable(closed_)


def test_a_campaign_that_nobody_answers_estimates_nothing() -> None:
    edition = an_edition()
    drawn, _ = campaigns.draw(opened(edition)[0], edition, NOW)

    _, happened = campaigns.close(drawn, {}, at("2026-08-20 10:00"))

    (event,) = [item.event for item in happened if isinstance(item.event, CampaignClosed)]
    assert (event.asked, event.answered, event.estimate) == (4, 0, None)
    assert event.low is None
