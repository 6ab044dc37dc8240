"""A case keeps the edition under which it began, also where everything is worked out anew (QS-11, FIELD vector 3)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jiandu.stack.stack import Stack
from services.handling import domain
from shared.events.registry import EditionEnacted
from shared.rulebook.load import bundle, edition_from_files
from tests.builders_facts import at
from tests.conftest import FreshName
from tests.contract.callback_world import until
from tests.contract.handling_world import BRANCH, NOW, World, a_world

pytestmark = pytest.mark.connected


@pytest.fixture
async def world(servers: Stack, fresh_name: FreshName) -> AsyncIterator[World]:
    async with a_world(servers, fresh_name("editions")) as world:
        yield world


@pytest.mark.rule("QS-11", "ZY-02")
async def test_a_limit_edited_afterwards_changes_no_case_that_began_before(world: World) -> None:
    """A general complaint is handled within ten days; an edition makes it one day, from the first day on.

    Recomputing the old case under its own edition gives its old due moment, the case
    registered after the enactment gets the new one.

    What breaks it: asking for the edition in force wherever a case is worked out.
    """
    old = world.service.context.directory.edition
    text = old.files["procedures.yaml"]
    assert "within: {days: 10}" in text
    new = edition_from_files(
        {**old.files, "procedures.yaml": text.replace("within: {days: 10}", "within: {days: 1}")}
    )
    before = await world.registered(101, NOW - timedelta(minutes=5))
    await world.there()
    # The world's own edition was enacted on 1 August, so this one comes after it.
    enacted = EditionEnacted(
        name=new.name,
        hash=new.hash,
        enacted_at=at("2026-08-02"),
        approved_by=("president",),
        bundle=bundle(new),
    )
    world.told.tell("registry", f"edition/{new.hash}", "group", NOW, enacted)
    await world.there()

    async def in_force() -> bool:
        return bool(world.service.context.directory.edition.hash == new.hash)

    await until(in_force)
    after = await world.registered(102, NOW - timedelta(minutes=5), BRANCH)
    await world.there()
    cases = [await world.service.use.get(str(one)) for one in (before, after)]
    anew = [domain.recompute(one, world.service.use.edition(one.edition_hash)) for one in cases]

    def days(case: domain.Case) -> int:
        clock = case.clock("handled")
        assert clock is not None
        assert clock.due is not None
        return (clock.due - case.received_at).days

    assert [one.edition_hash for one in cases] == [old.hash, new.hash]
    assert [days(one) for one in cases] == [days(one) for one in anew] == [10, 1]
