"""Who assessed: a third party's assessment beside internal inspections (QS-08), on real MongoDB and RabbitMQ.

Under the general group's rulebook. Now is 10 August 2026.
"""

import pytest

from jiandu.stack.stack import Stack
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for
from tests.contract.scoring_world import GROUP, Api, a_world

pytestmark = pytest.mark.connected

UNIT = "main"
ACCOUNTS = {
    "quality-head": ("quality", "quality-head"),
    "inspector": ("quality", "quality-inspector"),
    "leader": (UNIT, "unit-leader"),
}
EXTERNAL = {
    "kind": "third-party",
    "unit": UNIT,
    "assessor": "第三方评估机构",
    "fields": {"conclusion": "合格"},
}


@pytest.mark.rule("QS-07", "QS-08")
async def test_a_third_party_s_assessment_names_its_assessor_and_stands_in_for_no_inspection(
    servers: Stack, fresh_name: FreshName
) -> None:
    """INVARIANT: an outside body's verdict is shown as its own, and the quarter's own inspection stays owed.

    What breaks it: taking an assessment without its assessor, or counting the two as one kind.
    """
    name = fresh_name("assessor")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    settings = settings.model_copy(update={"group": "general"})
    async with a_world(settings, accounts=ACCOUNTS) as world:
        world.told.established("headquarters", "headquarters", site=GROUP)
        world.told.established("quality", "quality", "headquarters", GROUP)
        world.told.established(UNIT, "service-unit", "headquarters", UNIT)
        await world.arrived()
        head, inspector = Api(world, "quality-head"), Api(world, "inspector")

        async def quarterly() -> str:
            duties = (await head.get("/duties", limit=200)).json()["items"]
            (status,) = (
                one["status"]
                for one in duties
                if (one["obligation"], one["about"], one["period"])
                == ("quarterly-inspection", UNIT, "2026-Q3")
            )
            return str(status)

        nameless = await head.post("/inspections", {**EXTERNAL, "assessor": ""})
        borrowed = await inspector.post("/inspections", {"kind": "quarterly", "unit": UNIT, "assessor": "x"})
        outside = await head.post("/inspections", EXTERNAL)
        await world.arrived()
        world.stand_at("2026-08-10 11:00")
        after_the_outside_body = await quarterly()
        inside = await inspector.post("/inspections", {"kind": "quarterly", "unit": UNIT})
        await world.arrived()
        world.stand_at("2026-08-10 12:00")
        after_our_own = await quarterly()
        listed = (await Api(world, "leader").get("/inspections", month="2026-08")).json()["items"]

    assert [one.json()["problems"][0]["field"] for one in (nameless, borrowed)] == ["assessor", "assessor"]
    assert (outside.status_code, inside.status_code) == (201, 201)
    assert (after_the_outside_body, after_our_own) == ("open", "done")
    assert [(one["kind"], one["by"], one["assessor"], one["external"]) for one in listed] == [
        ("third-party", "quality-head", "第三方评估机构", True),
        ("quarterly", "inspector", "", False),
    ]
