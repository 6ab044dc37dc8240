"""What a partner that sent a matter hears of it. Rule XA-04."""

from shared.events.handling import PartnerTold
from tests.unit.handling.builders import Story, a_registration, a_rule, a_step, an_edition

STEPS = {"solve": a_step(after="receipt", within={"hours": 8}, resolves=True)}
EDITION = an_edition(
    {"procedures": {"one": a_rule(applies={"kind": "complaint"}, steps=STEPS)}},
    intake={
        "kinds": {"complaint": a_rule()},
        "channels": {
            "telephone": a_rule(),
            "centre": a_rule(
                partner={"number": "[A-Z]{2}[0-9]{4}", "told": ["accepted", "resolved", "closed"]}
            ),
        },
    },
)


def a_story(**registration: object) -> Story:
    return Story(a_registration(class_="", **registration), EDITION)


def heard(story: Story) -> list[str]:
    return [item.event.what for item in story.happened if isinstance(item.event, PartnerTold)]


def test_a_partner_hears_what_it_is_to_hear_under_its_own_number() -> None:
    story = a_story(channel="centre", external_number="XA0001")
    story.step("solve", "07-01 15:00")
    story.do("close", "07-02 09:00")

    assert heard(story) == ["accepted", "resolved", "closed"]
    assert {item.event.number for item in story.happened if isinstance(item.event, PartnerTold)} == {"XA0001"}


def test_what_the_rulebook_does_not_name_is_not_told() -> None:
    story = a_story(channel="centre", external_number="XA0001")
    story.do("withdraw", "07-01 15:00", reason="客户撤回")

    assert heard(story) == ["accepted"]


def test_nobody_hears_of_a_matter_that_nobody_outside_sent() -> None:
    story = a_story(channel="telephone")
    story.step("solve", "07-01 15:00")

    assert heard(story) == []
