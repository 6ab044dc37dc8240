"""A case that the national centre sends, from its own number to what it hears back: intake and handling. Rule XA-04."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from jiandu.stack.stack import Stack
from services.handling import app as handling
from services.intake import app as intake
from services.intake.api import export
from services.intake.domain.ledger import Column
from shared.runtime.settings import Settings
from shared.storage.database import open_database
from tests.builders_rules import an_edition
from tests.conftest import FreshName
from tests.contract.callback_world import until
from tests.contract.clocks import SetClock
from tests.contract.intake_world import NOW
from tests.unit.intake.builders import PASSWORD, seed, settings_of

pytestmark = pytest.mark.connected

STATION = "xiangshan"
NUMBER = "GX202607100001"
"""As the national centre numbers its cases."""

UNITS = {
    "group": ("company", None, "group"),
    "service-office": ("service-office", "group", "group"),
    STATION: ("service-station", "group", STATION),
}
ACCOUNTS = {
    "importer": ("importer", STATION),
    "handler": ("handler", STATION),
    "officer": ("service-officer", "service-office"),
}
ROW = {
    "种类": "客户投诉",
    "类别": "停气",
    "服务项目": "供气与停气",
    "受理渠道": "全国客户服务中心服务监督中心转来",
    "来件编号": NUMBER,
    "客户名称": "张三丰",
    "联系电话": "13812345678",
    "客户反映": "停气两天没有通知",
    "受理时间": "2026-07-10 09:00",
}


@dataclass
class Service:
    """A running service as one account sees it."""

    http: AsyncClient
    account: str
    headers: dict[str, str]
    keys: int = 0

    async def get(self, path: str) -> Any:  # noqa: ANN401  # any JSON
        return (await self.http.get(path, headers=self.headers)).json()

    async def post(self, path: str, body: object = None) -> Response:
        self.keys += 1
        headers = {**self.headers, "Idempotency-Key": f"{self.account}-{self.keys:06d}"}
        return await self.http.post(path, json=body, headers=headers)


@dataclass
class Company:
    """The gas company: a station's intake as its importer sees it, and handling as its handler and the office do."""

    station: Service
    handler: Service
    officer: Service

    async def sent(self, row: dict[str, str]) -> Response:
        """Take in a case of the national centre, as it stands in the list that the centre sends."""
        body = export.csv_text([Column(key, key, key) for key in row], [row])
        headers = {**self.station.headers, "Content-Type": export.CSV}
        return await self.station.http.post("/v1/ledger", content=body, headers=headers)

    async def outbox(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.station.get("/v1/partners/national-centre/outbox"))["items"]
        return found

    async def outbox_by_one(self) -> list[dict[str, Any]]:
        found = list[dict[str, Any]]()
        cursor: str | None = ""
        while cursor is not None:
            path = f"/v1/partners/national-centre/outbox?limit=1&cursor={cursor}"
            page = await self.station.get(path)
            found, cursor = [*found, *page["items"]], page["next"]
        return found

    async def told(self, count: int) -> list[dict[str, Any]]:
        """Return what lies in the centre's outbox, once so much does."""

        async def there() -> bool:
            return len(await self.outbox()) >= count

        await until(there, within_s=120)
        return await self.outbox()


def a_service(module: Any, running: Any, account: str) -> Service:  # noqa: ANN401  # a service's own
    app = module.create_app()
    context = running.context
    app.state.context, app.state.use = context, running.use
    token = context.access.sign_in(account, PASSWORD, NOW).token
    http = AsyncClient(transport=ASGITransport(app=app), base_url="http://service")
    return Service(http, account, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def company(servers: Stack, fresh_name: FreshName) -> AsyncIterator[Company]:
    edition, name = an_edition("xinao"), fresh_name("centre")
    amqp_url = servers.broker.vhost(name)

    async def prepared(service: str, site: str, stack: AsyncExitStack) -> Settings:
        settings = settings_of(servers.mongo_url, amqp_url, name, site, "xinao")
        database = settings.database(service)
        await seed(servers.mongo_url, database, ACCOUNTS, edition, UNITS)
        opened = await stack.enter_async_context(open_database(servers.mongo_url, database))
        stack.push_async_callback(opened.drop)
        return settings

    async with AsyncExitStack() as stack:
        centre = await prepared("handling", "group", stack)
        group = await stack.enter_async_context(handling.serving(centre, SetClock(NOW)))
        at_station = await prepared("intake", STATION, stack)
        site = await stack.enter_async_context(intake.serving(at_station, SetClock(NOW)))
        yield Company(
            a_service(intake, site, "importer"),
            a_service(handling, group, "handler"),
            a_service(handling, group, "officer"),
        )


@pytest.mark.rule("XA-04")
async def test_what_the_national_centre_sends_keeps_its_number_and_is_reported_back(company: Company) -> None:
    """From the centre's list to its outbox: accepted, resolved and closed, each under the centre's own number."""
    taken = (await company.sent(ROW)).json()["rows"][0]
    path = f"/v1/complaints/{taken['complaint_id']}"
    shown = await company.station.get(path)
    (accepted,) = await company.told(1)

    assert (shown["channel"], shown["external_number"], shown["grade"]) == (
        "national-centre",
        NUMBER,
        "grade-2",
    )
    assert (accepted["number"], accepted["what"], accepted["zh"]) == (NUMBER, "accepted", "已受理")

    for who, deed in (
        (company.handler, {"do": "complete-step", "step": "answer", "outcome": "已致电"}),
        (
            company.handler,
            {"do": "make-finding", "validity": "valid", "reason": "属实", "evidence": {"facts": "f1"}},
        ),
        (company.officer, {"do": "confirm-finding", "agrees": True}),
        (company.handler, {"do": "propose-settlement", "way": "explanation"}),
        (company.handler, {"do": "complete-step", "step": "solve", "evidence": {"solution": "s1"}}),
        (company.handler, {"do": "close", "outcome": "已恢复供气"}),
    ):
        done = await who.post(f"/v1/cases/{taken['complaint_id']}/commands", deed)
        assert done.status_code == 200, done.text

    told = await company.told(3)
    assert [(one["number"], one["what"]) for one in told] == [
        (NUMBER, "accepted"),
        (NUMBER, "resolved"),
        (NUMBER, "closed"),
    ]
    assert {one["complaint_id"] for one in told} == {taken["complaint_id"]}
    assert await company.outbox_by_one() == [*told]
    receipts = [
        await company.station.post(f"/v1/partners/national-centre/outbox/{one['id']}/receipt") for one in told
    ]
    assert ([one.status_code for one in receipts], await company.outbox()) == ([200] * 3, [])


@pytest.mark.rule("XA-04")
async def test_a_number_that_is_not_the_centre_s_or_known_already_is_not_taken_in(company: Company) -> None:
    wrong = await company.sent({**ROW, "来件编号": "12345"})
    without = await company.sent({key: value for key, value in ROW.items() if key != "来件编号"})
    first = await company.sent(ROW)
    second = await company.sent({**ROW, "客户反映": "又停气了"})

    assert [one.status_code for one in (wrong, without, first, second)] == [422, 422, 201, 422]
    assert [one.json()["problems"][0]["column"] for one in (wrong, without, second)] == [
        "来件编号",
        "external_number",
        "来件编号",
    ]
    assert first.json()["rows"][0]["number"] in second.json()["problems"][0]["reason"]
