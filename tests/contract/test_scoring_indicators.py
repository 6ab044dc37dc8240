"""One number, wherever it is read: a month's indicators in API, event and export (ZY-08, ZY-14).

Under 众义达's rulebook, on real MongoDB and RabbitMQ. Now is 10 August 2026.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from jiandu.scoring.backtest import play, read
from jiandu.stack.stack import Stack
from services.scoring.domain.fold import MonthResult
from shared.values.canonical import plain
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import settings_for
from tests.contract.scoring_world import Api, a_world

pytestmark = pytest.mark.connected

UNITS = ("haidian", "yizhuang")
ACCOUNTS = {
    "supervision-head": ("supervision", "supervision-head"),
    "assessor": ("group", "performance-assessor"),
    "yizhuang-head": ("yizhuang", "unit-head"),
}


def place(one: dict[str, Any]) -> tuple[str, str]:
    return one["unit"], one["indicator"]


def of(found: list[dict[str, Any]], unit: str, indicator: str) -> dict[str, Any]:
    (one,) = (one for one in found if (one["unit"], one["indicator"]) == (unit, indicator))
    return one


@pytest.mark.rule("ZY-08", "ZY-14")
async def test_an_indicator_is_the_same_number_in_api_event_and_export(
    servers: Stack, fresh_name: FreshName, tmp_path: Path
) -> None:
    """INVARIANT: nobody reckons a published figure again.

    What breaks it: a route, a message or a report with a formula of its own.
    """
    name = fresh_name("indicators")
    settings = settings_for(servers.mongo_url, servers.broker.vhost(name), name)
    settings = settings.model_copy(update={"group": "zhongyida"})
    async with a_world(settings, accounts=ACCOUNTS) as world:
        told = world.told
        told.established("group", "headquarters", site="group")
        told.established("strategy", "strategy-department", "group", "group")
        told.established("supervision", "supervision-office", "strategy", "group")
        for unit in UNITS:
            told.established(unit, "subsidiary", "group", unit)
            told.customers("2026-07", 2000, "2026-08-01 00:10", unit=unit)
        # Yizhuang: 3 complaints, of them 1 verified, 1 valid and 1 unfounded. Haidian: none.
        for case, validity in (("a", "verified"), ("b", "valid"), ("c", "unfounded")):
            told.registered(case, "2026-07-02 09:00", "yizhuang")
            told.found_valid(case, "2026-07-04 09:00", "yizhuang", validity=validity)
        await world.arrived()

        closed = await Api(world, "supervision-head").post("/periods/2026-07/close", {})
        assert closed.status_code == 201, closed.text
        await world.arrived()
        all_ = (await Api(world, "assessor").get("/periods/2026-07/indicators")).json()["indicators"]
        own = (await Api(world, "yizhuang-head").get("/periods/2026-07/indicators")).json()["indicators"]
        foreign = await Api(world, "yizhuang-head").get("/periods/2026-07/indicators", unit="haidian")
        export = await Api(world, "supervision-head").get("/export")
        events = [
            orjson.loads(one.body)["data"]["indicators"]
            for one in await world.entries("indicators.published.v1")
        ]

    # (1 + 1) / 2,000 = 0.1 % of the customers; valid ones 1 / 2,000 = 0.05 %.
    rate = of(all_, "yizhuang", "complaint-rate")
    assert (rate["hits"], Decimal(rate["of"]), Decimal(rate["value"])) == (2, Decimal(2000), Decimal("0.1"))
    assert Decimal(of(all_, "yizhuang", "valid-complaint-rate")["value"]) == Decimal("0.05")
    assert Decimal(of(all_, "haidian", "complaint-rate")["value"]) == 0
    # A unit sees its own.
    assert own == [one for one in all_ if one["unit"] == "yizhuang"]
    assert foreign.status_code == 404
    # The rulebook sends out four of them, in the same words.
    sent = {"complaint-rate", "valid-complaint-rate", "satisfaction", "mean-satisfaction"}
    told_all = [figure for of_unit in events for figure in of_unit]
    assert sorted(told_all, key=place) == sorted([one for one in all_ if one["indicator"] in sent], key=place)
    # Whoever folds the export comes to the same.
    file = tmp_path / "events.jsonl"
    file.write_bytes(export.content)
    (again,) = play(*read(file), an_edition("zhongyida"))
    assert again.equal
    assert isinstance(again.result, MonthResult)
    assert orjson.loads(orjson.dumps(plain(again.result.indicators))) == all_
